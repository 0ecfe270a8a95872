/** A journaled store on a fake disk and a virtual clock, as texts. */

import { JournaledStore, type Reads } from "../../src/journal/journaled_store.ts";
import { LogStore, type LogStoreOptions } from "../../src/store/log_store.ts";
import { type Found, NONE, Result, type Span } from "../../src/store/store.ts";
import { fillRandomOf } from "../bytes.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { FakeDisk } from "./fake_disk.ts";

/** The world's clock is ahead of the store's by this. */
export const WALL_OFFSET_MS = 1_700_000_000_000;

export interface WorldOptions extends Partial<Pick<LogStoreOptions, "limitBytes" | "onFull">> {
  readonly syncIntervalMs?: number;
  readonly disk?: FakeDisk;
  readonly clock?: VirtualClock;
  readonly isStarted?: boolean;
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
  const store = new JournaledStore({
    disk,
    syncIntervalMs,
    now: clock.now,
    wallNow: () => clock.now() + WALL_OFFSET_MS,
    later: (run, ms) => clock.at(clock.now() + ms, run),
    onProblem: (problem) => problems.push(problem),
    makeStore: (onEvict) =>
      new LogStore({
        limitBytes,
        onFull,
        now: clock.now,
        fillRandom: fillRandomOf(options.seed ?? 3),
        onEvict,
        keepsReserve: true,
      }),
  });
  for (const item of disk.items.values()) store.load(item);
  if (options.isStarted ?? true) store.journal.start();
  const found = makeFound();
  const textIn = (reads: Reads, key: string) =>
    reads.get(spanOf(key), found) === Result.DONE
      ? new TextDecoder().decode(found.bytes.subarray(0, found.length))
      : undefined;
  return {
    clock,
    disk,
    store,
    problems,
    set: (key: string, value: string, ttlMs = 0) =>
      store.set(spanOf(key), spanOf(value), ttlMs && clock.now() + ttlMs, true, found),
    delete: (key: string) => store.delete(spanOf(key), found),
    add: (key: string, delta: bigint) => store.add(spanOf(key), delta, 0, found),
    touch: (key: string, ttlMs: number) => store.touch(spanOf(key), ttlMs && clock.now() + ttlMs),
    /** What an operation meets, and what a reader sees. */
    get: (key: string) => textIn(store, key),
    durable: (key: string) => textIn(store.durable, key),
  };
}
