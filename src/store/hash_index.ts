/**
 * The index maps the hash of a key to the address of its item. The top bits of a hash choose a
 * partition; the bits below them, scaled to the partition's capacity, choose where to begin
 * looking, entry by entry (linear probing). An entry is a hash and an address, 8 bytes. A partition
 * grows and shrinks by a page; all its entries are then placed anew: some 2,000 at the usual sizes,
 * and never more than 17,696.
 *
 * Invariants: no entry is empty between an entry's home and its position; a partition has at least
 * one empty entry; an address is in the index once, and 0 is no address.
 */

import { assert } from "../assert.ts";
import type { Arena } from "./arena.ts";
import { chunkOf, offsetOf } from "./arena.ts";
import { IndexPages } from "./index_pages.ts";
import type { Items } from "./items.ts";
import type { Key } from "./key.ts";
import {
  ENTRY_WORDS,
  type Layout,
  MAX_PARTITION_PAGES,
  PAGE_ENTRIES,
  PAGE_WORDS,
} from "./layout.ts";
import { Lookup, NOWHERE } from "./lookup.ts";
import type { StoreMemory } from "./memory.ts";
import { Versions } from "./versions.ts";

/** Above this load a partition grows … */
const MAX_LOAD = 7 / 8;
/** … and it shrinks at this load of its capacity with a page less. */
const MIN_LOAD = 5 / 8;

export class HashIndex {
  readonly pages: IndexPages;
  readonly versions: Versions;
  readonly #arena: Arena;
  readonly #lookup: Lookup;
  /** By partition: the number of its entries. */
  readonly #counts: Int32Array;
  /** Holds the entries of a partition while they are placed anew. */
  readonly #scratch = new Int32Array(MAX_PARTITION_PAGES * PAGE_WORDS);

  constructor(arena: Arena, items: Items, memory: StoreMemory, layout: Layout) {
    this.versions = new Versions(memory);
    this.pages = new IndexPages(arena, memory.rows, this.versions, layout);
    this.#arena = arena;
    this.#lookup = new Lookup(arena, items, memory.rows, layout);
    this.#counts = new Int32Array(2 ** layout.partitionBits);
  }

  partitionOf(hash: number): number {
    return this.#lookup.partitionOf(hash);
  }

  /** How many partitions there are. */
  get partitions(): number {
    return this.#counts.length;
  }

  /** The number of entries of a partition. */
  countOf(partition: number): number {
    return this.#counts[partition];
  }

  /** The address of the item with a key, or NOWHERE. */
  find(key: Key): number {
    return this.#lookup.find(key);
  }

