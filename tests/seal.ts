/** Seals a test's frame, as the core seals a frame that it has written in place. */

import type { Cipher } from "../src/protocol/seal.ts";

export function sealFrame(
  cipher: Cipher,
  datagram: Uint8Array,
  frame: Uint8Array,
  additionalData: Uint8Array,
): void | Promise<void> {
  cipher.frame.set(frame);
  return cipher.seal(datagram, additionalData);
}
