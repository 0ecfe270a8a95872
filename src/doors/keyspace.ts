/**
 * The store as the doors for text see it: one job at hand, times to live from now, the counts that
 * STATS reports, and what the replies to a request depend on.
 */

import { Buffer } from "node:buffer";
import { assert } from "../assert.ts";
import {
  Action,
  type Executor,
  Job,
  type OnSettled,
  SETTLED,
  type Settlement,
} from "../execute/executor.ts";
import type { Counters } from "../statistics.ts";
import { MAX_KEY_BYTES } from "../store/item.ts";
import { type Found, NONE, Result, type Span, type StoreCounts } from "../store/store.ts";

const NO_BYTES = Buffer.alloc(0);
/** An executor that answers at once never calls back. */
const NEVER = () => {};

export class Keyspace {
  readonly counters: Counters;
  readonly #job = new Job();
  /** The key and the value of the next action. */
  readonly key: Span = this.#job.key;
  readonly value: Span = this.#job.value;
  /** Where a requested value is put. */
  readonly found: Found = { bytes: NO_BYTES, start: 0, room: NONE, length: NONE, expiresAtMs: 0 };
  /** Receives what an action reports when the value is not wanted. */
  readonly noValue: Found = { ...this.found };
  /** What must settle before the request at hand may be answered. */
  settlesWith: Settlement = SETTLED;
  /** Bytes of stored values that were copied besides what the request at hand asked for. */
  copiedBytes = 0;
  readonly #executor: Executor;
  /** The store's clock, and the wall clock. */
  readonly #now: () => number;
  readonly #wallNow: () => number;

  constructor(executor: Executor, counters: Counters, now: () => number, wallNow: () => number) {
    this.#executor = executor;
    this.counters = counters;
    this.#now = now;
    this.#wallNow = wallNow;
  }

  /** Begins another request. */
  beginRequest(): void {
    this.settlesWith = SETTLED;
    this.copiedBytes = 0;
  }

  /** The store's counts, which depend on every change. */
  get counts(): StoreCounts {
    this.settlesWith = Math.max(this.settlesWith, this.#executor.newest);
    return this.#executor.counts;
  }

  /** The newest change that is not settled. */
  get newest(): Settlement {
    return this.#executor.newest;
  }

  whenSettled(settlement: Settlement, onSettled: OnSettled): void {
    this.#executor.whenSettled(settlement, onSettled);
  }

  /** Whether the key at hand has a length that a key may have. */
  get hasKey(): boolean {
    return this.key.length >= 1 && this.key.length <= MAX_KEY_BYTES;
  }

  /** Looks the key up, with its value in `found`; counts a hit or a miss. */
  get(found: Found): boolean {
    return this.#count(this.#do(Action.GET, found));
  }

  /** Looks the key up, with its expiry in `noValue`; counts a hit or a miss. */
  exists(): boolean {
    return this.#count(this.#do(Action.EXISTS, this.noValue));
  }

  /** Like `exists`, but the key does not count as read, and no hit or miss is counted. */
  peek(): boolean {
    return this.#do(Action.PEEK, this.noValue) === Result.DONE;
  }

  /** Stores the value at hand: DONE, PRESENT or FULL. @param expiresAtMs 0 for never */
  set(expiresAtMs: number, overwrite: boolean, found: Found): Result {
    this.#job.expiresAtMs = expiresAtMs;
    this.#job.overwrite = overwrite;
    return this.#do(Action.SET, found);
  }

  /** DONE, MISSING or FULL. */
  delete(found: Found): Result {
    return this.#do(Action.DELETE, found);
  }

  /** DONE with the sum in `found`, NOT_A_NUMBER, OVERFLOW or FULL. */
  add(delta: bigint, expiresAtMs: number, found: Found): Result {
    this.#job.delta = delta;
    this.#job.expiresAtMs = expiresAtMs;
    return this.#do(Action.ADD, found);
  }

  /** DONE, MISSING or FULL. @param expiresAtMs 0 for never */
  touch(expiresAtMs: number): Result {
    this.#job.expiresAtMs = expiresAtMs;
    return this.#do(Action.TOUCH, this.noValue);
  }

  #do(action: Action, found: Found): Result {
    const job = this.#job;
    job.action = action;
    job.found = found;
    const isDone = this.#executor.execute(job, NEVER);
    assert(isDone, "the executor behind a door for text answers at once");
    this.settlesWith = Math.max(this.settlesWith, job.settlesWith);
    this.copiedBytes += job.copiedBytes;
    return job.result;
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

  /** The expiry for a time to live; at once if that is 0 or less. */
  expiryIn(ttlMs: number): number {
    return Math.min(Math.max(1, Math.ceil(this.#now()) + ttlMs), Number.MAX_SAFE_INTEGER);
  }

  /** The time to live that an expiry leaves, in whole ms, rounded up. */
  ttlOf(expiresAtMs: number): number {
    return Math.max(0, Math.ceil(expiresAtMs - this.#now()));
  }
}