  /** Makes room for another entry with a hash if needed. @returns whether there is room */
  reserve(hash: number): boolean {
    const partition = this.#lookup.partitionOf(hash);
    if (!this.#isFull(partition)) return true;
    if (this.pages.countOf(partition) === MAX_PARTITION_PAGES) return false;
    if (this.pages.needsSegment && this.#arena.freeCount === 0) return false;
    const begins = this.versions.begin(partition);
    const count = this.#gather(partition);
    this.pages.add(partition);
    this.#scatter(partition, count);
    if (begins) this.versions.end(partition);
    return true;
  }

  /** Whether another entry with a hash takes a segment from the arena. */
  needsSegment(hash: number): boolean {
    return this.pages.needsSegment && this.#isFull(this.#lookup.partitionOf(hash));
  }

  /** Adds an entry for which there is room. */
  insert(hash: number, address: number): void {
    const partition = this.#lookup.partitionOf(hash);
    assert(!this.#isFull(partition), "there is room for an inserted entry");
    const begins = this.versions.begin(partition);
    this.#counts[partition]++;
    this.#place(partition, hash, address);
    if (begins) this.versions.end(partition);
  }

  /** Records the new address of an item that is in the index. */
  replace(hash: number, from: number, to: number): void {
    const partition = this.#lookup.partitionOf(hash);
    const entry = this.#lookup.entryAt(partition, this.#positionOf(partition, hash, from));
    const begins = this.versions.begin(partition);
    this.#arena.words[chunkOf(entry)][offsetOf(entry) + 1] = to;
    if (begins) this.versions.end(partition);
  }

  /** Removes the entry of an item that is in the index. */
  remove(hash: number, address: number): void {
    const partition = this.#lookup.partitionOf(hash);
    const position = this.#positionOf(partition, hash, address);
    const begins = this.versions.begin(partition);
    this.#closeGap(partition, position);
    this.#counts[partition]--;
    if (this.#isSparse(partition)) this.#fit(partition);
    if (begins) this.versions.end(partition);
  }

  /** Brings the line where a hash is looked up into the cache. The result means nothing. */
  touch(hash: number): number {
    const partition = this.#lookup.partitionOf(hash);
    const capacity = this.#lookup.capacityOf(partition);
    if (capacity === 0) return 0;
    const entry = this.#lookup.entryAt(partition, this.#lookup.homeOf(hash, capacity));
    return this.#arena.words[chunkOf(entry)][offsetOf(entry)];
  }

  /** The first item that a search for a hash meets, or NOWHERE. */
  neighbourOf(hash: number): number {
    const partition = this.#lookup.partitionOf(hash);
    const capacity = this.#lookup.capacityOf(partition);
    for (let i = 0; i < capacity; i++) {
      const entry = this.#lookup.entryAt(
        partition,
        (this.#lookup.homeOf(hash, capacity) + i) % capacity,
      );
      const address = this.#arena.words[chunkOf(entry)][offsetOf(entry) + 1];
      if (address !== NOWHERE) return address;
    }
    return NOWHERE;
  }

  /**
   * Calls back with every item that has this hash, until the answer is true.
   * @returns the address for which it was true, or NOWHERE
   */
  findBy(hash: number, isWanted: (address: number) => boolean): number {
    const partition = this.#lookup.partitionOf(hash);
    const capacity = this.#lookup.capacityOf(partition);
    if (capacity === 0) return NOWHERE;
    for (let i = this.#lookup.homeOf(hash, capacity);; i = i + 1 === capacity ? 0 : i + 1) {
      const entry = this.#lookup.entryAt(partition, i);
      const words = this.#arena.words[chunkOf(entry)];
      const address = words[offsetOf(entry) + 1];
      if (address === NOWHERE) return NOWHERE;
      if (words[offsetOf(entry)] === hash && isWanted(address)) return address;
    }
  }

  /** Calls back with the entries of a partition. The index must not change meanwhile. */
  visit(partition: number, onEntry: (hash: number, address: number) => void): void {
    const capacity = this.#lookup.capacityOf(partition);
    for (let i = 0; i < capacity; i++) {
      const entry = this.#lookup.entryAt(partition, i);
      const words = this.#arena.words[chunkOf(entry)];
      const address = words[offsetOf(entry) + 1];
      if (address !== NOWHERE) onEntry(words[offsetOf(entry)], address);
    }
  }

  /**
   * Removes the entries of a partition for which the answer is true, all at once.
   * @param isGone must not change the index
   * @returns how many it removed
   */
  removeWhere(partition: number, isGone: (address: number) => boolean): number {
    const begins = this.versions.begin(partition);
    const capacity = this.#lookup.capacityOf(partition);
    let removed = 0;
    for (let i = 0; i < capacity; i++) {
      const entry = this.#lookup.entryAt(partition, i);
      const words = this.#arena.words[chunkOf(entry)];
      const at = offsetOf(entry) + 1;
      if (words[at] === NOWHERE || !isGone(words[at])) continue;
      words[at] = NOWHERE;
      removed++;
    }
    this.#counts[partition] -= removed;
    if (removed > 0) this.#fit(partition);
    if (begins) this.versions.end(partition);
    return removed;
  }

  /**
   * Calls back with the entries whose hash is in a range of a partition's hashes, in no order. The index
   * must not change meanwhile.
   * @param from the least hash of the range, 0 to 2^32 − 1
   * @param last the greatest
   * @returns how many entries were passed over, empty ones included
   */
  visitRange(
    from: number,
    last: number,
    onEntry: (hash: number, address: number) => void,
  ): number {
    const partition = this.#lookup.partitionOf(from);
    const capacity = this.#lookup.capacityOf(partition);
    if (capacity === 0) return 0;
    // A home rises with its hash, and no entry between an entry's home and the entry is empty.
    const first = this.#lookup.homeOf(from, capacity);
    const span = this.#lookup.homeOf(last, capacity) - first;
    let passed = 0;
    for (let i = first; passed < capacity; passed++) {
      const entry = this.#lookup.entryAt(partition, i);
      const words = this.#arena.words[chunkOf(entry)];
      const at = offsetOf(entry);
      const address = words[at + 1];
      if (address !== NOWHERE) {
        const hash = words[at] >>> 0;
        if (hash >= from && hash <= last) onEntry(words[at], address);
      } else if (passed >= span) break;
      i = i + 1 === capacity ? 0 : i + 1;
    }
    return passed;
  }

  #isFull(partition: number): boolean {
    return this.#counts[partition] + 1 > this.#lookup.capacityOf(partition) * MAX_LOAD;
  }

  #positionOf(partition: number, hash: number, address: number): number {
    const capacity = this.#lookup.capacityOf(partition);
    let position = this.#lookup.homeOf(hash, capacity);
    for (let left = capacity; left > 0; left--) {
      const entry = this.#lookup.entryAt(partition, position);
      if (this.#arena.words[chunkOf(entry)][offsetOf(entry) + 1] === address) return position;
      position = position + 1 === capacity ? 0 : position + 1;
    }
    throw new Error("Kilogram is broken: a living item is not in the index.");
  }

  #place(partition: number, hash: number, address: number): void {
    const capacity = this.#lookup.capacityOf(partition);
    for (let i = this.#lookup.homeOf(hash, capacity);; i = i + 1 === capacity ? 0 : i + 1) {
      const entry = this.#lookup.entryAt(partition, i);
      const words = this.#arena.words[chunkOf(entry)];
      const at = offsetOf(entry);
      if (words[at + 1] !== NOWHERE) continue;
      words[at] = hash;
      words[at + 1] = address;
      return;
    }
  }

  /** Empties an entry and moves back entries that would be lost. Knuth, 6.4, algorithm R. */
  #closeGap(partition: number, position: number): void {
    const capacity = this.#lookup.capacityOf(partition);
    let gap = this.#lookup.entryAt(partition, position);
    let gapPosition = position;
    for (let i = position;;) {
      i = i + 1 === capacity ? 0 : i + 1;
      const entry = this.#lookup.entryAt(partition, i);
      const words = this.#arena.words[chunkOf(entry)];
      const at = offsetOf(entry);
      if (words[at + 1] === NOWHERE) break;
      const fromHome = distance(this.#lookup.homeOf(words[at], capacity), i, capacity);
      if (fromHome < distance(gapPosition, i, capacity)) continue;
      this.#write(gap, words[at], words[at + 1]);
      gap = entry;
      gapPosition = i;
    }
    this.#write(gap, 0, NOWHERE);
  }

  #write(entry: number, hash: number, address: number): void {
    const words = this.#arena.words[chunkOf(entry)];
    words[offsetOf(entry)] = hash;
    words[offsetOf(entry) + 1] = address;
  }

  /** Whether a partition would do with a page less. */
  #isSparse(partition: number): boolean {
    const pages = this.pages.countOf(partition) - 1;
    return pages > 0 && this.#counts[partition] <= pages * PAGE_ENTRIES * MIN_LOAD;
  }

  /** Gives back the pages that a partition does without, and places its entries anew. */
  #fit(partition: number): void {
    const count = this.#gather(partition);
    while (this.#isSparse(partition)) this.pages.removeLast(partition);
    this.#scatter(partition, count);
  }

  /** Moves the entries of a partition to the scratch. @returns the words that they take there */
  #gather(partition: number): number {
    const scratch = this.#scratch;
    const capacity = this.#lookup.capacityOf(partition);
    let count = 0;
    for (let i = 0; i < capacity; i++) {
      const entry = this.#lookup.entryAt(partition, i);
      const words = this.#arena.words[chunkOf(entry)];
      const at = offsetOf(entry);
      if (words[at + 1] === NOWHERE) continue;
      scratch[count++] = words[at];
      scratch[count++] = words[at + 1];
      words[at + 1] = NOWHERE;
    }
    return count;
  }

  #scatter(partition: number, count: number): void {
    for (let i = 0; i < count; i += ENTRY_WORDS) {
      this.#place(partition, this.#scratch[i], this.#scratch[i + 1]);
    }
  }
}

/** Steps from one position of a ring to another. */
function distance(from: number, to: number, capacity: number): number {
  return to >= from ? to - from : to - from + capacity;
}
