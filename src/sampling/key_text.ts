import type { Span } from "../store/store.ts";

/** A key as text, one character for each byte. */
export function keyText({ bytes, start, length }: Span): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
