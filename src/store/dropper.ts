/**
 * Gives back the memory of what is gone by a drop: goes round the index, range by range of hashes, and removes the
 * items that it finds there, many at once. A drop is over when the round has come back to where it began.
 */

import { TWO_TO_THE_32 } from "../bytes.ts";
import type { Drops } from "./drops.ts";
import type { HashIndex } from "./hash_index.ts";
import { isLarge } from "./item.ts";
import type { Span } from "./store.ts";
import type { Values } from "./values.ts";

/** What a step may cost, counted in entries looked at, before its last range … */
const STEP_LOOKS = 6_144;
/** … and the cost, in such looks, of removing one; so a step removes some 1,500 items. */
const REMOVAL_LOOKS = 3;
/** A range where nothing is stored costs this much. */
const RANGE_LOOKS = 4;
/** Entries that are seen to at once. */
const RANGE_ENTRIES = 1_024;

export class Dropper {
  /** Items removed since the start. */
  removed = 0;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #drops: Drops;
  readonly #onEnd: () => void;
  /** By note: how many partitions it still has to see. */
  #left: number[] = [];
  /** The hash where it goes on. */
  #from = 0;
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
    if (!this.#drops.cover(address)) return false;
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
    // The part of a partition that it has left comes again.
    const isWithin = this.#from > 0 && !index.isLastOfPartition(this.#from - 1);
    const all = index.partitions + (isWithin ? 1 : 0);
    this.#left = [...kept.map((number) => this.#left[number]), all];
    if (prefix.length === 0) this.#values.noteAllGone(log.end);
  }

  /** @returns whether there is more to do */
  step(): boolean {
    for (let left = STEP_LOOKS; left > 0 && this.#left.length > 0;) left -= this.#clear();
    return this.#left.length > 0;
  }

  /** Removes what is gone from a range of a partition, and returns the cost. */
  #clear(): number {
    const from = this.#from;
    const index = this.#index;
    const last = index.lastOfRange(from, RANGE_ENTRIES);
    const passed = index.visitRange(from, last, this.#onTouch);
    // A value's pieces may have entries anywhere.
    for (const [hash, address] of this.#large.splice(0)) {
      this.removed += this.#values.remove(hash, address);
    }
    const removed = index.removeRange(from, last, this.#isGone);
    this.removed += removed;
    this.#from = (last + 1) % TWO_TO_THE_32;
    if (index.isLastOfPartition(last)) {
      index.fit(index.partitionOf(from));
      this.#goOn();
    }
    return RANGE_LOOKS + passed + removed * REMOVAL_LOOKS;
  }

  #goOn(): void {
    for (let i = 0; i < this.#left.length; i++) this.#left[i]--;
    const unfinished = [...this.#left.keys()].filter((i) => this.#left[i] > 0);
    if (unfinished.length === this.#left.length) return;
    this.#left = unfinished.map((i) => this.#left[i]);
    this.#drops.keep(unfinished, this.#index.versions);
    this.#onEnd();
  }
}
