/**
 * Tells the keys in the order of their hashes, a page at a time. A key's hash is the same as long as the
 * store lives, so where a page ends does not depend on what is written between two pages.
 *
 * A cursor is the least hash of the next page, and above it 20 bits that tell this store from others:
 * after a restart the hashes are other ones. It is below 2^53. A page has all keys of a hash or none, so
 * it needs room for as many keys as may share one: that seven of ten million do happens in one store
 * out of 10^12.
 */

import { copyRun } from "./copy.ts";
import { isPiece, isTimed } from "./item.ts";
import { ANYWHERE, type Page, Result, type Span } from "./store.ts";
import type { Values } from "./values.ts";
import { equalBytes, readU32, TWO_TO_THE_32, writeU16 } from "../bytes.ts";

/** Most keys looked at for a page … */
const MAX_LOOKS = 3_072;
/** … where passing over so many entries of the index costs as much, and so many empty partitions. */
const ENTRIES_OF_LOOK = 128;
const PARTITIONS_OF_LOOK = 16;
/** About so many keys are gathered, and sorted, at a time. */
const RANGE_KEYS = 64;
const TAG_BITS = 20;
/** The length of a key, before it. */
const LENGTH_BYTES = 2;

/** Room for the keys of a range; more may share a hash. */
const USUAL_CANDIDATES = 512;

export class Scanner {
  readonly #values: Values;
  readonly #now: () => number;
  /** Never 0, so that no cursor is. */
  readonly #tag: number;
  readonly #key: Span = { bytes: new Uint8Array(0), start: 0, length: 0 };
  /** The entries of the range at hand, by hash. */
  #hashes = new Uint32Array(USUAL_CANDIDATES);
  #addresses = new Int32Array(USUAL_CANDIDATES);
  #count = 0;
  /** Keeps the touching from being optimised away. */
  touched = 0;
  /** They come nearly in their order, so that the place of one is near the end. */
  readonly #onEntry = (hash: number, address: number) => {
    // The waits for memory overlap.
    this.touched ^= this.#values.items.header(address);
    if (this.#count === this.#hashes.length) this.#grow();
    let at = this.#count++;
    for (; at > 0 && this.#hashes[at - 1] > hash >>> 0; at--) {
      this.#hashes[at] = this.#hashes[at - 1];
      this.#addresses[at] = this.#addresses[at - 1];
    }
    this.#hashes[at] = hash;
    this.#addresses[at] = address;
  };

  constructor(values: Values, now: () => number, fillRandom: (bytes: Uint8Array) => void) {
    this.#values = values;
    this.#now = now;
    const random = new Uint8Array(4);
    fillRandom(random);
    this.#tag = (readU32(random, 0) % (2 ** TAG_BITS - 1)) + 1;
  }

  scan(prefix: Span, page: Page): Result {
    let from = this.#firstOf(page.cursor);
    if (Number.isNaN(from)) return Result.NO_CURSOR;
    page.count = page.length = 0;
    for (let looks = 0; looks < MAX_LOOKS && from < TWO_TO_THE_32;) {
      const last = this.#lastOfRange(from);
      looks += this.#gather(from, last);
      const next = this.#tell(prefix, page, last + 1);
      from = next;
      if (next <= last) break;
    }
    page.cursor = from < TWO_TO_THE_32 ? this.#tag * TWO_TO_THE_32 + from : 0;
    return Result.DONE;
  }

  /** The first hash of a page; NaN if the cursor is not one of this store's. */
  #firstOf(cursor: number): number {
    if (cursor === ANYWHERE) return Math.floor(Math.random() * TWO_TO_THE_32);
    const isOurs = cursor === 0 || Math.floor(cursor / TWO_TO_THE_32) === this.#tag;
    return isOurs ? Math.floor(cursor % TWO_TO_THE_32) : Number.NaN;
  }

  /** The last hash of a range that has some keys, in the partition of its first hash. */
  #lastOfRange(from: number): number {
    const { index } = this.#values;
    const width = TWO_TO_THE_32 / index.partitions;
    const end = (Math.floor(from / width) + 1) * width;
    const count = index.countOf(index.partitionOf(from));
    const wanted = Math.floor((width * RANGE_KEYS) / Math.max(count, RANGE_KEYS));
    return Math.min(from + Math.max(1, wanted), end) - 1;
  }

  /** Finds the entries with a hash from `from` to `last`, in their order, and returns the cost. */
  #gather(from: number, last: number): number {
    this.#count = 0;
    const passed = this.#values.index.visitRange(from, last, this.#onEntry);
    return 1 / PARTITIONS_OF_LOOK + passed / ENTRIES_OF_LOOK + this.#count;
  }

  #grow(): void {
    const [hashes, addresses] = [this.#hashes, this.#addresses];
    this.#hashes = new Uint32Array(2 * hashes.length);
    this.#addresses = new Int32Array(2 * hashes.length);
    this.#hashes.set(hashes);
    this.#addresses.set(addresses);
  }

  /** Puts the keys on the page. @returns where to go on: at the end, or at the first hash left out */
  #tell(prefix: Span, page: Page, end: number): number {
    const nowMs = this.#now();
    let { length, count } = page;
    for (let i = 0; i < this.#count; i++) {
      const hash = this.#hashes[i];
      if (i === 0 || hash !== this.#hashes[i - 1]) {
        if (page.count >= page.mostKeys) return hash;
        length = page.length;
        count = page.count;
      }
      if (!this.#isWanted(this.#addresses[i], prefix, page.maxKeyBytes, nowMs)) continue;
      if (page.length + LENGTH_BYTES + this.#key.length > page.room) {
        // The keys of this hash that are on the page already come again.
        if (length === 0) return hash + 1;
        page.length = length;
        page.count = count;
        return hash;
      }
      this.#put(page);
    }
    return end;
  }

  /** Whether a key is to be told; it is then at hand. */
  #isWanted(address: number, prefix: Span, maxKeyBytes: number, nowMs: number): boolean {
    const { items, drops } = this.#values;
    const header = items.header(address);
    const key = this.#key;
    if (isPiece(header) || (isTimed(header) && items.isExpired(address, nowMs))) return false;
    items.showKey(address, key);
    if (key.length < prefix.length || key.length > maxKeyBytes) return false;
    return equalBytes(key.bytes, key.start, prefix.bytes, prefix.start, prefix.length) &&
      !drops.cover(address, header);
  }

  #put(page: Page): void {
    const { bytes, start, length } = this.#key;
    const at = page.start + page.length;
    writeU16(page.bytes, at, length);
    copyRun(bytes, start, page.bytes, at + LENGTH_BYTES, length);
    page.length += LENGTH_BYTES + length;
    page.count++;
  }
}
