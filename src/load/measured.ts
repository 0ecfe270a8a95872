/** The measurements of a load. */

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Kind } from "./workload.ts";

const NANOSECONDS = 1e6;

export class Measured {
  /**
   * Nanoseconds, an HDR histogram of three digits. A failed call is in it with the time until its
   * caller knew: leaving out the slowest calls would improve the figures.
   */
  readonly latencyNs: RecordableHistogram = createHistogram();
  /** Nanoseconds from when a request was due until it was begun; open loop only. */
  readonly latenessNs: RecordableHistogram = createHistogram();
  readonly counts: Record<Kind, number> = { hit: 0, miss: 0, set: 0 };
  /** Calls that ended with an error, by its code. */
  readonly failures = new Map<string, number>();

  get answered(): number {
    return this.counts.hit + this.counts.miss + this.counts.set;
  }

  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Calls that ended, successfully or not. */
  get ended(): number {
    return this.answered + this.failed;
  }

  note(kind: Kind, latencyMs: number): void {
    this.counts[kind]++;
    record(this.latencyNs, latencyMs);
  }

  noteFailure(error: unknown, latencyMs: number): void {
    const { code } = error as { code?: unknown };
    if (typeof code !== "string") throw error;
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
    record(this.latencyNs, latencyMs);
  }

  noteLateness(latenessMs: number): void {
    record(this.latenessNs, latenessMs);
  }
}

/** A histogram counts from 1. */
function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * NANOSECONDS)));
}
