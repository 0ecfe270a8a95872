/**
 * Carries out jobs in memory and records their changes. An action sees a key as it will be when all
 * changes are durable; a read may ask for only durable state, and then sees nothing that a crash
 * could undo. No job costs in proportion to a stored value, except one that replaces or removes the
 * value while that may have to be taken back: `copiedBytes` reports this cost. A new expiry leaves
 * the value where it is; only if the key expires before that is durable, the journal keeps the value.
 *
 * A drop takes effect in memory when it is durable, so there is nothing to take back. Until then changes
 * of the keys that it will remove wait, in order to come after it in memory as in the journal.
 */

import { assert } from "../assert.ts";
import {
  Action,
  type Executor,
  isRead,
  type Job,
  type OnSettled,
  SETTLED,
  type Settlement,
} from "../execute/executor.ts";
import { perform } from "../execute/memory.ts";
import { ParkedJobs } from "../execute/parked_jobs.ts";
import type { Section } from "../section.ts";
import { copyRun } from "../store/copy.ts";
import { nameOfSpan, spanOfName } from "../store/name.ts";
import { MAX_NUMBER_BYTES } from "../store/number.ts";
import {
  type Found,
  NONE,
  type Observer,
  type RestorableStore,
  Result,
  type Span,
  spanOf,
  type StoreCounts,
} from "../store/store.ts";
import { deletionOf, dropOf, Kind, type NewChange } from "./change.ts";
import { PendingDrops } from "./pending_drops.ts";
import type { Journal } from "./journal.ts";
import type { Before } from "./undo.ts";

const NO_BYTES = new Uint8Array(0);

/** A key and its value as stored on a disk. */
export interface StoredItem {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** In ms since 1970; 0 for never. */
  readonly expiresAtMs: number;
}

export interface JournalExecutorOptions {
  readonly store: RestorableStore;
  /** The store reports to it every key that the store removes by itself. */
  readonly journal: Journal;
  /** Milliseconds, never backwards: the store's clock. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
}

export class JournalExecutor implements Executor {
  readonly isDurable = true;
  readonly answersLater = false;
  readonly outage = null;
  readonly sections: ReadonlyMap<string, Section>;
  readonly #store: RestorableStore;
  readonly #journal: Journal;
  readonly #now: () => number;
  readonly #wallNow: () => number;
  /** Drops that are not durable yet, and the jobs that wait for those or for room for another. */
  readonly #drops = new PendingDrops();
  readonly #parked = new ParkedJobs();
  /** Length and expiry of a key before a change, without its value. */
  readonly #seen: Found = { bytes: NO_BYTES, start: 0, room: NONE, length: NONE, expiresAtMs: 0 };

  constructor({ store, journal, now, wallNow }: JournalExecutorOptions) {
    this.#store = store;
    this.#journal = journal;
    this.#now = now;
    this.#wallNow = wallNow;
    this.sections = new Map([["journal", () => journal.lines()]]);
    store.onDropEnd = () => this.#retrySoon();
  }

  get counts(): StoreCounts {
    return this.#store;
  }

  get newest(): Settlement {
    return this.#journal.newest;
  }

  get barrier(): Settlement {
    return this.#drops.newest;
  }

