import { NONE, Result, type Store } from "../../src/store/store.ts";
import { text } from "../bytes.ts";

/**
 * Fills a store that refuses until it takes nothing: values of the largest size a datagram holds,
 * then empty ones, then a time to live for each key.
 */
export function fillUp(store: Store): void {
  const value = { bytes: new Uint8Array(863), start: 0, length: 863 };
  const found = { bytes: new Uint8Array(0), start: 0, room: 0, length: NONE, expiresAtMs: 0 };
  for (let n = 0;; n++) {
    const bytes = text(`fill:${n}`);
    const key = { bytes, start: 0, length: bytes.length };
    if (store.set(key, value, 0, false, found) === Result.DONE) continue;
    if (value.length === 0) break;
    value.length = 0;
  }
  for (let n = 0;; n++) {
    const bytes = text(`fill:${n}`);
    const key = { bytes, start: 0, length: bytes.length };
    if (store.touch(key, Number.MAX_SAFE_INTEGER) !== Result.DONE) return;
  }
}
