/** Copies bytes between arrays without creating a view of either. */

import { Buffer } from "node:buffer";

/** Below this length a loop is faster than a call (measured on Bun). */
const MIN_CALL_BYTES = 24;

export function copyRun(
  source: Uint8Array,
  from: number,
  target: Uint8Array,
  to: number,
  length: number,
): void {
  if (length < MIN_CALL_BYTES) {
    for (let i = 0; i < length; i++) target[to + i] = source[from + i];
  } else {
    Buffer.prototype.copy.call(source, target, to, from, from + length);
  }
}
