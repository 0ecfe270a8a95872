/**
 * Which of a stream's latest 1,024 sequences were seen: a bitmap used as a ring.
 * Source: RFC 6479; docs/WIRE.md, section 5.
 */

import { assert } from "../assert.ts";

/** A sequence is admitted while it is greater than the highest seen minus this. */
export const WINDOW = 1024;
const WORD_BITS = 32;
/** One word more than the window, so that clearing the next word never clears a live bit. */
const WORDS = WINDOW / WORD_BITS + 1;

assert(Number.isInteger(WORDS), "the window is a whole number of words");

/** What a window knows of a sequence. */
export const Sighting = { NEW: 0, MARKED: 1, BEHIND: 2 } as const;
export type Sighting = (typeof Sighting)[keyof typeof Sighting];

export class ReplayWindow {
  readonly #bits = new Uint32Array(WORDS);
  #highest = -1;

  look(sequence: number): Sighting {
    if (sequence <= this.#highest - WINDOW) return Sighting.BEHIND;
    if (sequence > this.#highest) return Sighting.NEW;
    const word = Math.floor(sequence / WORD_BITS) % WORDS;
    return (this.#bits[word] & bitOf(sequence)) === 0 ? Sighting.NEW : Sighting.MARKED;
  }

  /** Looks a sequence up, and marks it if it is new. */
  mark(sequence: number): Sighting {
    const sighting = this.look(sequence);
    if (sighting !== Sighting.NEW) return sighting;
    if (sequence > this.#highest) this.#advance(sequence);
    this.#bits[Math.floor(sequence / WORD_BITS) % WORDS] |= bitOf(sequence);
    return Sighting.NEW;
  }

  #advance(sequence: number): void {
    const from = Math.floor(this.#highest / WORD_BITS);
    const to = Math.floor(sequence / WORD_BITS);
    const stale = Math.min(to - from, WORDS);
    for (let i = 0; i < stale; i++) this.#bits[(to - i) % WORDS] = 0;
    this.#highest = sequence;
  }
}

function bitOf(sequence: number): number {
  return 1 << (sequence % WORD_BITS);
}
