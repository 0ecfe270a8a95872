/**
 * The two ways to put a load on a server. Closed loop: a given number of requests at a time, each
 * followed by the next when it is answered. Open loop: requests are due at a fixed rate whatever
 * became of earlier ones, and the latency counts from when a request was due, so that a stall
 * counts against every request that it delayed. This avoids coordinated omission (Gil Tene).
 */

import type { Calls } from "../client.ts";
import { Measured } from "./measured.ts";
import type { Kind, Requests } from "./workload.ts";

/** When a loop ends: after a time or a number of requests, whichever comes first. */
export interface Extent {
  readonly durationMs: number;
  readonly count: number;
}

/** Called now and then with a loop's progress, from 0 to 1. */
export type OnProgress = (share: number) => void;

/** If the next request is not due this soon, the processor is left to others. */
const SLEEP_MS = 2;
const PROGRESS_MS = 100;
/** Most requests that an open loop begins before the event loop turns. */
const BURST = 64;

export interface Loop {
  /** One for each client; requests go to them in turn. */
  readonly clients: readonly Calls<true>[];
  readonly extent: Extent;
  readonly onProgress: OnProgress;
}

/** @param outstanding requests of each client */
export async function closedLoop(
  requests: Requests,
  outstanding: number,
  loop: Loop,
): Promise<Measured> {
  return await asManyAtATime((kv) => requests.next(kv), outstanding, loop);
}

/** Sets every key once. */
export async function fill(
  requests: Requests,
  keys: number,
  outstanding: number,
  loop: Omit<Loop, "extent">,
): Promise<Measured> {
  let number = 0;
  const extent = { durationMs: Number.POSITIVE_INFINITY, count: keys };
  return await asManyAtATime((kv) => requests.set(kv, number++), outstanding, { ...loop, extent });
}

async function asManyAtATime(
  perform: (kv: Calls<true>) => Promise<Kind>,
  outstanding: number,
  { clients, extent, onProgress }: Loop,
): Promise<Measured> {
  const measured = new Measured();
  const watch = new Watch(extent, onProgress);
  let begun = 0;
  const work = async (kv: Calls<true>) => {
    while (begun < extent.count && !watch.isOver) {
      watch.begin(++begun);
      const startedAtMs = performance.now();
      try {
        measured.note(await perform(kv), performance.now() - startedAtMs);
      } catch (error) {
        measured.noteFailure(error, performance.now() - startedAtMs);
      }
    }
  };
  const workers = clients.flatMap((kv) => Array.from({ length: outstanding }, () => work(kv)));
  await Promise.all(workers);
  return measured;
}

/** @param ratePerS requests a second, over all clients */
export async function openLoop(
  requests: Requests,
  ratePerS: number,
  { clients, extent, onProgress }: Loop,
): Promise<Measured> {
  const measured = new Measured();
  const watch = new Watch(extent, onProgress);
  const underWay = new Set<Promise<void>>();
  const count = Math.min(extent.count, Math.ceil(extent.durationMs / 1_000 * ratePerS));
  const startedAtMs = performance.now();
  const perform = async (kv: Calls<true>, dueAtMs: number) => {
    try {
      measured.note(await requests.next(kv), performance.now() - dueAtMs);
    } catch (error) {
      measured.noteFailure(error, performance.now() - dueAtMs);
    }
  };
  for (let i = 0; i < count; i++) {
    const dueAtMs = startedAtMs + i * 1_000 / ratePerS;
    let nowMs = performance.now();
    while (nowMs < dueAtMs) {
      await turn(dueAtMs - nowMs);
      nowMs = performance.now();
    }
    // Even when every request is late, replies must get their turn.
    if (i % BURST === BURST - 1) await turn(0);
    measured.noteLateness(performance.now() - dueAtMs);
    watch.begin(i);
    const call = perform(clients[i % clients.length], dueAtMs);
    underWay.add(call);
    void call.finally(() => underWay.delete(call)).catch(() => {});
  }
  await Promise.all(underWay);
  return measured;
}

/** Lets the event loop turn: at once, or after a while if there is time. */
function turn(leftMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (leftMs > SLEEP_MS) setTimeout(resolve, leftMs - SLEEP_MS);
    else setImmediate(resolve);
  });
}

/** Knows when a loop is over, and reports its progress. */
class Watch {
  readonly #extent: Extent;
  readonly #onProgress: OnProgress;
  readonly #startedAtMs = performance.now();
  #nextAtMs = this.#startedAtMs;
  #elapsedMs = 0;

  constructor(extent: Extent, onProgress: OnProgress) {
    this.#extent = extent;
    this.#onProgress = onProgress;
  }

  get isOver(): boolean {
    return this.#elapsedMs >= this.#extent.durationMs;
  }

  /** @param begun requests so far */
  begin(begun: number): void {
    const nowMs = performance.now();
    this.#elapsedMs = nowMs - this.#startedAtMs;
    if (nowMs < this.#nextAtMs) return;
    this.#nextAtMs = nowMs + PROGRESS_MS;
    const { durationMs, count } = this.#extent;
    this.#onProgress(Math.min(1, Math.max(this.#elapsedMs / durationMs, begun / count)));
  }
}
