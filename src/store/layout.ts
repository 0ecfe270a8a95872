/**
 * How the memory of a store is divided. The limit covers everything that grows with it: tables of
 * fixed size, and segments of equal size, each of which holds pages of the index or items of the
 * log.
 */

import { assert } from "../assert.ts";

export const WORD_BYTES = 4;
/** An address is 32 bits: the top 4 choose a chunk of memory, of at most 1 GiB. */
export const CHUNK_SHIFT = 28;
export const CHUNK_WORDS = 2 ** CHUNK_SHIFT;
export const MIN_LIMIT_BYTES = 2 ** 20;
/** The reach of 32-bit word addresses. */
export const MAX_LIMIT_BYTES = 2 ** 34;

/** A limit makes about 1,000 to 2,000 segments, unless these bounds apply. */
const SEGMENTS_OF_LIMIT = 1_024;
const MIN_SEGMENT_BYTES = 2 ** 15;
const MAX_SEGMENT_BYTES = 2 ** 20;
/** Bytes for a segment in the tables of arena, index pages and log. */
const SEGMENT_TABLES_BYTES = 2 * WORD_BYTES + 2 * WORD_BYTES + 2 * 8;

/** An entry of the index: a hash and an address. */
export const ENTRY_WORDS = 2;
/** A page has 2 to the power of this many entries, and is 2 KiB. */
export const PAGE_SHIFT = 8;
export const PAGE_ENTRIES = 2 ** PAGE_SHIFT;
export const PAGE_WORDS_SHIFT = PAGE_SHIFT + 1;
export const PAGE_WORDS = PAGE_ENTRIES * ENTRY_WORDS;
const PAGE_BYTES = PAGE_WORDS * WORD_BYTES;
assert(PAGE_WORDS === 2 ** PAGE_WORDS_SHIFT, "a page is a power of two of words");

/**
 * The index has one partition for this much of the limit. That is some 15,000 of the smallest items
 * (8 bytes in the log and 9 to 11 in the index); 79 pages hold 17,700 at seven eighths.
 */
const PARTITION_SHARE_BYTES = 2 ** 18;
export const MAX_PARTITION_PAGES = 79;
/** A partition's row in the table of pages: their number, and their addresses. */
export const ROW_WORDS = MAX_PARTITION_PAGES + 1;
/** Besides its row, a partition has a count of entries, and a version. */
const PARTITION_TABLES_BYTES = (ROW_WORDS + 2) * WORD_BYTES;

/** Most drops under way, and the bytes of the longest prefix, which is a key of the wire. */
export const MAX_DROPS = 16;
export const MAX_PREFIX_BYTES = 128;
/** A drop's note: four words and its prefix. */
export const DROP_NOTE_WORDS = 4 + MAX_PREFIX_BYTES / WORD_BYTES;
export const DROPS_WORDS = 1 + MAX_DROPS * DROP_NOTE_WORDS;

/** One item takes at most this fraction of a segment; a larger value goes into pieces. */
const ITEMS_OF_SEGMENT = 16;

export interface Layout {
  /** A power of two. */
  readonly segmentWords: number;
  readonly segmentCount: number;
  /** There are 2 to the power of this many partitions. */
  readonly partitionBits: number;
  readonly maxItemWords: number;
}

/**
 * @param limitBytes 1 MiB to 16 GiB
 * @throws RangeError for any other limit
 */
export function layoutOf(limitBytes: number): Layout {
  if (!(limitBytes >= MIN_LIMIT_BYTES && limitBytes <= MAX_LIMIT_BYTES)) {
    throw new RangeError(`a store takes 1 MiB to 16 GiB of memory, not ${limitBytes} bytes`);
  }
  const wanted = 2 ** Math.floor(Math.log2(limitBytes / SEGMENTS_OF_LIMIT));
  const segmentBytes = Math.max(MIN_SEGMENT_BYTES, Math.min(MAX_SEGMENT_BYTES, wanted));
  const partitionBits = Math.ceil(Math.log2(limitBytes / PARTITION_SHARE_BYTES));
  const tablesBytes = 2 ** partitionBits * PARTITION_TABLES_BYTES;
  const segmentTablesBytes = SEGMENT_TABLES_BYTES + (segmentBytes / PAGE_BYTES) * WORD_BYTES;
  const segmentCount = Math.floor((limitBytes - tablesBytes) / (segmentBytes + segmentTablesBytes));
  return {
    segmentWords: segmentBytes / WORD_BYTES,
    segmentCount,
    partitionBits,
    maxItemWords: segmentBytes / ITEMS_OF_SEGMENT / WORD_BYTES,
  };
}

export const pagesOf = (segmentWords: number): number => segmentWords / PAGE_WORDS;
export const pageBytesOf = (pages: number): number => pages * PAGE_BYTES;
