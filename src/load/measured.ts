/** The measurements of a load, reads and writes apart. */

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Kind } from "./workload.ts";

const NANOSECONDS = 1e6;

/** What a loop tells of its requests. */
export interface Recorder {
  note(kind: Kind, latencyMs: number): void;
  /** @throws what is not an error of the library */
  noteFailure(isRead: boolean, error: unknown, latencyMs: number): void;
  /** How long after it was due a request was begun; open loop only. */
  noteLateness(latenessMs: number): void;
}

/** The calls of one sort that ended. */
export class Series {
  /**
   * Nanoseconds, an HDR histogram of three digits. A failed call is in it with the time until its
   * caller knew: leaving out the slowest calls would improve the figures.
   */
  readonly latencyNs: RecordableHistogram = createHistogram();
  answered = 0;
  /** Calls that ended with an error, by its code. */
  readonly failures = new Map<string, number>();

  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Calls that ended, successfully or not. */
  get ended(): number {
    return this.answered + this.failed;
  }

  note(latencyMs: number): void {
    this.answered++;
    record(this.latencyNs, latencyMs);
  }

  noteFailure(code: string, latencyMs: number): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
    record(this.latencyNs, latencyMs);
  }
}

export class Measured implements Recorder {
  readonly reads = new Series();
  readonly writes = new Series();
  /** Reads that found their key. */
  hits = 0;
  /** Nanoseconds from when a request was due until it was begun; open loop only. */
  readonly latenessNs: RecordableHistogram = createHistogram();

  get answered(): number {
    return this.reads.answered + this.writes.answered;
  }

  get failed(): number {
    return this.reads.failed + this.writes.failed;
  }

  get ended(): number {
    return this.answered + this.failed;
  }

  note(kind: Kind, latencyMs: number): void {
    if (kind === "hit") this.hits++;
    (kind === "set" ? this.writes : this.reads).note(latencyMs);
  }

  noteFailure(isRead: boolean, error: unknown, latencyMs: number): void {
    (isRead ? this.reads : this.writes).noteFailure(codeOf(error), latencyMs);
  }

  noteLateness(latenessMs: number): void {
    record(this.latenessNs, latenessMs);
  }
}

/** The code of an error of the library. @throws any other error */
export function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return code;
  throw error;
}

/** A histogram counts from 1. */
function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * NANOSECONDS)));
}
