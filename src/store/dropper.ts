/**
 * Gives back the memory of what is gone by a drop: goes round the partitions of the index and removes the
 * items that it finds there, many at once. A drop is over when the round has come back to where it began.
 */

import type { Drops } from "./drops.ts";
import type { HashIndex } from "./hash_index.ts";
import { isLarge } from "./item.ts";
import type { Span } from "./store.ts";
import type { Values } from "./values.ts";

/** The most that a step may cost, counted in items looked at … */
const STEP_LOOKS = 6_144;
/** … and the cost, in such looks, of removing one; so a step removes some 1,500 items. */
const REMOVAL_LOOKS = 3;
/** A partition where nothing is stored costs this much. */
const PARTITION_LOOKS = 4;

export class Dropper {
  /** Items removed since the start. */
  removed = 0;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #drops: Drops;
  readonly #onEnd: () => void;
  /** By note: how many partitions it still has to see. */
  #left: number[] = [];
  #partition = 0;
  /** How many items the step at hand may still remove. */
  #removable = 0;
  /** Keeps the touching from being optimised away. */
  touched = 0;
  /** Values in pieces that are to be removed, with their hashes. */
  readonly #large: [hash: number, address: number][] = [];
  /** Brings an item into the cache, so that the waits for memory overlap. */
  readonly #onTouch = (hash: number, address: number) => {
    const header = this.#values.items.header(address);
    this.touched ^= header;
    if (isLarge(header) && this.#drops.cover(address, header)) this.#large.push([hash, address]);
  };
  readonly #isGone = (address: number) => {
    if (this.#removable === 0 || !this.#drops.cover(address)) return false;
    this.#removable--;
    this.#values.bury(address);
    return true;
  };

  /** @param onEnd called when a drop is over */
  constructor(values: Values, onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#values = values;
    this.#index = values.index;
    this.#drops = values.drops;
  }

  /** From now on nothing finds the keys with a prefix that are in the log. */
  begin(prefix: Span): void {
    const { log, index } = this.#values;
    const kept = this.#drops.add(prefix, log.end, index.versions);
    this.#left = [...kept.map((number) => this.#left[number]), index.partitions];
    if (prefix.length === 0) this.#values.noteAllGone(log.end);
  }

  /** @returns whether there is more to do */
  step(): boolean {
    for (let left = STEP_LOOKS; left > 0 && this.#left.length > 0;) left -= this.#clear(left);
    return this.#left.length > 0;
  }

  /** Removes what is gone from a partition, as far as the limit allows, and returns the cost. */
  #clear(mostLooks: number): number {
    const partition = this.#partition;
    const count = this.#index.countOf(partition);
    const most = Math.ceil(mostLooks / REMOVAL_LOOKS);
    this.#index.visit(partition, this.#onTouch);
    // A value's pieces may have entries anywhere.
    for (const [hash, address] of this.#large.splice(0)) {
      this.removed += this.#values.remove(hash, address);
    }
    this.#removable = most;
    const removed = count === 0 ? 0 : this.#index.removeWhere(partition, this.#isGone);
    this.removed += removed;
    if (removed < most) this.#goOn();
    return PARTITION_LOOKS + count + removed * REMOVAL_LOOKS;
  }

  #goOn(): void {
    this.#partition = (this.#partition + 1) % this.#index.partitions;
    for (let i = 0; i < this.#left.length; i++) this.#left[i]--;
    const unfinished = [...this.#left.keys()].filter((i) => this.#left[i] > 0);
    if (unfinished.length === this.#left.length) return;
    this.#left = unfinished.map((i) => this.#left[i]);
    this.#drops.keep(unfinished, this.#index.versions);
    this.#onEnd();
  }
}
