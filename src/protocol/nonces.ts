/**
 * Nonces that are unique by construction: a random stream id and a sequence that counts up.
 * Source: docs/WIRE.md, section 3; the bound on random nonces is NIST SP 800-38D, section 8.3.
 */

import { assert } from "../assert.ts";
import { equalBytes, readU32, writeU32 } from "../bytes.ts";
import { NONCE_BYTES } from "./datagram.ts";

/** Fills an array with bytes from a cryptographic random source. */
export type FillRandom = (bytes: Uint8Array) => void;

export const STREAM_ID_BYTES = 8;
const SEQUENCE_BYTES = 4;
/** A sequence starts below this, so that at least 2^31 datagrams fit a stream. */
const FIRST_SEQUENCE_BELOW = 2 ** 31;
/** The sequence where a stream ends and another is drawn. */
const SEQUENCE_END = 2 ** 32 - 1;
/** Bit 0 of the first byte of a request's stream id: set for mutations. */
const MUTATION_BIT = 1;

assert(STREAM_ID_BYTES + SEQUENCE_BYTES === NONCE_BYTES, "8 + 4 = 12");

/** Whether the nonce at an offset belongs to a mutation stream. */
export function isMutationNonce(bytes: Uint8Array, nonceAt = 0): boolean {
  return (bytes[nonceAt] & MUTATION_BIT) !== 0;
}

/** The sequence in the nonce at an offset. */
export function sequenceOf(bytes: Uint8Array, nonceAt = 0): number {
  return readU32(bytes, nonceAt + STREAM_ID_BYTES);
}

/**
 * A number for the stream of a mutation's nonce: never 0, and the same for another stream once in four
 * thousand million.
 */
export function streamOf(bytes: Uint8Array, nonceAt = 0): number {
  return readU32(bytes, nonceAt);
}

/** A stream of nonces. It draws its id when the first nonce is taken, not before. */
export class NonceStream {
  readonly #fillRandom: FillRandom;
  readonly #idBits: (firstByte: number) => number;
  readonly #id = new Uint8Array(STREAM_ID_BYTES);
  #next = SEQUENCE_END;

  private constructor(fillRandom: FillRandom, idBits: (firstByte: number) => number) {
    this.#fillRandom = fillRandom;
    this.#idBits = idBits;
  }

  static forQueries(fillRandom: FillRandom): NonceStream {
    return new NonceStream(fillRandom, (firstByte) => firstByte & ~MUTATION_BIT);
  }

  static forMutations(fillRandom: FillRandom): NonceStream {
    return new NonceStream(fillRandom, (firstByte) => firstByte | MUTATION_BIT);
  }

  static forReplies(fillRandom: FillRandom): NonceStream {
    return new NonceStream(fillRandom, (firstByte) => firstByte);
  }

  /** The sequence that the next nonce will have. */
  peek(): number {
    if (this.#next >= SEQUENCE_END) this.#begin();
    return this.#next;
  }

  /** Skips the sequences below this one; at the end of the stream, another stream begins. */
  skipTo(sequence: number): void {
    this.#next = Math.max(this.#next, sequence);
  }

  /** Writes the next nonce into the first 12 bytes of a datagram. */
  take(datagram: Uint8Array): void {
    const sequence = this.peek();
    datagram.set(this.#id);
    writeU32(datagram, STREAM_ID_BYTES, sequence);
    this.#next = sequence + 1;
  }

  /** Whether the nonce that begins a datagram has this stream's current id. */
  owns(datagram: Uint8Array): boolean {
    return equalBytes(datagram, 0, this.#id, 0, STREAM_ID_BYTES);
  }

  #begin(): void {
    this.#fillRandom(this.#id);
    this.#id[0] = this.#idBits(this.#id[0]);
    const start = new Uint8Array(SEQUENCE_BYTES);
    this.#fillRandom(start);
    this.#next = readU32(start, 0) % FIRST_SEQUENCE_BELOW;
  }
}
