/** A journal and its store on a fake disk and a virtual clock, with text for keys and values. */

import { assert } from "@std/assert";
import { Action, Job, SETTLED } from "../../src/execute/executor.ts";
import { Journal } from "../../src/journal/journal.ts";
import { JournalExecutor } from "../../src/journal/journal_executor.ts";
import { LogStore, type LogStoreOptions } from "../../src/store/log_store.ts";
import { type Found, NONE, Result, type Span } from "../../src/store/store.ts";
import { fillRandomOf } from "../bytes.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { FakeDisk } from "./fake_disk.ts";

/** How far the wall clock is ahead of the store's. */
export const WALL_OFFSET_MS = 1_700_000_000_000;

export interface WorldOptions extends Partial<Pick<LogStoreOptions, "limitBytes" | "onFull">> {
  readonly syncIntervalMs?: number;
  readonly disk?: FakeDisk;
  readonly clock?: VirtualClock;
  readonly isStarted?: boolean;
  readonly wallNow?: () => number;
  /** Of the hash. */
  readonly seed?: number;
}

export function spanOf(text: string | Uint8Array): Span {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return { bytes, start: 0, length: bytes.length };
}

export function makeFound(room = 2 ** 20): Found {
  return { bytes: new Uint8Array(room), start: 0, room, length: NONE, expiresAtMs: 0 };
}

export function openWorld(options: WorldOptions = {}) {
  const { syncIntervalMs = 0, limitBytes = 2 ** 20, onFull = "refuse" } = options;
  const clock = options.clock ?? new VirtualClock();
  const disk = options.disk ?? new FakeDisk();
  const problems: (string | null)[] = [];
  const journal = new Journal({
    disk,
    syncIntervalMs,
    now: clock.now,
    later: (run, ms) => clock.at(clock.now() + ms, run),
    onProblem: (problem) => problems.push(problem),
  });
  const store = new LogStore({
    limitBytes,
    onFull,
    now: clock.now,
    fillRandom: fillRandomOf(options.seed ?? 3),
    onRemove: (key, copyValue) => journal.noteRemoval(key, copyValue),
    keepsReserve: true,
  });
  const executor = new JournalExecutor({
    store,
    journal,
    now: clock.now,
    wallNow: options.wallNow ?? (() => clock.now() + WALL_OFFSET_MS),
  });
  for (const item of disk.items.values()) executor.load(item);
  if (options.isStarted ?? true) executor.start();
  const job = new Job();
  const found = makeFound();
  const perform = (action: Action, key: string, changed: Partial<Job> = {}) => {
    Object.assign(job, { action, found, readsSettled: false, ...changed });
    Object.assign(job.key, spanOf(key));
    assert(executor.execute(job, () => {}), "a journal answers at once");
    return job.result;
  };
  const expiryIn = (ttlMs: number) => (ttlMs === 0 ? 0 : clock.now() + ttlMs);
  const read = (key: string, readsSettled: boolean) =>
    perform(Action.GET, key, { readsSettled }) === Result.DONE
      ? new TextDecoder().decode(found.bytes.subarray(0, found.length))
      : undefined;
  return {
    clock,
    disk,
    journal,
    store,
    executor,
    problems,
    /** The last job that was carried out. */
    job,
    perform,
    set: (key: string, value: string, ttlMs = 0, overwrite = true) => {
      Object.assign(job.value, spanOf(value));
      return perform(Action.SET, key, { overwrite, expiresAtMs: expiryIn(ttlMs) });
    },
    delete: (key: string) => perform(Action.DELETE, key),
    add: (key: string, delta: bigint) => perform(Action.ADD, key, { delta, expiresAtMs: 0 }),
    touch: (key: string, ttlMs: number) =>
      perform(Action.TOUCH, key, { expiresAtMs: expiryIn(ttlMs) }),
    /** What an operation finds, as opposed to what a reader sees. */
    get: (key: string) => read(key, false),
    durable: (key: string) => read(key, true),
    /** Resolves with what the last job waits for; null if it waits for nothing. */
    pending: (): Promise<string | null> | null =>
      job.settlesWith === SETTLED ? null : new Promise((resolve) => {
        executor.whenSettled(job.settlesWith, (refusal) => resolve(refusal?.problem ?? null));
      }),
  };
}
