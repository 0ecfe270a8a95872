/**
 * The sweep removes expired items that no operation asks for. It goes round the segments, skips
 * those where nothing can have expired, and walks over the others.
 *
 * Invariant: when a walk ends, the earliest expiry of its segment is that of an item that lives
 * there, or is earlier than that of an item that has come since.
 */

import type { Arena } from "./arena.ts";
import { NOWHERE } from "./lookup.ts";
import { isDead } from "./item.ts";
import type { Items } from "./items.ts";
import { type Log, NO_SEGMENT } from "./log.ts";
import { Run } from "./run.ts";
import type { Values } from "./values.ts";
import { Walk } from "./walk.ts";

/** The most that a step may cost, counted in calls for the next item … */
const STEP_LOOKS = 4_096;
/** … and the cost, in such calls, of removing an item or passing over many dead ones. */
const REMOVAL_LOOKS = 32;

export class Sweeper {
  readonly #arena: Arena;
  readonly #items: Items;
  readonly #log: Log;
  readonly #values: Values;
  readonly #walk: Walk;
  readonly #run: Run;
  #position = 0;

  constructor(values: Values) {
    const { arena, items, index, log } = values;
    this.#arena = arena;
    this.#items = items;
    this.#log = log;
    this.#values = values;
    this.#walk = new Walk(arena, items, log);
    this.#run = new Run(items, index);
  }

  /** Whether the sweep is in the middle of a segment, where items must then not change in size. */
  isIn(segment: number): boolean {
    return segment === this.#walk.segment;
  }

  /** @returns whether there is more to do now */
  step(nowMs: number): boolean {
    for (let left = STEP_LOOKS; left > 0;) {
      if (this.#walk.segment === NO_SEGMENT && !this.#seek(nowMs)) return false;
      left -= this.#gather(nowMs, left);
      left -= this.#removeRun(left);
    }
    return true;
  }

  /** Begins to walk over the next segment where something may have expired. */
  #seek(nowMs: number): boolean {
    for (let i = 0; i < this.#arena.segmentCount; i++) {
      this.#position = (this.#position + 1) % this.#arena.segmentCount;
      const segment = this.#position;
      if (this.#log.births[segment] === 0 || this.#log.earliest[segment] > nowMs) continue;
      this.#walk.begin(segment);
      this.#log.earliest[segment] = Infinity;
      return true;
    }
    return false;
  }

  /** Finds a run of expired items and returns the cost. */
  #gather(nowMs: number, most: number): number {
    this.#run.count = 0;
    let looks = 0;
    while (looks < most && !this.#run.isFull) {
      looks++;
      const address = this.#walk.next();
      if (address === NOWHERE) return looks + REMOVAL_LOOKS;
      const expiresAtMs = this.#items.expiryOf(address);
      if (expiresAtMs !== 0 && expiresAtMs <= nowMs) this.#run.add(address);
      else this.#log.noteExpiry(address, expiresAtMs);
    }
    return looks;
  }

  /** Removes the run, as far as the limit allows, and returns the cost. */
  #removeRun(most: number): number {
    const { count, addresses, hashes } = this.#run;
    let cost = 0;
    for (let i = 0; i < count; i++) {
      const address = addresses[i];
      if (isDead(this.#items.header(address))) continue;
      // A large value has many pieces: items behind it may have to wait for the next round.
      if (cost > most) this.#log.noteExpiry(address, this.#items.expiryOf(address));
      else cost += this.#remove(hashes[i], address) * REMOVAL_LOOKS;
    }
    return cost;
  }

  /** @returns the number of items removed */
  #remove(hash: number, address: number): number {
    // What was dropped is gone already, and does not expire.
    const isGone = this.#values.drops.cover(address);
    return isGone ? this.#values.remove(hash, address) : this.#values.expire(hash, address);
  }
}
