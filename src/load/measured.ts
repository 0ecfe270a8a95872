/** What a load has measured. */

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Kind } from "./workload.ts";

const NANOSECONDS = 1e6;

export class Measured {
  /** Nanoseconds, of calls that were answered: an HDR histogram of three digits. */
  readonly latencyNs: RecordableHistogram = createHistogram();
  /** Nanoseconds from when a request was due to when it was begun; open loop only. */
  readonly latenessNs: RecordableHistogram = createHistogram();
  readonly counts: Record<Kind, number> = { hit: 0, miss: 0, set: 0 };
  /** Calls that ended without an answer, by the code of their error. */
  readonly failures = new Map<string, number>();

  get answered(): number {
    return this.counts.hit + this.counts.miss + this.counts.set;
  }

  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Calls that ended, well or not. */
  get ended(): number {
    return this.answered + this.failed;
  }

  note(kind: Kind, latencyMs: number): void {
    this.counts[kind]++;
    record(this.latencyNs, latencyMs);
  }

  noteFailure(error: unknown): void {
    const { code } = error as { code?: unknown };
    if (typeof code !== "string") throw error;
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
  }

  noteLateness(latenessMs: number): void {
    record(this.latenessNs, latenessMs);
  }
}

/** A histogram counts from 1. */
function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * NANOSECONDS)));
}
