/** Cryptography by Web Crypto: only the standard, and every answer comes later. */

import { copyBytes } from "../bytes.ts";
import { FRAME_BYTES, NONCE_BYTES, TAG_BYTES } from "../protocol/datagram.ts";
import { fillFromKernel, KEY_BYTES } from "../protocol/keys.ts";
import type { CryptoProvider } from "../protocol/crypto_provider.ts";
import type { Cipher } from "../protocol/seal.ts";

const { subtle } = crypto;

export const webCrypto: CryptoProvider = {
  name: "Web Crypto",
  fillRandom: fillFromKernel,
  deriveKey,
  cipher: webCipher,
};

/** An array that Web Crypto accepts: its types refuse memory that might be shared. */
type Bytes = Uint8Array<ArrayBuffer>;

async function deriveKey(masterKey: Uint8Array, info: string): Promise<Uint8Array> {
  const base = await subtle.importKey("raw", masterKey as Bytes, "HKDF", false, ["deriveBits"]);
  const parameters = {
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(0),
    info: new TextEncoder().encode(info),
  };
  return new Uint8Array(await subtle.deriveBits(parameters, base, KEY_BYTES * 8));
}

async function webCipher(keyBytes: Uint8Array): Promise<Cipher> {
  const key = await subtle.importKey("raw", keyBytes as Bytes, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  // Copies, since the caller may reuse its arrays and a runtime may read them late.
  const parameters = (datagram: Uint8Array, additionalData: Uint8Array) => ({
    name: "AES-GCM",
    iv: copyBytes(datagram, 0, NONCE_BYTES),
    additionalData: additionalData as Bytes,
    tagLength: TAG_BYTES * 8,
  });
  const frame = new Uint8Array(FRAME_BYTES);
  return {
    frame,

    async seal(datagram, additionalData) {
      const algorithm = parameters(datagram, additionalData);
      const sealed = await subtle.encrypt(algorithm, key, copyBytes(frame));
      datagram.set(new Uint8Array(sealed), NONCE_BYTES);
    },

    async open(datagram, additionalData) {
      const algorithm = parameters(datagram, additionalData);
      try {
        const sealed = copyBytes(datagram, NONCE_BYTES);
        return new Uint8Array(await subtle.decrypt(algorithm, key, sealed));
      } catch {
        return null;
      }
    },
  };
}
