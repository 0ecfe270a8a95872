/**
 * What the core needs from a library of cryptography.
 * Source: NIST SP 800-38D; RFC 5869; docs/WIRE.md, sections 1 and 2.
 */

import type { FillRandom } from "./nonces.ts";
import type { Cipher } from "./seal.ts";

/** A library of cryptography, as a runtime offers it. */
export interface CryptoProvider {
  /** For display: `OpenSSL`, `node:crypto` or `Web Crypto`. */
  readonly name: string;
  readonly fillRandom: FillRandom;
  /** HKDF-SHA-256 with an empty salt, 32 bytes out. */
  deriveKey(masterKey: Uint8Array, info: string): Promise<Uint8Array>;
  /** Makes a cipher of AES-256-GCM from a 32-byte key. */
  cipher(key: Uint8Array): Promise<Cipher>;
}
