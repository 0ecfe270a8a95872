/**
 * What the core needs of AES-256-GCM. An adapter answers now or later: a value or a promise,
 * and the core pays for later only when it happens.
 * Source: NIST SP 800-38D; docs/WIRE.md, section 1.
 */

/** One kind of AES-256-GCM, as a runtime offers it. */
export interface Aead {
  /** For people: `OpenSSL`, `node:crypto` or `Web Crypto`. */
  readonly name: string;
  /** Makes a cipher of a 32-byte key. */
  cipher(key: Uint8Array): Promise<Cipher>;
}

/** AES-256-GCM under one key. */
export interface Cipher {
  /**
   * Seals a frame into a datagram that already begins with its nonce. All arguments but
   * `datagram` may be reused as soon as this returns; `datagram` is complete when the result is
   * there.
   */
  seal(datagram: Uint8Array, frame: Uint8Array, additionalData: Uint8Array): void | Promise<void>;

  /**
   * Opens a datagram; its bytes may be reused as soon as this returns.
   * @returns the frame of 996 bytes, or null when it does not authenticate; the next datagram
   *   that is sealed or opened may overwrite it
   */
  open(
    datagram: Uint8Array,
    additionalData: Uint8Array,
  ): Uint8Array | null | Promise<Uint8Array | null>;
}

/** The additional data of queries and of replies. */
export const NO_ADDITIONAL_DATA = new Uint8Array(0);
