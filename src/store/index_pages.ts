/**
 * The pages of the index: one row of pages per partition, each page anywhere in the arena.
 *
 * Invariants: the pages in use are the first ones of the segments taken for them, without a gap, so
 * that a segment goes back to the arena when its pages and one segment more are spare. Each page's place in
 * the rows is recorded, since a page moves when another is given back.
 */

import { assert } from "../assert.ts";
import type { Arena } from "./arena.ts";
import { chunkOf, offsetOf } from "./arena.ts";
import {
  type Layout,
  MAX_PARTITION_PAGES,
  PAGE_WORDS,
  PAGE_WORDS_SHIFT,
  pageBytesOf,
  pagesOf,
  ROW_WORDS,
} from "./layout.ts";
import type { Versions } from "./versions.ts";

export class IndexPages {
  /** The row of partition p begins at p × ROW_WORDS: its number of pages, and their addresses. */
  readonly rows: Int32Array;
  readonly #arena: Arena;
  readonly #versions: Versions;
  readonly #pagesOfSegment: number;
  /** By a page's address over PAGE_WORDS: its place in the rows. */
  readonly #places: Int32Array;
  /** The segments taken, in the order of their pages' numbers. */
  readonly #segments: Int32Array;
  #segmentCount = 0;
  #pageCount = 0;

  constructor(
    arena: Arena,
    rows: Int32Array,
    versions: Versions,
    { segmentWords, segmentCount }: Layout,
  ) {
    this.#arena = arena;
    this.rows = rows;
    this.#versions = versions;
    this.#pagesOfSegment = pagesOf(segmentWords);
    this.#places = new Int32Array(segmentCount * this.#pagesOfSegment);
    this.#segments = new Int32Array(segmentCount);
  }

  get usedBytes(): number {
    return pageBytesOf(this.#pageCount);
  }

  get segmentCount(): number {
    return this.#segmentCount;
  }

  /** Whether the next page takes a segment from the arena. */
  get needsSegment(): boolean {
    return this.#pageCount === this.#segmentCount * this.#pagesOfSegment;
  }

  countOf(partition: number): number {
    return this.rows[partition * ROW_WORDS];
  }

  /** Adds an empty page to a row that is not full. */
  add(partition: number): void {
    assert(this.countOf(partition) < MAX_PARTITION_PAGES, "a row has room for the page");
    if (this.needsSegment) this.#segments[this.#segmentCount++] = this.#arena.take();
    const page = this.#addressOf(this.#pageCount++);
    const at = offsetOf(page);
    this.#arena.words[chunkOf(page)].fill(0, at, at + PAGE_WORDS);
    const row = partition * ROW_WORDS;
    this.#put(page, row + ++this.rows[row]);
  }

  /** Removes the last page of a row, with its entries. */
  removeLast(partition: number): void {
    const row = partition * ROW_WORDS;
    const hole = this.rows[row + this.rows[row]--];
    const last = this.#addressOf(--this.#pageCount);
    if (hole !== last) {
      this.#move(last, hole);
    }
    // One page may come and go at a segment's border without the segment coming and going too.
    const spare = this.#segmentCount * this.#pagesOfSegment - this.#pageCount;
    if (spare > this.#pagesOfSegment) this.#arena.give(this.#segments[--this.#segmentCount]);
  }

  #move(from: number, to: number): void {
    const place = this.#places[from >>> PAGE_WORDS_SHIFT];
    const partition = Math.floor(place / ROW_WORDS);
    const begins = this.#versions.begin(partition);
    this.#arena.copy(from, to, PAGE_WORDS);
    this.#put(to, place);
    if (begins) this.#versions.end(partition);
  }

  #put(page: number, place: number): void {
    this.rows[place] = page;
    this.#places[page >>> PAGE_WORDS_SHIFT] = place;
  }

  /** The address of a page in use, or of the next page, by its number. */
  #addressOf(number: number): number {
    const segment = this.#segments[Math.floor(number / this.#pagesOfSegment)];
    return this.#arena.startOf(segment) + (number % this.#pagesOfSegment) * PAGE_WORDS;
  }
}
