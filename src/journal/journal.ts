/**
 * The journal collects the changes of a turn of the event loop in a batch and hands the batch to
 * the disk, which commits together all batches that came while it was busy. So the slower the disk,
 * the more changes share a commit.
 *
 * Confirmed: the caller of a change waits until the change is durable. Relaxed: nobody waits, and a
 * change is with the disk within half the interval; but past a backlog, or when the disk has
 * failed, changes are handled as if confirmed.
 *
 * When a commit fails, its batch and all later batches, which were built upon it, are taken back,
 * and waiting callers are refused. A change that nobody waits for can't be refused: it goes into
 * the next batch.
 */

import { type OnSettled, type Problem, SETTLED, type Settlement } from "../execute/executor.ts";
import { copyBytes } from "../bytes.ts";
import type { Line } from "../section.ts";
import { nameOf, nameOfSpan } from "../store/name.ts";
import { type Span, spanOf } from "../store/store.ts";
import { Batch } from "./batch.ts";
import { deletionOf, dropOf, Kind, type NewChange } from "./change.ts";
import type { Disk } from "./disk.ts";
import { type Before, firstBefore, mergeUndos, type Undo } from "./undo.ts";

/** With this many bytes of changes not yet durable, relaxed changes wait too … */
const MAX_RELAXED_BYTES = 8 * 1024 * 1024;
/** … and with this much memory held for changes, no more changes are taken. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** Most batches that are with the disk; further changes are collected in the next batch. */
const MAX_BATCHES = 8;
/** A batch of this size that nobody waits for is not held back. */
const FLUSH_BYTES = 256 * 1024;
/** How long confirmed changes that nobody waits for, such as evictions, are collected. */
const UNAWAITED_MS = 50;
/** How long after a failure changes that nobody waits for are retried. */
const RETRY_MS = 1_000;

/** The memory whose changes are journaled. */
export interface JournaledMemory {
  /** Restores keys to their earlier states. */
  takeBack(befores: ReadonlyMap<string, Before>): void;
  /** The current state of a key, as a change. */
  changeOf(key: Uint8Array): NewChange;
  /** Ends holds of changes that are settled. */
  release(holds: readonly number[]): void;
}

export interface JournalOptions {
  readonly disk: Disk;
  /** Changes of at most this many ms may be lost in a crash; 0 for none: changes are confirmed. */
  readonly syncIntervalMs: number;
  /** Milliseconds, never backwards. */
  readonly now: () => number;
  /** Runs a function once after a delay in ms. @returns a function that cancels this */
  readonly later: (run: () => void, ms: number) => () => void;
  /** Called when the disk begins to fail, and with null when it works again. */
  readonly onProblem?: (problem: Problem | null) => void;
}

