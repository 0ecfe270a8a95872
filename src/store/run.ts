/**
 * A run of items to look up in the index one after the other. Adding an item touches the cache line
 * of the index where its lookup will begin, so that the waits for memory overlap.
 */

import type { HashIndex } from "./hash_index.ts";
import type { Items } from "./items.ts";

const MAX_ITEMS = 16;

export class Run {
  readonly addresses = new Int32Array(MAX_ITEMS);
  readonly hashes = new Int32Array(MAX_ITEMS);
  count = 0;
  readonly #items: Items;
  readonly #index: HashIndex;
  /** Keeps the touching from being optimised away. */
  touched = 0;

  constructor(items: Items, index: HashIndex) {
    this.#items = items;
    this.#index = index;
  }

  get isFull(): boolean {
    return this.count === MAX_ITEMS;
  }

  add(address: number): void {
    const hash = this.#items.hashOf(address);
    this.touched ^= this.#index.touch(hash);
    this.addresses[this.count] = address;
    this.hashes[this.count++] = hash;
  }
}
