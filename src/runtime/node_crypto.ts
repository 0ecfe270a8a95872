/**
 * Cryptography by node:crypto, which Bun, Deno and Node all have: synchronous. On Node it spares a
 * client's start the time to load Web Crypto.
 */

import { copyBytes } from "../bytes.ts";
import { DATAGRAM_BYTES, FRAME_BYTES, NONCE_BYTES, TAG_AT } from "../protocol/datagram.ts";
import { KEY_BYTES } from "../protocol/keys.ts";
import type { CryptoProvider } from "../protocol/crypto_provider.ts";
import type { Cipher } from "../protocol/seal.ts";

// Not a static import: a bundle would load it together with the library, before a client is wanted.
const { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomFillSync } =
  await import("node:crypto");

const ALGORITHM = "aes-256-gcm";
const NO_SALT = new Uint8Array(0);

export const nodeCrypto: CryptoProvider = {
  name: "node:crypto",
  fillRandom: (bytes) => void randomFillSync(bytes),
  deriveKey: async (masterKey, info) =>
    new Uint8Array(hkdfSync("sha256", masterKey, NO_SALT, info, KEY_BYTES)),
  cipher: async (key) => nodeCipher(key),
};

function nodeCipher(keyBytes: Uint8Array): Cipher {
  // Node would import bytes for each cipher, and Deno exports a key object for each.
  const key = process.versions.deno === undefined ? createSecretKey(keyBytes) : copyBytes(keyBytes);
  // Datagrams are copied here, so that views are made once and not for each: a fifth of the time.
  const scratch = new Uint8Array(DATAGRAM_BYTES);
  const nonce = scratch.subarray(0, NONCE_BYTES);
  const sealed = scratch.subarray(NONCE_BYTES, TAG_AT);
  const tag = scratch.subarray(TAG_AT);
  const frame = new Uint8Array(FRAME_BYTES);
  return {
    frame,

    seal(datagram, additionalData) {
      for (let i = 0; i < NONCE_BYTES; i++) nonce[i] = datagram[i];
      const cipher = createCipheriv(ALGORITHM, key, nonce);
      if (additionalData.length > 0) cipher.setAAD(additionalData);
      datagram.set(cipher.update(frame), NONCE_BYTES);
      cipher.final();
      datagram.set(cipher.getAuthTag(), TAG_AT);
    },

    open(datagram, additionalData) {
      scratch.set(datagram);
      const decipher = createDecipheriv(ALGORITHM, key, nonce);
      if (additionalData.length > 0) decipher.setAAD(additionalData);
      decipher.setAuthTag(tag);
      const frame = decipher.update(sealed);
      try {
        decipher.final();
      } catch {
        return null;
      }
      return frame;
    },
  };
}
