/** Keys as strings, one character for each byte, where a map needs them. */

import { Buffer } from "node:buffer";
import { type Span, spanOf } from "./store.ts";

export function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}

export function nameOfSpan({ bytes, start, length }: Span): string {
  return nameOf(bytes.subarray(start, start + length));
}

/** The key that has a name. */
export function spanOfName(name: string): Span {
  return spanOf(Buffer.from(name, "latin1"));
}
