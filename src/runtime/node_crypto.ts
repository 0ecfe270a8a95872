/** AES-256-GCM by node:crypto, which Bun, Deno and Node all have: synchronous, the fast one. */

import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";
import { FRAME_BYTES, NONCE_BYTES, TAG_AT, TAG_BYTES } from "../protocol/datagram.ts";
import type { Aead, Cipher } from "../protocol/seal.ts";

const ALGORITHM = "aes-256-gcm";
const OPTIONS = { authTagLength: TAG_BYTES };

export const nodeCrypto: Aead = {
  name: "node:crypto",
  cipher: (key) => Promise.resolve(nodeCipher(key)),
};

function nodeCipher(keyBytes: Uint8Array): Cipher {
  const key = createSecretKey(keyBytes);
  return {
    seal(datagram, frame, additionalData) {
      const cipher = createCipheriv(ALGORITHM, key, datagram.subarray(0, NONCE_BYTES), OPTIONS);
      if (additionalData.length > 0) cipher.setAAD(additionalData);
      datagram.set(cipher.update(frame), NONCE_BYTES);
      cipher.final();
      datagram.set(cipher.getAuthTag(), TAG_AT);
    },

    open(datagram, additionalData) {
      const nonce = datagram.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, key, nonce, OPTIONS);
      if (additionalData.length > 0) decipher.setAAD(additionalData);
      decipher.setAuthTag(datagram.subarray(TAG_AT));
      const frame = decipher.update(datagram.subarray(NONCE_BYTES, NONCE_BYTES + FRAME_BYTES));
      try {
        decipher.final();
      } catch {
        return null;
      }
      return frame;
    },
  };
}
