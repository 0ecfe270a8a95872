/** The calls of one sort that ended: how many, how long they took, and why some failed. */

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

const NANOSECONDS = 1e6;

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
    this.#count(code, 1);
    record(this.latencyNs, latencyMs);
  }

  /** The latency of a percentile, 0 to 100, in ms; null if no call ended. */
  latencyMs(percentile: number): number | null {
    if (this.ended === 0) return null;
    return percentileMs(this.latencyNs, percentile);
  }

  add(other: Series): void {
    if (other.ended === 0) return;
    this.answered += other.answered;
    for (const [code, count] of other.failures) this.#count(code, count);
    this.latencyNs.add(other.latencyNs);
  }

  reset(): void {
    if (this.ended === 0) return;
    this.answered = 0;
    this.failures.clear();
    this.latencyNs.reset();
  }

  #count(code: string, count: number): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + count);
  }
}

/** A histogram counts from 1. */
export function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * NANOSECONDS)));
}

/** A percentile of a histogram of nanoseconds, in ms; 0 is its least value. */
export function percentileMs(histogram: RecordableHistogram, percentile: number): number {
  if (percentile === 0) return histogram.min / NANOSECONDS;
  // A percentile is rounded up to a bucket's end, which may be above the greatest value.
  return Math.min(histogram.max, histogram.percentile(percentile)) / NANOSECONDS;
}
