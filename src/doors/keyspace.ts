/**
 * The store as the doors for text see it: one job at hand, the counts that STATS reports, and what the
 * replies to a request depend on.
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
import { DoorClock } from "./door_clock.ts";
import { Pass } from "./pass.ts";
import type { Counters } from "../statistics.ts";
import { MAX_KEY_BYTES } from "../store/item.ts";
import {
  ANYWHERE,
  type Found,
  MAX_STORED_BYTES,
  NONE,
  type Observer,
  type Page,
  Result,
  type Span,
  spanOf,
  type StoreCounts,
} from "../store/store.ts";
import { readU16 } from "../bytes.ts";

const NO_BYTES = Buffer.alloc(0);
const EVERYTHING = spanOf(NO_BYTES);
/** What looking at the keys of a page costs: a connection has four pages in a turn. */
const PAGE_COST_BYTES = 16 * 1024;
/** Room for the keys of a page. */
const PAGE_BYTES = 64 * 1024;
/**
 * Most pages for one answer about all keys: some 60,000 keys, and some 50 ms. One where all keys are gone
 * by a drop, or have another prefix, is looked at in a fraction of that.
 */
const MAX_PAGES = 21;
const EMPTY_PAGE_SHARE = 1 / 8;
/** An executor that answers at once never calls back. */
const NEVER = () => {};

export class Keyspace {
  readonly counters: Counters;
  readonly #job = new Job();
  /** The key and the value of the next action. */
  readonly key: Span = this.#job.key;
  readonly value: Span = this.#job.value;
  /** A page of keys. */
  readonly page: Page = this.#job.page;
  /** Where a requested value is put. */
  readonly found: Found = { bytes: NO_BYTES, start: 0, room: NONE, length: NONE, expiresAtMs: 0 };
  /** Receives what an action reports when the value is not wanted. */
  readonly noValue: Found = { ...this.found };
  /** A value that was read, to make another from it. */
  readonly scratch: Buffer = Buffer.allocUnsafeSlow(MAX_STORED_BYTES);
  readonly #copied: Found = { ...this.found, bytes: this.scratch, room: MAX_STORED_BYTES };
  /** What must settle before the request at hand may be answered. */
  settlesWith: Settlement = SETTLED;
  /**
   * Bytes of stored values that were copied besides what the request at hand asked for; a page of keys,
   * and the characters that a pattern is compared with, count as so many as take as long.
   */
  copiedBytes = 0;
  readonly clock: DoorClock;
  /** The request at hand, where the store answers later. */
  #pass: Pass | null = null;
  readonly #executor: Executor;

  constructor(executor: Executor, counters: Counters, now: () => number, wallNow: () => number) {
    this.#executor = executor;
    this.counters = counters;
    this.clock = new DoorClock(now, wallNow);
    const bytes = Buffer.allocUnsafeSlow(PAGE_BYTES);
    Object.assign(this.page, { bytes, room: PAGE_BYTES, maxKeyBytes: MAX_KEY_BYTES });
  }

  /**
   * Begins another request, or another pass of one.
   * @returns null where the store answers at once
   */
  beginRequest(again?: Pass): Pass | null {
    this.settlesWith = SETTLED;
    this.copiedBytes = 0;
    this.#pass = again ?? (this.#executor.answersLater ? new Pass(this.#executor) : null);
    this.#pass?.begin();
    return this.#pass;
  }

  /** A pass was the last of its request. */
  endRequest({ hits, misses }: Pass): void {
    this.counters.hits += hits;
    this.counters.misses += misses;
  }

  /** Why nothing can be carried out at present, as a sentence without its end; null if it can. */
  get outage(): string | null {
    return this.#executor.outage;
  }

  /** Whether the store answers later: then each command is by itself. */
  get answersLater(): boolean {
    return this.#executor.answersLater;
  }

