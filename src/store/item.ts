/**
 * An item of the log, in whole words:
 *
 *     header | expiry, two words, if TIMED | length, id and pieces if LARGE | key, value, padding
 *
 * The header of a living item, from the lowest bit: five marks, the key's length less one (10 bits),
 * the value's length (17). The value follows the key without a gap. A dead item is a header with
 * DEAD and, from bit 12, the number of words of the item, header included.
 */

import { assert } from "../assert.ts";
import { WORD_BYTES } from "./layout.ts";

/** The wire has room for 128 of these; the doors take keys as long as this. */
export const MAX_KEY_BYTES = 1_024;

export const Mark = {
  DEAD: 1,
  /** Has an expiry. */
  TIMED: 2,
  /** The head of a value that is in pieces. */
  LARGE: 4,
  /** A piece of such a value. */
  PIECE: 8,
  /** Was read, or written in place, since it came to its address. */
  READ: 16,
} as const;

const KEY_SHIFT = 5;
const KEY_LENGTH_MASK = (MAX_KEY_BYTES - 1) << KEY_SHIFT;
const VALUE_SHIFT = 15;
assert(KEY_LENGTH_MASK < 2 ** VALUE_SHIFT, "a key's length fits its bits");
const WORDS_SHIFT = 12;
/** The largest value that a header can describe; a sixteenth of a segment is less. */
const MAX_ITEM_VALUE_BYTES = 2 ** (32 - VALUE_SHIFT) - 1;

export const EXPIRY_WORDS = 2;
export const LARGE_WORDS = 3;

/** The bits of a header that depend on the key: those of `keyMarksOf`, and PIECE. */
export const KEY_MARKS_MASK = KEY_LENGTH_MASK | Mark.PIECE;
export const keyMarksOf = (keyLength: number): number => (keyLength - 1) << KEY_SHIFT;

export function headerOf(marks: number, valueLength: number): number {
  assert(valueLength <= MAX_ITEM_VALUE_BYTES, "a value fits its header");
  return (valueLength << VALUE_SHIFT) | marks;
}

export const deadHeaderOf = (words: number): number => (words << WORDS_SHIFT) | Mark.DEAD;

export const isDead = (header: number): boolean => (header & Mark.DEAD) !== 0;
export const isTimed = (header: number): boolean => (header & Mark.TIMED) !== 0;
export const isLarge = (header: number): boolean => (header & Mark.LARGE) !== 0;
export const isPiece = (header: number): boolean => (header & Mark.PIECE) !== 0;

export const keyLengthOf = (header: number): number =>
  ((header & KEY_LENGTH_MASK) >>> KEY_SHIFT) + 1;
export const valueLengthOf = (header: number): number => header >>> VALUE_SHIFT;

export const wasRead = (header: number): boolean => (header & Mark.READ) !== 0;

/** Words before the key. */
export const keyOffsetOf = (header: number): number =>
  1 + ((header & Mark.TIMED) !== 0 ? EXPIRY_WORDS : 0) +
  ((header & Mark.LARGE) !== 0 ? LARGE_WORDS : 0);

/** All the words of an item, dead or alive. */
export const wordsOf = (header: number): number =>
  isDead(header) ? header >>> WORDS_SHIFT : keyOffsetOf(header) +
    ((keyLengthOf(header) + valueLengthOf(header) + WORD_BYTES - 1) >> 2);
