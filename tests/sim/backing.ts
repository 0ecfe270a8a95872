/**
 * What a simulated server serves from, and what outlives the server: a store in memory that a new
 * server takes over as it is, or a journal on a disk that is slow, fails, and loses what it had not
 * carried out when the server is killed. Either reports to the ledger what was done.
 */

import { type Executor, Job, type OnSettled } from "../../src/execute/executor.ts";
import { MemoryExecutor } from "../../src/execute/memory.ts";
import { Kind, readChanges } from "../../src/journal/change.ts";
import { Journal } from "../../src/journal/journal.ts";
import { JournalExecutor } from "../../src/journal/journal_executor.ts";
import { LogStore } from "../../src/store/log_store.ts";
import type { SharedStore } from "../../src/store/memory.ts";
import { copyBytes } from "../../src/bytes.ts";
import { fillRandomOf } from "../bytes.ts";
import { FakeDisk } from "../journal/fake_disk.ts";
import { WALL_OFFSET_MS } from "../journal/journal_world.ts";
import type { Ledger, Life } from "./ledger.ts";
import { NONE, type Observer, Result, type Span } from "../../src/store/store.ts";
import { LIMIT_BYTES, RecordingStore, textOf } from "./recording_store.ts";

/** The chance and time of a simulation. */
export interface Nature {
  readonly ledger: Ledger;
  readonly now: () => number;
  readonly random: () => number;
  /** Runs a function after a time in ms, unless the present server is gone by then. */
  readonly later: (ms: number, run: () => void) => () => void;
}

export interface Backing {
  readonly executor: Executor;
  /** For a reader. */
  readonly shared: SharedStore;
  readonly life: Life;
  /** The server is killed; what it leaves is for the next one. */
  reopen(): Backing;
}

export class MemoryBacking implements Backing {
  readonly executor: Executor;
  readonly #store: RecordingStore;

  constructor({ ledger, now }: Nature) {
    this.#store = new RecordingStore(ledger, now);
    this.executor = new MemoryExecutor(this.#store);
  }

  get shared(): SharedStore {
    return this.#store.shared;
  }

  get life(): Life {
    return this.#store.life;
  }

  reopen(): Backing {
    return this;
  }
}

/** What readers see of a key, as text; null for none. */
export function readText({ executor }: Backing, key: string): string | null {
  const bytes = new TextEncoder().encode(key);
  const job = new Job();
  Object.assign(job.key, { bytes, start: 0, length: bytes.length });
  job.readsSettled = true;
  job.found = { bytes: new Uint8Array(64), start: 0, room: 64, length: NONE, expiresAtMs: 0 };
  executor.execute(job, () => {});
  return job.result === Result.DONE ? textOf(job.found.bytes, 0, job.found.length) : null;
}

/** A simulated disk: the longest time a commit takes, and the share of commits that fail. */
export interface DiskNature {
  readonly commitMs: number;
  readonly failures: number;
}

/** A disk that reports to the ledger what it has carried out. */
class RecordingDisk extends FakeDisk {
  readonly life: Life;
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    super();
    this.#ledger = ledger;
    this.life = ledger.beginLife();
  }

  override carryOut(changes: Uint8Array): void {
    for (const { kind, key, value } of readChanges(changes)) {
      if (kind !== Kind.STORED) continue;
      this.#note(textOf(key, 0, key.length), textOf(value, 0, value.length));
    }
    super.carryOut(changes);
  }

  #note(key: string, value: string): void {
    if (!key.startsWith("sum:")) {
      this.#ledger.noteStored(this.life, value);
      return;
    }
    const sum = BigInt(value);
    this.#ledger.noteApplied(this.life, key, sum - (this.life.sums.get(key) ?? 0n));
    this.life.sums.set(key, sum);
  }
}

export class DurableBacking implements Backing {
  readonly executor: Executor;
  readonly shared: SharedStore;
  readonly #nature: Nature;
  readonly #diskNature: DiskNature;
  readonly #disk: RecordingDisk;
  readonly #journal: Journal;

  constructor(nature: Nature, diskNature: DiskNature, disk = new RecordingDisk(nature.ledger)) {
    this.#nature = nature;
    this.#diskNature = diskNature;
    this.#disk = disk;
    const { now, random, later } = nature;
    disk.onCommit = () => void later(random() * diskNature.commitMs, () => this.#commit());
    const journal = new Journal({
      disk,
      syncIntervalMs: 0,
      now,
      later: (run, ms) => later(ms, run),
    });
    const store = new LogStore({
      limitBytes: LIMIT_BYTES,
      onFull: "refuse",
      now,
      fillRandom: fillRandomOf(1),
      onRemove: (key, copyValue) => journal.noteRemoval(key, copyValue),
      keepsReserve: true,
      readers: 1,
    });
    this.shared = store.shared;
    const wallNow = () => now() + WALL_OFFSET_MS;
    const executor = new JournalExecutor({ store, journal, now, wallNow });
    for (const item of disk.items.values()) executor.load(item);
    executor.start();
    this.#journal = journal;
    this.executor = executor;
  }

  get life(): Life {
    return this.#disk.life;
  }

  reopen(): Backing {
    const { random } = this.#nature;
    this.#journal.stop();
    this.#disk.crash(Math.floor(random() * (this.#disk.waiting + 1)));
    return new DurableBacking(this.#nature, this.#diskNature, this.#disk);
  }

  #commit(): void {
    const { random } = this.#nature;
    if (this.#disk.waiting === 0) return;
    if (random() < this.#diskNature.failures) this.#disk.fail("it fails");
    else this.#disk.finish(Math.ceil(random() * this.#disk.waiting));
  }
}

/** Carries out some jobs later, as an executor with a network behind it does. */
export class LateExecutor implements Executor {
  readonly #inner: Executor;
  readonly #nature: Nature;
  /** When the last waiting job is carried out: jobs keep their order. */
  #busyUntilMs = 0;

  constructor(inner: Executor, nature: Nature) {
    this.#inner = inner;
    this.#nature = nature;
  }

  get counts() {
    return this.#inner.counts;
  }

  get isDurable() {
    return this.#inner.isDurable;
  }

  readonly answersLater = true;
  readonly outage = null;

  get sections() {
    return this.#inner.sections;
  }

  get newest() {
    return this.#inner.newest;
  }

  get barrier() {
    return this.#inner.barrier;
  }

  observe(observer: Observer | null): void {
    this.#inner.observe(observer);
  }

  admitsDrop(prefix: Span): boolean {
    return this.#inner.admitsDrop(prefix);
  }

  execute(job: Job, resume: () => void): boolean {
    const { random, later, now } = this.#nature;
    const isBusy = this.#busyUntilMs > now();
    if (!isBusy && random() < 0.5) return this.#inner.execute(job, resume);
    for (const span of [job.key, job.value, job.expected]) {
      span.bytes = copyBytes(span.bytes, span.start, span.start + span.length);
      span.start = 0;
    }
    const delayMs = random() < 0.1 ? random() * 50 : random();
    this.#busyUntilMs = Math.max(this.#busyUntilMs, now() + delayMs);
    later(this.#busyUntilMs - now(), () => {
      if (this.#inner.execute(job, resume)) resume();
    });
    return false;
  }

  whenSettled(settlement: number, onSettled: OnSettled): void {
    this.#inner.whenSettled(settlement, onSettled);
  }
}