  /** Nothing of the same connection may overtake the request at hand. */
  holdBack(): void {
    if (this.#pass !== null) this.#pass.isStepwise = true;
  }

  /** The store's counts, which depend on every change. */
  get counts(): StoreCounts {
    this.dependOnAll();
    return this.#executor.counts;
  }

  /** From now on the answer to the request at hand waits for all changes. */
  dependOnAll(): void {
    this.settlesWith = Math.max(this.settlesWith, this.#executor.newest);
  }

  /** What must settle before a request is begun; SETTLED for nothing. */
  get barrier(): Settlement {
    return this.#executor.barrier;
  }

  /** Whether a drop would only be carried out when it is durable. */
  get dropsLater(): boolean {
    return this.#executor.isDurable;
  }

  observe(observer: Observer | null): void {
    this.#executor.observe(observer);
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

  /** Like `peek`, with the value at the beginning of `scratch`. */
  copy(): Found {
    this.#do(Action.PEEK, this.#copied);
    this.copiedBytes += Math.max(0, this.#copied.length);
    return this.#copied;
  }

  /** As `copy`, but it counts as a GET. */
  getCopy(): Found {
    this.get(this.#copied);
    this.copiedBytes += Math.max(0, this.#copied.length);
    return this.#copied;
  }

  /** Stores the beginning of `scratch`. */
  setScratch(length: number, expiresAtMs: number): Result {
    Object.assign(this.value, { bytes: this.scratch, start: 0, length });
    return this.set(expiresAtMs, true, this.noValue);
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

  /** As `set` of a key whose value is the expected one: DONE, MISSING, PRESENT or FULL. */
  setIfEqual(expected: Span, expiresAtMs: number, found: Found): Result {
    this.#job.expiresAtMs = expiresAtMs;
    return this.#doIfEqual(Action.SET, expected, found);
  }

  /** As `delete` of a key whose value is the expected one: DONE, MISSING, PRESENT or FULL. */
  deleteIfEqual(expected: Span): Result {
    return this.#doIfEqual(Action.DELETE, expected, this.noValue);
  }

  #doIfEqual(action: Action, expected: Span, found: Found): Result {
    const job = this.#job;
    Object.assign(job.expected, expected);
    job.ifEqual = true;
    try {
      return this.#do(action, found);
    } finally {
      job.ifEqual = false;
    }
  }

  /** A page of keys that begin with a prefix: DONE or NO_CURSOR. @param mostKeys about so many */
  scan(prefix: Span, cursor: number, mostKeys: number): Result {
    Object.assign(this.key, prefix);
    Object.assign(this.page, { cursor, mostKeys });
    this.copiedBytes += PAGE_COST_BYTES;
    return this.#execute(Action.SCAN, this.noValue);
  }

  /** The keys of the page, one character for each byte. */
  *pageKeys(): Generator<string> {
    const { bytes, start, length } = this.page;
    for (let at = start; at < start + length;) {
      const end = at + 2 + readU16(bytes, at);
      yield (bytes as Buffer).toString("latin1", at + 2, end);
      at = end;
    }
  }

  /** All keys that begin with a prefix. @returns false if there are too many to look at */
  *scanAll(prefix: Span): Generator<string, boolean> {
    let cursor = 0;
    for (let pages = 0; pages < MAX_PAGES; pages += this.#pageShare) {
      this.scan(prefix, cursor, Number.POSITIVE_INFINITY);
      yield* this.pageKeys();
      cursor = this.page.cursor;
      if (cursor === 0) return true;
    }
    return false;
  }

  get #pageShare(): number {
    return this.page.length === 0 ? EMPTY_PAGE_SHARE : 1;
  }

  /** Some key; null if there are none. */
  randomKey(): string | null {
    let cursor = ANYWHERE;
    for (let pages = 0; pages < MAX_PAGES; pages += this.#pageShare) {
      this.scan(EVERYTHING, cursor, 1);
      for (const key of this.pageKeys()) return key;
      // From the end on, it goes on at the beginning, once.
      if (this.page.cursor === 0 && cursor === 0) return null;
      cursor = this.page.cursor;
    }
    return null;
  }

  /** Removes all keys that begin with a prefix of 0 to 128 bytes: DONE, FULL, or null if it can't now. */
  drop(prefix: Span): Result | null {
    if (!this.#executor.admitsDrop(prefix)) return null;
    Object.assign(this.key, prefix);
    return this.#execute(Action.DROP, this.noValue);
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

  /** A key of a length that no key has is not there. Who stores it must check that first. */
  #do(action: Action, found: Found): Result {
    if (this.hasKey) return this.#execute(action, found);
    found.length = NONE;
    found.expiresAtMs = 0;
    return Result.MISSING;
  }

  #execute(action: Action, found: Found): Result {
    const job = this.#job;
    job.action = action;
    job.found = found;
    if (this.#pass !== null) {
      this.#pass.execute(job);
      return job.result;
    }
    const isDone = this.#executor.execute(job, NEVER);
    assert(isDone, "the executor behind a door for text answers at once");
    this.settlesWith = Math.max(this.settlesWith, job.settlesWith);
    this.copiedBytes += job.copiedBytes;
    return job.result;
  }

  #count(result: Result): boolean {
    const counts = this.#pass ?? this.counters;
    if (result === Result.DONE) counts.hits++;
    else counts.misses++;
    return result === Result.DONE;
  }
}
