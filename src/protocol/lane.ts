/**
 * The queries or the mutations of a client: calls that wait for their turn, calls without an
 * answer, and how long a reply takes. Each kind has its own lane, so that neither waits for the
 * other: a mutation may wait for a disk, and a query never does.
 * Source: docs/WIRE.md, section 6.
 */

import type { Call } from "./call.ts";
import { CallLine } from "./call_line.ts";
import { MAX_TIMEOUT_MS, RoundTrip } from "./round_trip.ts";
import type { Transmission } from "./transmission.ts";

/** Maximum number of unanswered requests in a lane; the exchange's own PING is not counted. */
export const MAX_OUTSTANDING = 64;

/**
 * The wait between copies doubles up to this. With 64 requests outstanding that is at most 640
 * datagrams a second. Without this limit, a call of two seconds on a bad network would send too
 * few copies to rely on.
 */
const LONG_INTERVAL_MS = 100;

export class Lane {
  readonly roundTrip: RoundTrip;
  readonly outstanding: Set<Call> = new Set();
  /** Datagrams that were sent again. */
  retransmissions = 0;
  lastReplyAtMs = Number.NEGATIVE_INFINITY;
  /** The latest position, among the first sends, of an answered request. */
  #newestAnswered = 0;
  readonly #mayWaitForDisk: boolean;
  readonly #waiting = new CallLine<Call>();
  /** Mutations to seal anew, ahead of others: at most as many as may be outstanding. */
  readonly #returned = new CallLine<Call>();
  /** No waiting call has a deadline before this. */
  #deadlineAtMs = Number.POSITIVE_INFINITY;

  /** @param mayWaitForDisk whether a reply may have to wait for a disk */
  constructor(mayWaitForDisk: boolean) {
    this.roundTrip = new RoundTrip(mayWaitForDisk);
    this.#mayWaitForDisk = mayWaitForDisk;
  }

  /** The limit of the doubling waits between copies; higher while a disk's delay is unknown. */
  get longIntervalMs(): number {
    return this.#mayWaitForDisk && !this.roundTrip.isKnown ? MAX_TIMEOUT_MS : LONG_INTERVAL_MS;
  }

  /** Notes a reply to a request of this lane. */
  noteReply({ copies, sentAtMs, sendOrder }: Transmission, nowMs: number): void {
    const elapsedMs = nowMs - sentAtMs;
    if (copies === 1) this.roundTrip.sample(elapsedMs, this.outstanding.size);
    else this.roundTrip.backOff(elapsedMs);
    this.lastReplyAtMs = nowMs;
    this.#newestAnswered = Math.max(this.#newestAnswered, sendOrder);
  }

  /**
   * When another copy of a request is due. While replies come and none was to a later request, its own
   * is probably on its way, behind them: then the wait begins anew with each reply (RFC 6298, 5.3).
   */
  dueAtMs({ nextCopyAtMs, intervalMs, sendOrder }: Transmission): number {
    if (sendOrder < this.#newestAnswered) return nextCopyAtMs;
    return Math.max(nextCopyAtMs, this.lastReplyAtMs + intervalMs);
  }

  /** When another copy of the request that waits longest for its reply is due; Infinity for none. */
  get oldestDueAtMs(): number {
    for (const { transmission } of this.outstanding) {
      return transmission === null ? Number.POSITIVE_INFINITY : this.dueAtMs(transmission);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Number of waiting calls. */
  get waiting(): number {
    return this.#waiting.size + this.#returned.size;
  }

  /** The call that starts next, if one may start now. */
  get next(): Call | null {
    if (this.outstanding.size >= MAX_OUTSTANDING) return null;
    return this.#returned.first ?? this.#waiting.first;
  }

  /** When to check the waiting calls for passed deadlines; it may be too early, never too late. */
  get deadlineAtMs(): number {
    return this.#deadlineAtMs;
  }

  add(call: Call): void {
    this.#addTo(this.#waiting, call);
  }

  /** Puts an outstanding call ahead of those that have had no turn yet. */
  return(call: Call): void {
    this.outstanding.delete(call);
    this.#addTo(this.#returned, call);
  }

  start(call: Call): void {
    this.#leave(call);
    this.outstanding.add(call);
  }

  /** Removes a call, waiting or outstanding. */
  delete(call: Call): void {
    if (!this.outstanding.delete(call)) this.#leave(call);
  }

  #leave(call: Call): void {
    this.#waiting.delete(call);
    this.#returned.delete(call);
    if (this.waiting === 0) this.#deadlineAtMs = Number.POSITIVE_INFINITY;
  }

  /** All calls, outstanding ones first. */
  *[Symbol.iterator](): Iterator<Call> {
    yield* this.outstanding;
    yield* this.#returned;
    yield* this.#waiting;
  }

  /** The calls whose deadline has passed. */
  late(nowMs: number): Call[] {
    const late = [...this.outstanding].filter(({ deadlineAtMs }) => deadlineAtMs <= nowMs);
    if (nowMs < this.#deadlineAtMs) return late;
    this.#deadlineAtMs = Number.POSITIVE_INFINITY;
    for (const line of [this.#returned, this.#waiting]) {
      for (const call of line) {
        if (call.deadlineAtMs <= nowMs) late.push(call);
        else this.#deadlineAtMs = Math.min(this.#deadlineAtMs, call.deadlineAtMs);
      }
    }
    return late;
  }

  #addTo(line: CallLine<Call>, call: Call): void {
    line.add(call);
    this.#deadlineAtMs = Math.min(this.#deadlineAtMs, call.deadlineAtMs);
  }
}
