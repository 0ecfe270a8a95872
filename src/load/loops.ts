/**
 * The two ways to put a load on a server. Closed loop: a given number of requests at a time, each
 * followed by the next when it is answered. Open loop: requests are due at a fixed rate whatever
 * became of earlier ones, and the latency counts from when a request was due, so that a stall
 * counts against every request that it delayed. This avoids coordinated omission (Gil Tene).
 */

import type { Calls } from "../client.ts";
import type { Recorder } from "./measured.ts";
import type { Kind, Requests } from "./workload.ts";

/** When a loop ends: after a time or a number of requests, whichever comes first, or when it is stopped. */
export interface Extent {
  readonly durationMs: number;
  readonly count: number;
}

/** If the next request is not due this soon, a timer is exact enough. */
const SLEEP_MS = 2;
/** Most requests that an open loop begins before the event loop turns. */
const BURST = 64;

export interface Loop {
  /** One for each client; requests go to them in turn. */
  readonly clients: readonly Calls<true>[];
  readonly extent: Extent;
  readonly recorder: Recorder;
  /** Ends the loop early: no request is begun any more, and those under way are waited for. */
  readonly stop?: AbortSignal;
  /**
   * Waits until a reply comes, at most some ms, with the whole thread; without it, a loop that has less
   * than 2 ms to wait keeps a processor busy.
   */
  readonly awaitReply?: (ms: number) => void;
}

/** @param outstanding requests of each client */
export async function closedLoop(
  requests: Requests,
  outstanding: number,
  loop: Loop,
): Promise<void> {
  const perform = (kv: Calls<true>, isRead: boolean) => requests.perform(kv, isRead);
  await asManyAtATime(perform, () => requests.drawIsRead(), outstanding, loop);
}

/** The keys to be set: their numbers from `first`, below `end`. */
export interface KeyRange {
  readonly first: number;
  readonly end: number;
}

/** Sets every key of a range once. */
export async function fill(
  requests: Requests,
  { first, end }: KeyRange,
  outstanding: number,
  loop: Omit<Loop, "extent">,
): Promise<void> {
  let number = first;
  const extent = { durationMs: Number.POSITIVE_INFINITY, count: end - first };
  const perform = (kv: Calls<true>) => requests.set(kv, number++);
  await asManyAtATime(perform, () => false, outstanding, { ...loop, extent });
}

async function asManyAtATime(
  perform: (kv: Calls<true>, isRead: boolean) => Promise<Kind>,
  drawIsRead: () => boolean,
  outstanding: number,
  { clients, extent, recorder, stop }: Loop,
): Promise<void> {
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + extent.durationMs;
  let begun = 0;
  const work = async (kv: Calls<true>) => {
    let nowMs = performance.now();
    while (begun < extent.count && nowMs < endsAtMs && stop?.aborted !== true) {
      begun++;
      const isRead = drawIsRead();
      const begunAtMs = nowMs;
      try {
        const kind = await perform(kv, isRead);
        nowMs = performance.now();
        recorder.note(kind, nowMs - begunAtMs, nowMs - startedAtMs);
      } catch (error) {
        nowMs = performance.now();
        recorder.noteFailure(isRead, error, nowMs - begunAtMs, nowMs - startedAtMs);
      }
    }
  };
  const workers = clients.flatMap((kv) => Array.from({ length: outstanding }, () => work(kv)));
  await Promise.all(workers);
}

/** When the requests of an open loop are due. */
export interface Pace {
  /** Requests a second, over all clients. */
  readonly ratePerS: number;
  /** When the first is due, from the start: threads take turns. */
  readonly offsetMs: number;
}

export async function openLoop(
  requests: Requests,
  { ratePerS, offsetMs }: Pace,
  { clients, extent, recorder, stop, awaitReply }: Loop,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const count = Math.min(extent.count, Math.ceil(extent.durationMs / 1_000 * ratePerS));
  const startedAtMs = performance.now();
  const perform = async (kv: Calls<true>, dueAtMs: number) => {
    const isRead = requests.drawIsRead();
    try {
      const kind = await requests.perform(kv, isRead);
      const nowMs = performance.now();
      recorder.note(kind, nowMs - dueAtMs, nowMs - startedAtMs);
    } catch (error) {
      const nowMs = performance.now();
      recorder.noteFailure(isRead, error, nowMs - dueAtMs, nowMs - startedAtMs);
    }
  };
  for (let i = 0; i < count && stop?.aborted !== true; i++) {
    const dueAtMs = startedAtMs + offsetMs + i * 1_000 / ratePerS;
    while (performance.now() < dueAtMs) await turn(dueAtMs, awaitReply);
    // Even when every request is late, replies must get their turn.
    if (i % BURST === BURST - 1) await turn(0);
    recorder.noteLateness(performance.now() - dueAtMs);
    const call = perform(clients[i % clients.length], dueAtMs);
    underWay.add(call);
    void call.finally(() => underWay.delete(call)).catch(() => {});
  }
  // The time of the last request counts like that of the others, until another would be due.
  const endsAtMs = startedAtMs + count * 1_000 / ratePerS;
  while (performance.now() < endsAtMs && stop?.aborted !== true) await turn(endsAtMs, awaitReply);
  await Promise.all(underWay);
}

/** Lets the event loop turn until something is due: at once, or after a while if there is time. */
function turn(dueAtMs: number, awaitReply?: (ms: number) => void): Promise<void> {
  const leftMs = dueAtMs - performance.now();
  return new Promise((resolve) => {
    if (leftMs > SLEEP_MS) setTimeout(resolve, leftMs - SLEEP_MS);
    else if (leftMs <= 0 || awaitReply === undefined) setImmediate(resolve);
    else {
      // What was begun is sent before the wait, and what has come is taken after it.
      setImmediate(() => {
        const restMs = dueAtMs - performance.now();
        if (restMs > 0) awaitReply(restMs);
        setImmediate(resolve);
      });
    }
  });
}
