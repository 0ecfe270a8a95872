/**
 * The password of the RESP door. Only a digest is kept, and compared in a time that tells nothing of
 * the password. A wrong one costs its sender a wait (conversation.ts).
 */

import { createHash, timingSafeEqual } from "node:crypto";

const digestOf = (text: Uint8Array | string) => createHash("sha256").update(text).digest();

export class Password {
  readonly #digest: Uint8Array;

  /** @param text as UTF-8 */
  constructor(text: string) {
    this.#digest = digestOf(text);
  }

  matches(given: Uint8Array): boolean {
    return timingSafeEqual(digestOf(given), this.#digest);
  }
}
