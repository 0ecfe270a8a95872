/**
 * An item of the log, in whole words:
 *
 *     header | expiry, two words, if TIMED | length, id and pieces if LARGE | key, value, padding
 *
 * The header of a living item, from the lowest bit: four marks, reads (2 bits), the key's length
 * less one (7), the value's length (17). The value follows the key without a gap. A dead item is a
 * header that says DEAD and, from bit 13, how many words it takes, itself included.
 */

import { assert } from "../assert.ts";
import { WORD_BYTES } from "./layout.ts";

export const MAX_KEY_BYTES = 128;

export const Mark = {
  DEAD: 1,
  /** Has an expiry. */
  TIMED: 2,
  /** Stands for a value that is in pieces. */
  LARGE: 4,
  /** A piece of such a value. */
  PIECE: 8,
} as const;

const READS_SHIFT = 4;
const READS_MASK = 3 << READS_SHIFT;
/** Reads are counted up to this. With three levels, a working set that shifts was kept worse. */
const MAX_READS = 2;
const KEY_SHIFT = 6;
const KEY_LENGTH_MASK = (MAX_KEY_BYTES - 1) << KEY_SHIFT;
const VALUE_SHIFT = 13;
const WORDS_SHIFT = VALUE_SHIFT;
/** The largest value of one item, whatever its segment's size. */
export const MAX_ITEM_VALUE_BYTES = 2 ** 17 - 1;

export const EXPIRY_WORDS = 2;
export const LARGE_WORDS = 3;

/** The bits by which a header says which keys it may have: those of `keyMarksOf`, and PIECE. */
export const KEY_MARKS_MASK = KEY_LENGTH_MASK | Mark.PIECE;
export const keyMarksOf = (keyLength: number): number => (keyLength - 1) << KEY_SHIFT;

export function headerOf(marks: number, valueLength: number): number {
  assert(valueLength <= MAX_ITEM_VALUE_BYTES, "a value of one item is at most 128 KiB");
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

export const wasRead = (header: number): boolean => (header & READS_MASK) !== 0;
/** The bits that count reads. */
export const readsOf = (header: number): number => header & READS_MASK;
export const withOneReadMore = (header: number): number =>
  (header & READS_MASK) === MAX_READS << READS_SHIFT ? header : header + (1 << READS_SHIFT);
export const withOneReadLess = (header: number): number => header - (1 << READS_SHIFT);

/** Words before the key. */
export const keyOffsetOf = (header: number): number =>
  1 + ((header & Mark.TIMED) !== 0 ? EXPIRY_WORDS : 0) +
  ((header & Mark.LARGE) !== 0 ? LARGE_WORDS : 0);

/** All the words of an item, dead or alive. */
export const wordsOf = (header: number): number =>
  isDead(header) ? header >>> WORDS_SHIFT : keyOffsetOf(header) +
    ((keyLengthOf(header) + valueLengthOf(header) + WORD_BYTES - 1) >> 2);
