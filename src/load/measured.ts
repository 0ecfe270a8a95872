/** The measurements of a load, reads and writes apart, and second by second. */

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { percentileMs, record, Series } from "./series.ts";
import type { Span } from "./span.ts";
import { Timeline } from "./timeline.ts";
import type { Kind } from "./workload.ts";

/** What a loop tells of its requests. Times are from the start of the loop. */
export interface Recorder {
  note(kind: Kind, latencyMs: number, endedAtMs: number): void;
  /** @throws what is not an error of the library */
  noteFailure(isRead: boolean, error: unknown, latencyMs: number, endedAtMs: number): void;
  /** How long after it was due a request was begun; open loop only. */
  noteLateness(latenessMs: number): void;
}

export class Measured implements Recorder {
  /** All calls of the seconds that are over. */
  readonly reads = new Series();
  readonly writes = new Series();
  /** Reads that found their key. */
  hits = 0;
  /** Calls that ended, also in seconds that are not over. */
  ended = 0;
  readonly #latenessNs: RecordableHistogram = createHistogram();
  readonly #timeline: Timeline;

  /** @param onSecond gets every second when it is over, by half a second later */
  constructor(onSecond: (span: Span) => void = () => {}) {
    this.#timeline = new Timeline((span, reads, writes) => {
      this.reads.add(reads);
      this.writes.add(writes);
      onSecond(span);
    });
  }

  get answered(): number {
    return this.reads.answered + this.writes.answered;
  }

  get failed(): number {
    return this.reads.failed + this.writes.failed;
  }

  /** The seconds that are over, or spans of several. */
  get spans(): readonly Span[] {
    return this.#timeline.spans;
  }

  /** All calls, reads and writes together. */
  get total(): Series {
    const total = new Series();
    total.add(this.reads);
    total.add(this.writes);
    return total;
  }

  note(kind: Kind, latencyMs: number, endedAtMs: number): void {
    if (kind === "hit") this.hits++;
    this.ended++;
    const second = this.#timeline.at(endedAtMs);
    (kind === "set" ? second.writes : second.reads).note(latencyMs);
  }

  noteFailure(isRead: boolean, error: unknown, latencyMs: number, endedAtMs: number): void {
    this.noteCode(isRead, codeOf(error), latencyMs, endedAtMs);
  }

  noteCode(isRead: boolean, code: string, latencyMs: number, endedAtMs: number): void {
    this.ended++;
    const second = this.#timeline.at(endedAtMs);
    (isRead ? second.reads : second.writes).noteFailure(code, latencyMs);
  }

  noteLateness(latenessMs: number): void {
    record(this.#latenessNs, latenessMs);
  }

  /** How late requests were begun, in ms, by percentile; null in a closed loop. */
  latenessMs(percentile: number): number | null {
    if (this.#latenessNs.count === 0) return null;
    return percentileMs(this.#latenessNs, percentile);
  }

  /** Ends the seconds that were over some time ago. */
  advance(nowMs: number): void {
    this.#timeline.advance(nowMs);
  }

  /** Ends all seconds: nothing more is noted. */
  end(elapsedMs: number): void {
    this.#timeline.end(elapsedMs);
  }
}

/** The code of an error of the library. @throws any other error */
export function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return code;
  throw error;
}
