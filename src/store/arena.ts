/**
 * The memory of a store: 32-bit words, cut into segments of equal size. An address is the number of
 * a word, held as a signed 32-bit integer; its top 4 bits choose a chunk of at most 1 GiB. The
 * memory is the system's until it is written to, so a store grows as data arrives.
 *
 * Invariants: a segment is free or taken, never both; no segment lies in two chunks.
 */

import { assert } from "../assert.ts";
import { CHUNK_SHIFT, CHUNK_WORDS, type Layout } from "./layout.ts";
import type { StoreMemory } from "./memory.ts";

const OFFSET_MASK = CHUNK_WORDS - 1;
/** The chunks that an address can name. */
const CHUNKS = 2 ** (32 - CHUNK_SHIFT);

/** The chunk of an address, and the word's number in that chunk. */
export const chunkOf = (address: number): number => address >>> CHUNK_SHIFT;
export const offsetOf = (address: number): number => address & OFFSET_MASK;

export class Arena {
  readonly segmentWords: number;
  readonly segmentCount: number;
  /**
   * By chunk: two views of the same memory. Chunks that do not exist are the first one again, for
   * readers that take something else for an address (lookup.ts).
   */
  readonly words: readonly Int32Array[];
  readonly bytes: readonly Uint8Array[];
  readonly #segmentShift: number;
  /** A stack, with used segments above those never touched. */
  readonly #free: Int32Array;
  #freeCount: number;

  constructor({ chunks }: Pick<StoreMemory, "chunks">, { segmentWords, segmentCount }: Layout) {
    this.segmentWords = segmentWords;
    this.segmentCount = segmentCount;
    this.#segmentShift = Math.log2(segmentWords);
    this.words = Array.from({ length: CHUNKS }, (_, i) => chunks[i] ?? chunks[0]);
    this.bytes = this.words.map(({ buffer }) => new Uint8Array(buffer));
    this.#free = Int32Array.from({ length: segmentCount }, (_, i) => segmentCount - 1 - i);
    this.#freeCount = segmentCount;
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  /** The number of a segment that was free. Its old contents are still there. */
  take(): number {
    assert(this.#freeCount > 0, "a segment is free when one is taken");
    return this.#free[--this.#freeCount];
  }

  give(segment: number): void {
    this.#free[this.#freeCount++] = segment;
  }

  segmentOf(address: number): number {
    return address >>> this.#segmentShift;
  }

  /** The address of a segment's first word. */
  startOf(segment: number): number {
    return segment << this.#segmentShift;
  }

  /** Copies words of one segment to a place that does not overlap them. */
  copy(from: number, to: number, count: number): void {
    const source = this.words[chunkOf(from)];
    const target = this.words[chunkOf(to)];
    const fromAt = offsetOf(from);
    const toAt = offsetOf(to);
    for (let i = 0; i < count; i++) target[toAt + i] = source[fromAt + i];
  }
}
