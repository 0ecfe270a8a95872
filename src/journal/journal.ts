/**
 * The journal: collects the changes of a turn of the event loop in a batch and hands it to the disk,
 * which commits all the batches together that came while it was busy. So the slower the disk, the more
 * share a commit.
 *
 * Confirmed: whoever made a change waits until it is durable. Relaxed: nobody waits, and a change is
 * with the disk within half the interval; but past a backlog, or when the disk has failed, it is as if
 * confirmed.
 *
 * When a commit fails, its batch and all since, which were built upon it, are taken back and whoever
 * waits is refused. What nobody waited for can't be: it goes into the next batch.
 *
 * Invariant: a change that can be taken back is never followed by one to the same key that can't, until
 * it is durable.
 */

import type { Line } from "../statistics.ts";
import type { Span } from "../store/store.ts";
import { Batch, type Before, type Problem } from "./batch.ts";
import type { Disk } from "./disk.ts";

/** With so many bytes of changes not yet durable, relaxed changes wait as well … */
const MAX_RELAXED_BYTES = 8 * 1024 * 1024;
/** … and with so much memory held for them, none more are taken. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** Batches that are with the disk at most; more changes are collected in the next. */
const MAX_BATCHES = 8;
/** A relaxed batch of this size does not wait for its time. */
const FLUSH_BYTES = 256 * 1024;
/** How long after a failure what nobody waits for is tried again. */
const RETRY_MS = 1_000;

export interface JournalOptions {
  readonly disk: Disk;
  /** How much time's changes may be lost in a crash, in ms; 0 for none: changes are confirmed. */
  readonly syncIntervalMs: number;
  /** Milliseconds, never backwards. */
  readonly now: () => number;
  /** Runs something once after so many ms, and returns how to prevent that. */
  readonly later: (run: () => void, ms: number) => () => void;
  /**
   * Makes keys what they were before, and appends those of which nobody may be refused as they then
   * are.
   */
  readonly takeBack: (undo: ReadonlyMap<string, Before>, kept: readonly Uint8Array[]) => void;
  /** Is told when the disk begins to fail, and with null when it works again. */
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
  #isStarted = false;
  /** What is collected, and what is with the disk, the oldest first. */
  #open = new Batch();
  readonly #closed: Batch[] = [];
  /** Of batches that have ended, for the next: as many as there are at a time. */
  readonly #memory: Uint8Array<ArrayBuffer>[] = [];
  /** When the first change came to the open batch. */
  #openedAtMs = 0;
  /** When the next batch is due, and how to prevent that. */
  #dueAtMs = Number.POSITIVE_INFINITY;
  #cancel = () => {};

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#isRelaxed = options.syncIntervalMs > 0;
  }

  /** What STATS tells. */
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

  /** Whether so much is held that no change can be taken. */
  get isFull(): boolean {
    const heldBytes = this.#closed.reduce((sum, batch) => sum + batch.heldBytes, 0);
    return this.#open.heldBytes + heldBytes >= MAX_HELD_BYTES;
  }

  /** Whether the next change can be taken back, and so needs to be appended with what was before. */
  get takesBack(): boolean {
    return !this.#isRelaxed || this.problem !== null || this.backlogBytes >= MAX_RELAXED_BYTES ||
      this.hasUndo;
  }

  /** Whether some change may yet be taken back. */
  get hasUndo(): boolean {
    return this.#open.undo.size > 0 || this.#closed.some(({ undo }) => undo.size > 0);
  }

  /** What a key with a change that may yet be taken back was before; undefined if it has none. */
  durable(name: string): Before | undefined {
    for (const { undo } of this.#closed) {
      const before = undo.get(name);
      if (before !== undefined) return before;
    }
    return this.#open.undo.get(name);
  }

  /** Whether the open batch knows already what a key was before it. */
  remembers(name: string): boolean {
    return this.#open.undo.has(name);
  }

  /**
   * Resolves once all that was appended is durable, with null, or taken back, with the reason.
   * @returns null if nobody need wait
   */
  pending(): Promise<Problem | null> | null {
    const waits = ({ undo, changes }: Batch) => (this.#isRelaxed ? undo.size : changes) > 0;
    if (waits(this.#open)) return this.#open.settled;
    return this.#closed.findLast(waits)?.settled ?? null;
  }

  /** A change that may be taken back. @param expiresAtMs since 1970; 0 for never */
  append(key: Span, value: Span | null, expiresAtMs: number, name: string, before: Before): void {
    this.#open.remember(name, before);
    this.#append(key, value, expiresAtMs, false);
  }

  /** A change for which nobody waits. */
  appendKept(key: Span, value: Span | null, expiresAtMs: number): void {
    this.#append(key, value, expiresAtMs, true);
  }

  #append(key: Span, value: Span | null, expiresAtMs: number, isKept: boolean): void {
    if (this.#open.changes === 0) this.#openedAtMs = this.#options.now();
    this.#open.append(key, value, expiresAtMs, isKept);
    this.#options.disk.poll?.();
    this.#schedule();
  }

  /** From now on changes go to the disk; until then they are collected. */
  start(): void {
    this.#isStarted = true;
    this.#schedule();
  }

  /** Nothing more goes to the disk. */
  stop(): void {
    this.#isStarted = false;
    this.#cancel();
  }

  /** Makes durable what was appended until now. @returns why that can't be, or null */
  async drain(): Promise<Problem | null> {
    const last = this.#open.changes > 0 ? this.#open : this.#closed.at(-1);
    if (!this.#isStarted || last === undefined) return null;
    while (last === this.#open) {
      this.#flush();
      if (last === this.#open) await this.#closed[0].settled;
    }
    return await last.settled;
  }

  /** Sees to it that the open batch goes to the disk in time. */
  #schedule(): void {
    if (!this.#isStarted || this.#isBusy || this.#open.changes === 0) return;
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
    if (this.#open.undo.size > 0) return 0;
    if (this.problem !== null) return RETRY_MS;
    return this.#open.length >= FLUSH_BYTES ? 0 : this.#options.syncIntervalMs / 2;
  }

  #flush(): void {
    this.#cancel();
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    if (this.#isBusy || this.#open.changes === 0) return;
    const batch = this.#open;
    this.#closed.push(batch);
    this.#open = new Batch(this.#memory.pop());
    this.#options.disk.commit(batch.bytes()).then(
      () => this.#succeed(batch),
      (error) => this.#fail(batch, error instanceof Error ? error.message : String(error)),
    );
  }

  #succeed(batch: Batch): void {
    if (batch !== this.#closed[0]) return;
    this.#closed.shift();
    if (batch.memory !== undefined && this.#memory.length < MAX_BATCHES) {
      this.#memory.push(batch.memory);
    }
    this.commits++;
    this.changes += batch.changes;
    this.#note(null);
    batch.settle(null);
    this.#schedule();
  }

  /** Takes all back that is not durable, when the first of it could not be made so. */
  #fail(batch: Batch, problem: Problem): void {
    if (batch !== this.#closed[0]) return;
    const failed = [...this.#closed, this.#open];
    this.#closed.length = 0;
    this.#open = new Batch();
    this.failures++;
    this.#note(problem);
    // Of two that changed a key the older one knows what it was.
    const undo = new Map(failed.toReversed().flatMap((each) => [...each.undo]));
    try {
      this.#options.takeBack(undo, failed.flatMap((each) => [...each.keptKeys()]));
    } finally {
      for (const each of failed) each.settle(problem);
    }
  }

  #note(problem: Problem | null): void {
    if (problem !== this.problem) this.#options.onProblem?.(problem);
    this.problem = problem;
  }
}
