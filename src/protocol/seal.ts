/**
 * What the core needs from cryptography. An adapter returns a value or a promise, and the core
 * pays for a promise only when there is one.
 * Source: NIST SP 800-38D; RFC 5869; docs/WIRE.md, sections 1 and 2.
 */

import type { FillRandom } from "./nonces.ts";

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

/** AES-256-GCM under one key. */
export interface Cipher {
  /** The frame that the next `seal` seals: 996 bytes, lent to the caller to write in place. */
  readonly frame: Uint8Array;

  /**
   * Seals the frame into a datagram that already begins with its nonce. The frame and the
   * additional data may be reused as soon as this returns; `datagram` is complete when this returns
   * or its promise resolves.
   */
  seal(datagram: Uint8Array, additionalData: Uint8Array): void | Promise<void>;

  /**
   * Opens a datagram; its bytes may be reused as soon as this returns.
   * @returns the frame of 996 bytes, or null if the datagram does not authenticate; only the next
   *   `open` may overwrite the frame
   */
  open(
    datagram: Uint8Array,
    additionalData: Uint8Array,
  ): Uint8Array | null | Promise<Uint8Array | null>;
}

/** The additional data of queries and of replies. */
export const NO_ADDITIONAL_DATA = new Uint8Array(0);