  /** From now on changes go to the disk. */
  start(): void {
    this.#journal.start({
      takeBack: (befores) => this.#takeBack(befores),
      changeOf: (key) => this.#changeOf(spanOf(key)),
      release: (holds) => {
        for (const held of holds) this.#store.release(held);
      },
    });
  }

  execute(job: Job, resume: () => void): boolean {
    job.settlesWith = SETTLED;
    job.copiedBytes = 0;
    if (job.action === Action.SCAN) this.#scan(job);
    else if (isRead(job.action)) this.#read(job);
    else if (this.#mustWait(job)) {
      this.#parked.park(job, resume);
      return false;
    } else if (job.action === Action.DROP) this.#drop(job);
    else this.#change(job);
    return true;
  }

  observe(observer: Observer | null): void {
    this.#store.observe(observer);
  }

  whenSettled(settlement: Settlement, onSettled: OnSettled): void {
    this.#journal.whenSettled(settlement, onSettled);
  }

  /** Loads an item of the disk into memory. @returns MISSING if it has expired, DONE, or FULL */
  load({ key, value, expiresAtMs }: StoredItem): Result {
    const ttlMs = expiresAtMs - this.#wallNow();
    if (expiresAtMs !== 0 && ttlMs <= 0) return Result.MISSING;
    const storedUntilMs = expiresAtMs === 0 ? 0 : Math.ceil(this.#now() + ttlMs);
    const isThere = this.#store.restore(spanOf(key), spanOf(value), storedUntilMs);
    return isThere ? Result.DONE : Result.FULL;
  }

  admitsDrop(prefix: Span): boolean {
    return this.#drops.admit(prefix, this.#store.drops);
  }

  /** A drop waits for those before it, so that between two batches with drops the doors have a turn. */
  #mustWait(job: Job): boolean {
    if (this.#parked.isBefore(job)) return true;
    if (job.action !== Action.DROP) return this.#drops.cover(job.key);
    return this.barrier !== SETTLED || !this.admitsDrop(job.key);
  }

  /** The answer depends on all keys. */
  #scan(job: Job): void {
    perform(this.#store, job);
    job.settlesWith = this.#journal.newest;
  }

  #drop(job: Job): void {
    if (this.#refusesIfFull(job)) return;
    const change = dropOf(job.key);
    job.result = Result.DONE;
    if (!this.#journal.isAwaiting) {
      this.#store.drop(job.key);
      this.#journal.appendUnawaited(change);
      return;
    }
    const settlement = this.#journal.appendDrop(change);
    const drop = this.#drops.add(job.key, settlement);
    job.settlesWith = settlement;
    this.#journal.whenSettled(settlement, (refusal) => {
      this.#drops.end(drop);
      if (refusal === null) this.#store.drop(drop.prefix);
      this.#retrySoon();
    });
  }

  /** Not at once: what was refused is still being taken back, and the doors go first. */
  #retrySoon(): void {
    queueMicrotask(() => this.#parked.retry((job, resume) => this.execute(job, resume)));
  }

  /** Whether no change can be taken now; the job then says so. */
  #refusesIfFull(job: Job): boolean {
    const { isFull } = this.#journal;
    if (isFull) {
      tellMissing(job);
      job.result = Result.FULL;
    }
    return isFull;
  }

  #read(job: Job): void {
    if (!this.#journal.hasUndo) {
      perform(this.#store, job);
      return;
    }
    const name = nameOfSpan(job.key);
    if (job.readsSettled) {
      this.#readSettled(job, name);
    } else {
      perform(this.#store, job);
      job.settlesWith = this.#journal.settlementOf(name);
    }
  }

  #readSettled(job: Job, name: string): void {
    const before = this.#journal.before(name);
    if (before === undefined) perform(this.#store, job);
    else if (before === null) tellMissing(job);
    else if (before.expiresAtMs !== 0 && before.expiresAtMs <= this.#now()) tellMissing(job);
    else if (before.value !== null) tell(job, before.value, before.expiresAtMs);
    else {
      perform(this.#store, job);
      if (job.result === Result.DONE) job.found.expiresAtMs = before.expiresAtMs;
      // The key was touched and has expired since, which a crash could undo.
      else job.settlesWith = this.#journal.settlementOf(name);
    }
  }

  #change(job: Job): void {
    const journal = this.#journal;
    const { key } = job;
    if (this.#refusesIfFull(job)) return;
    const wasThere = this.#isThere(key);
    const isAwaiting = journal.isAwaiting;
    const name = isAwaiting ? nameOfSpan(key) : "";
    if (!this.#mayChange(job, wasThere)) {
      perform(this.#store, job);
      if (isAwaiting) job.settlesWith = journal.settlementOf(name);
      return;
    }
    if (isAwaiting) this.#changeAwaited(job, name, wasThere);
    else {
      perform(this.#store, job);
      const change = this.#changeBy(job, wasThere);
      if (change !== null) journal.appendUnawaited(change);
    }
  }

  /** Until the change is settled, no other thread tells of it. */
  #changeAwaited(job: Job, name: string, wasThere: boolean): void {
    const before = this.#before(job, name, wasThere);
    const held = this.#store.hold(job.key);
    let isHeld = false;
    try {
      perform(this.#store, job);
      const change = this.#changeBy(job, wasThere);
      isHeld = change !== null;
      job.settlesWith = change === null
        ? this.#journal.settlementOf(name)
        : this.#journal.append(change, name, before, held);
    } finally {
      if (!isHeld) this.#store.release(held);
    }
  }

  /** Looks a key up, with its length and expiry in `#seen`. */
  #isThere(key: Span): boolean {
    return this.#store.peek(key, this.#seen) === Result.DONE;
  }

  /** Whether a job may change its key, which is in `#seen` if it is there. */
  #mayChange(job: Job, isThere: boolean): boolean {
    switch (job.action) {
      case Action.SET:
        if (job.ifEqual) return isThere && this.#store.isEqual(job.key, job.expected);
        return job.overwrite || !isThere;
      case Action.DELETE:
        return isThere && (!job.ifEqual || this.#store.isEqual(job.key, job.expected));
      case Action.ADD:
        return !isThere || this.#seen.length <= MAX_NUMBER_BYTES;
      case Action.TOUCH:
        return isThere && job.expiresAtMs !== this.#seen.expiresAtMs;
      default:
        return isThere;
    }
  }

  /** The key's state, so that the change can be taken back; undefined if enough is known. */
  #before(job: Job, name: string, isThere: boolean): Before | undefined {
    const endsValue = job.action !== Action.TOUCH;
    if (this.#journal.knows(name, endsValue)) return undefined;
    if (!isThere) return null;
    const { expiresAtMs } = this.#seen;
    if (!endsValue) return { value: null, expiresAtMs };
    const value = this.#copyOfSeen(job.key);
    job.copiedBytes += value.length;
    return { value: value.bytes, expiresAtMs };
  }

  /** The change that a finished job made; null for none. */
  #changeBy(job: Job, wasThere: boolean): NewChange | null {
    const { key, found } = job;
    if (job.result !== Result.DONE) {
      // A store that evicts may have lost the key even though it found no room.
      return wasThere && !this.#isThere(key) ? deletionOf(key) : null;
    }
    switch (job.action) {
      case Action.SET: {
        const expiresAtMs = this.#wallTimeOf(job.expiresAtMs);
        return { kind: Kind.STORED, key, value: job.value, expiresAtMs };
      }
      case Action.ADD: {
        assert(found.length <= found.room, "a job that adds has room for the sum");
        const expiresAtMs = this.#wallTimeOf(found.expiresAtMs);
        return { kind: Kind.STORED, key, value: found, expiresAtMs };
      }
      case Action.TOUCH: {
        const expiresAtMs = this.#wallTimeOf(job.expiresAtMs);
        return { kind: Kind.TOUCHED, key, value: null, expiresAtMs };
      }
      default:
        return deletionOf(key);
    }
  }

  /** Ms since 1970 for ms on the store's clock. */
  #wallTimeOf(expiresAtMs: number): number {
    if (expiresAtMs === 0) return 0;
    const wallMs = Math.round(this.#wallNow() + expiresAtMs - this.#now());
    return Math.max(1, Math.min(wallMs, Number.MAX_SAFE_INTEGER));
  }

  #takeBack(befores: ReadonlyMap<string, Before>): void {
    const found = { ...this.#seen };
    const toRestore: { name: string; value: Uint8Array; expiresAtMs: number }[] = [];
    // All changed values are removed first, since the room that one took may belong to another.
    for (const [name, before] of befores) {
      if (before === null) {
        this.#store.delete(spanOfName(name), found);
      } else if (before.value === null) {
        this.#store.touch(spanOfName(name), before.expiresAtMs);
      } else {
        this.#store.delete(spanOfName(name), found);
        toRestore.push({ name, value: before.value, expiresAtMs: before.expiresAtMs });
      }
    }
    for (const { name, value, expiresAtMs } of toRestore) {
      if (this.#store.restore(spanOfName(name), spanOf(value), expiresAtMs)) continue;
      throw new Error("memory has no room for the values it held; restart from the durable data");
    }
  }

  /** The current state of a key, as a change. */
  #changeOf(key: Span): NewChange {
    if (!this.#isThere(key)) return deletionOf(key);
    const expiresAtMs = this.#wallTimeOf(this.#seen.expiresAtMs);
    return { kind: Kind.STORED, key, value: this.#copyOfSeen(key), expiresAtMs };
  }

  /** A copy of the value of the key that is in `#seen`. */
  #copyOfSeen(key: Span): Found {
    const { length } = this.#seen;
    const copy = { ...this.#seen, bytes: new Uint8Array(length), room: length };
    this.#store.peek(key, copy);
    return copy;
  }
}

function tellMissing(job: Job): void {
  job.result = Result.MISSING;
  job.found.length = NONE;
  job.found.expiresAtMs = 0;
}

function tell(job: Job, value: Uint8Array, expiresAtMs: number): void {
  const { found } = job;
  job.result = Result.DONE;
  found.expiresAtMs = expiresAtMs;
  found.length = job.action === Action.EXISTS ? NONE : value.length;
  if (found.length > found.room || found.length === NONE) return;
  copyRun(value, 0, found.bytes, found.start, value.length);
}
