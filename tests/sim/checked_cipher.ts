/**
 * Checks node:crypto's cipher: no nonce is sealed twice under a key, and nothing that was
 * corrupted on the way opens. It can answer late and out of order, as Web Crypto does, on the
 * virtual clock.
 */

import { copyBytes } from "../../src/bytes.ts";
import { NONCE_BYTES } from "../../src/protocol/datagram.ts";
import type { Cipher } from "../../src/protocol/seal.ts";

export interface Watch {
  /** Datagrams that were altered after they were sealed. */
  readonly corrupted: WeakSet<Uint8Array>;
  readonly violate: (what: string) => void;
  /** Schedules a late answer; null: answers come at once. */
  readonly later: ((run: () => void) => void) | null;
}

/** @param nonces all nonces that were sealed under this key */
export function checkedCipher(cipher: Cipher, nonces: Set<string>, watch: Watch): Cipher {
  const answer = <T>(value: T): T | Promise<T> => {
    const { later } = watch;
    return later === null ? value : new Promise((resolve) => later(() => resolve(value)));
  };
  return {
    frame: cipher.frame,
    seal(datagram, additionalData) {
      const nonce = String.fromCharCode(...datagram.subarray(0, NONCE_BYTES));
      if (nonces.has(nonce)) watch.violate(`nonce ${JSON.stringify(nonce)} was used twice`);
      nonces.add(nonce);
      if (watch.later === null) {
        cipher.seal(datagram, additionalData);
        return;
      }
      const sealed = copyBytes(datagram);
      cipher.seal(sealed, additionalData);
      return new Promise((resolve) =>
        watch.later?.(() => {
          datagram.set(sealed);
          resolve();
        })
      );
    },
    open(datagram, additionalData) {
      const frame = cipher.open(datagram, additionalData) as Uint8Array | null;
      if (frame !== null && watch.corrupted.has(datagram)) {
        watch.violate("a corrupted datagram was accepted");
      }
      return answer(frame);
    },
  };
}
