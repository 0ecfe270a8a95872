/**
 * How a key is found: the part of the index that readers use too. hash_index.ts describes it.
 *
 * A reader may look while the writer changes something, and then finds anything or nothing. It does not
 * fail: an index beyond a typed array is `undefined`, every chunk of an address exists, and no
 * search is longer than a partition.
 */

import { assert } from "../assert.ts";
import { type Arena, chunkOf, offsetOf } from "./arena.ts";
import type { Items } from "./items.ts";
import type { Key } from "./key.ts";
import {
  ENTRY_WORDS,
  type Layout,
  MAX_PARTITION_PAGES,
  PAGE_ENTRIES,
  PAGE_SHIFT,
  ROW_WORDS,
} from "./layout.ts";

/** The address of no item: this word belongs to the index. */
export const NOWHERE = 0;

/** Bits of a hash that choose a place in a partition; a product with them has 31 bits. */
const PLACE_BITS = 16;
assert(MAX_PARTITION_PAGES * PAGE_ENTRIES < 2 ** (31 - PLACE_BITS), "a place fits 31 bits");

const POSITION_MASK = PAGE_ENTRIES - 1;

export class Lookup {
  readonly #arena: Arena;
  readonly #items: Items;
  readonly #rows: Int32Array;
  readonly #partitionBits: number;
  readonly #partitionShift: number;

  constructor(arena: Arena, items: Items, rows: Int32Array, { partitionBits }: Layout) {
    this.#arena = arena;
    this.#items = items;
    this.#rows = rows;
    this.#partitionBits = partitionBits;
    this.#partitionShift = 32 - partitionBits;
  }

  partitionOf(hash: number): number {
    return hash >>> this.#partitionShift;
  }

  /** Entries that the pages of a partition have. */
  capacityOf(partition: number): number {
    return this.#rows[partition * ROW_WORDS] << PAGE_SHIFT;
  }

  /** Where a search for a hash begins, in a partition of the given capacity. */
  homeOf(hash: number, capacity: number): number {
    const fraction = (hash << this.#partitionBits) >>> (32 - PLACE_BITS);
    return Math.imul(fraction, capacity) >>> PLACE_BITS;
  }

  /** The address of an entry. */
  entryAt(partition: number, position: number): number {
    const page = this.#rows[partition * ROW_WORDS + 1 + (position >> PAGE_SHIFT)];
    return page + (position & POSITION_MASK) * ENTRY_WORDS;
  }

  /** The address of the item with a key, or NOWHERE. */
  find(key: Key): number {
    const { hash } = key;
    const partition = this.partitionOf(hash);
    const capacity = this.capacityOf(partition);
    let i = capacity === 0 ? 0 : this.homeOf(hash, capacity);
    for (let left = capacity; left > 0; left--) {
      const entry = this.entryAt(partition, i);
      const words = this.#arena.words[chunkOf(entry)];
      const at = offsetOf(entry);
      const address = words[at + 1];
      if (address === NOWHERE) return NOWHERE;
      if (words[at] === hash && this.#items.hasKey(address, key)) return address;
      i = i + 1 === capacity ? 0 : i + 1;
    }
    return NOWHERE;
  }
}
