/**
 * The memory of a store: 32-bit words, cut into segments of equal size. An address is the number of
 * a word, held as a signed 32-bit integer; its top 4 bits choose a chunk of at most 1 GiB. The
 * memory is the system's until it is written to, so a store grows as data arrives.
 *
 * Invariants: a segment is free or taken, never both; no segment lies in two chunks.
 */

import { assert } from "../assert.ts";
import type { Layout } from "./layout.ts";

const CHUNK_SHIFT = 28;
const CHUNK_WORDS = 2 ** CHUNK_SHIFT;
const OFFSET_MASK = CHUNK_WORDS - 1;

/** The chunk of an address, and the word's number in that chunk. */
export const chunkOf = (address: number): number => address >>> CHUNK_SHIFT;
export const offsetOf = (address: number): number => address & OFFSET_MASK;

export class Arena {
  readonly segmentWords: number;
  readonly segmentCount: number;
  /** By chunk: two views of the same memory. */
  readonly words: Int32Array[] = [];
  readonly bytes: Uint8Array[] = [];
  readonly #segmentShift: number;
  /** A stack, with used segments above those never touched. */
  readonly #free: Int32Array;
  #freeCount: number;

  /** @throws RangeError if the system does not provide that much memory */
  constructor({ segmentWords, segmentCount }: Layout) {
    this.segmentWords = segmentWords;
    this.segmentCount = segmentCount;
    this.#segmentShift = Math.log2(segmentWords);
    for (let left = segmentCount * segmentWords; left > 0; left -= CHUNK_WORDS) {
      const words = new Int32Array(Math.min(left, CHUNK_WORDS));
      this.words.push(words);
      this.bytes.push(new Uint8Array(words.buffer));
    }
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
