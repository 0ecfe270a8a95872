import type { Span } from "../store/store.ts";

/** A key as text, one character for each byte. */
export function latin1Of({ bytes, start, length }: Span): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
