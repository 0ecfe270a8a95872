/**
 * What the core needs from AES-256-GCM. An adapter returns a value or a promise, and the core
 * pays for a promise only when there is one.
 * Source: NIST SP 800-38D; docs/WIRE.md, section 1.
 */

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
