import { NONE, Result, type Store } from "../../src/store/store.ts";
import { text } from "../bytes.ts";

/** Fills a store that refuses, first with the largest values of a datagram, until it takes no other. */
export function fillUp(store: Store): void {
  const value = { bytes: new Uint8Array(863), start: 0, length: 863 };
  const found = { bytes: new Uint8Array(0), start: 0, room: 0, length: NONE, expiresAtMs: 0 };
  for (let n = 0;; n++) {
    const bytes = text(`fill:${n}`);
    const key = { bytes, start: 0, length: bytes.length };
    if (store.set(key, value, 0, false, found) === Result.DONE) continue;
    if (value.length === 0) return;
    value.length = 0;
  }
}