export class Journal {
  /** Commits, the changes in them, and commits that failed, since the start. */
  commits = 0;
  changes = 0;
  failures = 0;
  /** Why the last commit failed; null if it did not. */
  problem: Problem | null = null;
  readonly #options: JournalOptions;
  readonly #isRelaxed: boolean;
  /** Null until the journal is started, and after it is stopped. */
  #memory: JournaledMemory | null = null;
  /** Keys that memory removed by itself while it took changes back. */
  #removed: Uint8Array[] | null = null;
  /** The batch that collects changes, and the batches that are with the disk, oldest first. */
  #open = new Batch(1);
  readonly #closed: Batch[] = [];
  /** Buffers of batches that have ended, for the next ones. */
  readonly #buffers: Uint8Array<ArrayBuffer>[] = [];
  /** When the first change came to the open batch. */
  #openedAtMs = 0;
  /** When the next batch is due, and how to cancel it. */
  #dueAtMs = Number.POSITIVE_INFINITY;
  #cancel = () => {};

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#isRelaxed = options.syncIntervalMs > 0;
  }

  /** The lines of STATS. */
  lines(): Line[] {
    return [
      ["durability", this.#isRelaxed ? "relaxed" : "confirmed"],
      ["commits", this.commits],
      ["commits_failed", this.failures],
      ["changes", this.changes],
      ["backlog_bytes", this.backlogBytes],
      ["problem", this.problem ?? "none"],
    ];
  }

  /** Bytes of the changes that are not durable yet. */
  get backlogBytes(): number {
    return this.#closed.reduce((sum, { length }) => sum + length, this.#open.length);
  }

  /** Whether no more changes can be taken. */
  get isFull(): boolean {
    const heldBytes = this.#closed.reduce((sum, batch) => sum + batch.heldBytes, 0);
    return this.#open.heldBytes + heldBytes >= MAX_HELD_BYTES;
  }

  /** Whether the next change must be awaited, and appended with the key's earlier state. */
  get isAwaiting(): boolean {
    return !this.#isRelaxed || this.problem !== null || this.backlogBytes >= MAX_RELAXED_BYTES ||
      this.hasUndo;
  }

  /** Whether some change may still be taken back. */
  get hasUndo(): boolean {
    return this.newest !== SETTLED;
  }

  /** A key's state before a change that may still be taken back; undefined if there is none. */
  before(name: string): Before | undefined {
    return firstBefore(this.#undos(), name);
  }

  /** The batch of a key's last change that may still be taken back; 0 if there is none. */
  settlementOf(name: string): Settlement {
    return this.#lastBatch(({ undo }) => undo.has(name))?.settlement ?? SETTLED;
  }

  /** The last batch with a change that may still be taken back; 0 if there is none. */
  get newest(): Settlement {
    return this.#lastBatch(({ isAwaited }) => isAwaited)?.settlement ?? SETTLED;
  }

  /** Whether the open batch knows a key's earlier state; with its value if `withValue` is set. */
  knows(name: string, withValue: boolean): boolean {
    return withValue ? this.#open.undo.hasValue(name) : this.#open.undo.has(name);
  }

  /** Calls back once a batch is durable or was taken back. */
  whenSettled(settlement: Settlement, onSettled: OnSettled): void {
    const batch = [...this.#closed, this.#open].find((each) => each.settlement === settlement);
    if (batch === undefined) queueMicrotask(() => onSettled(null));
    else batch.whenSettled(onSettled);
  }

  /**
   * Appends a change that may be taken back.
   * @param before the key's earlier state; undefined if the open batch knows enough
   * @param held to be released when the change is settled
   * @returns the batch with which the change settles
   */
  append(change: NewChange, name: string, before: Before | undefined, held: number): Settlement {
    this.#open.undo.note(name, before);
    this.#open.holds.push(held);
    this.#append(change, true);
    return this.#open.settlement;
  }

  /** Appends a drop that is carried out when it is settled. @returns the batch with which it settles */
  appendDrop(change: NewChange): Settlement {
    this.#append(change, true);
    return this.#open.settlement;
  }

  /** Appends a change that nobody waits for. */
  appendUnawaited(change: NewChange): void {
    this.#append(change, false);
  }

  /** Notes that memory removes a key by itself: evicted, or expired. */
  noteRemoval(key: Span, copyValue: () => Uint8Array): void {
    if (this.#removed === null) {
      if (this.hasUndo) this.#keepValue(key, copyValue);
      this.#append(deletionOf(key), false);
    } else {
      this.#removed.push(copyBytes(key.bytes, key.start, key.start + key.length));
    }
  }

  /** Keeps a value that goes while a new expiry of its key may still be taken back. */
  #keepValue(key: Span, copyValue: () => Uint8Array): void {
    const name = nameOfSpan(key);
    const last = this.#lastBatch(({ undo }) => undo.has(name));
    if (last === undefined || last.undo.hasValue(name)) return;
    last.undo.note(name, { value: copyValue(), expiresAtMs: 0 });
  }

  #append(change: NewChange, isAwaited: boolean): void {
    if (this.#open.changes === 0) this.#openedAtMs = this.#options.now();
    this.#open.append(change, isAwaited);
    this.#options.disk.poll?.();
    this.#schedule();
  }

  /** From now on changes go to the disk; before this they are only collected. */
  start(memory: JournaledMemory): void {
    this.#memory = memory;
    this.#schedule();
  }

  /** Nothing more goes to the disk. */
  stop(): void {
    this.#memory = null;
    this.#cancel();
  }

  /** Makes durable all changes appended so far. @returns why that failed, or null */
  async drain(): Promise<Problem | null> {
    const last = this.#open.changes > 0 ? this.#open : this.#closed.at(-1);
    if (this.#memory === null || last === undefined) return null;
    const isSettled = settlementOf(last);
    while (last === this.#open) {
      this.#flush();
      if (last === this.#open) await settlementOf(this.#closed[0]);
    }
    return await isSettled;
  }

  /** The last batch for which something holds. */
  #lastBatch(holds: (batch: Batch) => boolean): Batch | undefined {
    return holds(this.#open) ? this.#open : this.#closed.findLast(holds);
  }

  *#undos(): Generator<Undo> {
    for (const { undo } of this.#closed) yield undo;
    yield this.#open.undo;
  }

  /** Ensures that the open batch goes to the disk in time. */
  #schedule(): void {
    if (this.#memory === null || this.#isBusy || this.#open.changes === 0) return;
    const dueAtMs = this.#openedAtMs + this.#delayMs;
    if (dueAtMs >= this.#dueAtMs) return;
    this.#cancel();
    this.#dueAtMs = dueAtMs;
    const delayMs = Math.max(0, dueAtMs - this.#options.now());
    this.#cancel = this.#options.later(() => this.#flush(), delayMs);
  }

  get #isBusy(): boolean {
    return this.#closed.length === MAX_BATCHES;
  }

  get #delayMs(): number {
    if (this.#open.isAwaited) return 0;
    if (this.problem !== null) return RETRY_MS;
    if (this.#open.length >= FLUSH_BYTES) return 0;
    return this.#isRelaxed ? this.#options.syncIntervalMs / 2 : UNAWAITED_MS;
  }

  #flush(): void {
    this.#cancel();
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    if (this.#isBusy || this.#open.changes === 0) return;
    const batch = this.#open;
    this.#closed.push(batch);
    this.#openNext();
    this.#options.disk.commit(batch.bytes()).then(
      () => this.#succeed(batch),
      (error) => this.#fail(batch, error instanceof Error ? error.message : String(error)),
    );
  }

  #openNext(): void {
    this.#open = new Batch(this.#open.settlement + 1, this.#buffers.pop());
  }

  #succeed(batch: Batch): void {
    if (batch !== this.#closed[0]) return;
    this.#closed.shift();
    if (batch.buffer !== undefined && this.#buffers.length < MAX_BATCHES) {
      this.#buffers.push(batch.buffer);
    }
    this.commits++;
    this.changes += batch.changes;
    this.#note(null);
    this.#memory?.release(batch.holds);
    batch.settle(null);
    this.#schedule();
  }

  /** Takes back all changes that are not durable, when the oldest batch has failed. */
  #fail(batch: Batch, problem: Problem): void {
    if (batch !== this.#closed[0]) return;
    const failed = [...this.#closed, this.#open];
    this.#closed.length = 0;
    this.#openNext();
    this.failures++;
    this.#note(problem);
    const unawaited = failed.flatMap((each) => [...each.unawaited()]);
    const [drops, others] = [true, false].map((isDrop) =>
      unawaited.filter(({ kind }) => (kind === Kind.DROPPED) === isDrop).map(({ key }) => key)
    );
    this.#removed = others;
    try {
      this.#memory?.takeBack(mergeUndos(failed.map(({ undo }) => undo)));
      this.#appendAgain(drops, this.#removed);
    } finally {
      this.#removed = null;
      for (const each of failed) {
        this.#memory?.release(each.holds);
        each.settle({ problem, from: batch.settlement });
      }
    }
  }

  /** Appends drops, and then the current state of keys, each once. */
  #appendAgain(drops: readonly Uint8Array[], keys: readonly Uint8Array[]): void {
    const memory = this.#memory;
    if (memory === null) return;
    for (const prefix of drops) this.appendUnawaited(dropOf(spanOf(prefix)));
    const changes = new Map(keys.map((key) => [nameOf(key), key]));
    for (const key of changes.values()) this.appendUnawaited(memory.changeOf(key));
  }

  #note(problem: Problem | null): void {
    if (problem !== this.problem) this.#options.onProblem?.(problem);
    this.problem = problem;
  }
}

/** Resolves when a batch is over: with null, or with the reason it was taken back. */
function settlementOf(batch: Batch): Promise<Problem | null> {
  return new Promise((resolve) => {
    batch.whenSettled((refusal) => resolve(refusal?.problem ?? null));
  });
}
