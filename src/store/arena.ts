/**
 * The memory of a store: 32-bit words, cut into segments of equal size. An address is the number of
 * a word, held as a signed 32-bit integer, of which the top 4 bits choose a chunk of at most 1 GiB.
 * The memory is the system's until it is written to, so a store grows as data comes.
 *
 * Invariants: a segment is free or taken, never both; no segment lies in two chunks.
 */

import { assert } from "../assert.ts";
import type { Layout } from "./layout.ts";

const CHUNK_SHIFT = 28;
const CHUNK_WORDS = 2 ** CHUNK_SHIFT;
const OFFSET_MASK = CHUNK_WORDS - 1;

/** Which chunk an address is in, and the word's number there. */
export const chunkOf = (address: number): number => address >>> CHUNK_SHIFT;
export const offsetOf = (address: number): number => address & OFFSET_MASK;

export class Arena {
  readonly segmentWords: number;
  readonly segmentCount: number;
  /** By chunk, the same memory twice. */
  readonly words: Int32Array[] = [];
  readonly bytes: Uint8Array[] = [];
  readonly #segmentShift: number;
  /** A stack, on which used segments lie above those never touched. */
  readonly #free: Int32Array;
  #freeCount: number;

  /** @throws RangeError when the system does not give so much memory */
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

  /** The number of a segment that was free. What it held is still there. */
  take(): number {
    assert(this.#freeCount > 0, "whoever takes a segment made sure that one is free");
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

  /** Copies words that lie in one segment to where they do not overlap with themselves. */
  copy(from: number, to: number, count: number): void {
    const source = this.words[chunkOf(from)];
    const target = this.words[chunkOf(to)];
    const fromAt = offsetOf(from);
    const toAt = offsetOf(to);
    for (let i = 0; i < count; i++) target[toAt + i] = source[fromAt + i];
  }
}
