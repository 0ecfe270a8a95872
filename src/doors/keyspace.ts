/**
 * The store as the doors for text meet it: one key and one value at hand, times to live from now,
 * and the counts that STATS tells.
 */

import { Buffer } from "node:buffer";
import { MAX_KEY_BYTES } from "../store/item.ts";
import { type Found, NONE, Result, type Span, type Store } from "../store/store.ts";
import type { Counters } from "../statistics.ts";

const NO_BYTES = Buffer.alloc(0);

export class Keyspace {
  readonly store: Store;
  readonly counters: Counters;
  readonly key: Span = { bytes: NO_BYTES, start: 0, length: 0 };
  readonly value: Span = { bytes: NO_BYTES, start: 0, length: 0 };
  /** Where a value goes that is wanted. */
  readonly found: Found = { bytes: NO_BYTES, start: 0, room: NONE, length: NONE, expiresAtMs: 0 };
  /** For what an operation tells besides the value. */
  readonly noValue: Found = { ...this.found };
  /** The store's clock, and what the world's tells. */
  readonly #now: () => number;
  readonly #wallNow: () => number;

  constructor(store: Store, counters: Counters, now: () => number, wallNow: () => number) {
    this.store = store;
    this.counters = counters;
    this.#now = now;
    this.#wallNow = wallNow;
  }

  /** Whether the key at hand has a length that a key may have. */
  get hasKey(): boolean {
    return this.key.length >= 1 && this.key.length <= MAX_KEY_BYTES;
  }

  /** Looks the key up, with its value in `found`; counts a hit or a miss. */
  get(found: Found): boolean {
    return this.#count(this.store.get(this.key, found));
  }

  /** Looks the key up, with its expiry in `noValue`; counts a hit or a miss. */
  exists(): boolean {
    return this.#count(this.store.exists(this.key, this.noValue));
  }

  #count(result: Result): boolean {
    if (result === Result.DONE) this.counters.hits++;
    else this.counters.misses++;
    return result === Result.DONE;
  }

  /** Whole ms since 1970. */
  get wallNowMs(): number {
    return Math.floor(this.#wallNow());
  }

  /** When something expires that has so long to live; at once, if that is 0 or less. */
  expiryIn(ttlMs: number): number {
    return Math.min(Math.max(1, Math.ceil(this.#now()) + ttlMs), Number.MAX_SAFE_INTEGER);
  }

  /** How long a key has to live that expires then, in whole ms, rounded up. */
  ttlOf(expiresAtMs: number): number {
    return Math.max(0, Math.ceil(expiresAtMs - this.#now()));
  }
}
