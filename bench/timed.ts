/** The times of calls. */

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

export interface Latency {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

/** Calls of which each is timed. */
export class Timed {
  readonly #histogram: RecordableHistogram = createHistogram();
  readonly #startedAtMs = performance.now();

  async call<T>(run: () => Promise<T>): Promise<T> {
    const calledAtMs = performance.now();
    const result = await run();
    this.#histogram.record(Math.max(1, Math.round((performance.now() - calledAtMs) * 1_000)));
    return result;
  }

  get latency(): Latency {
    const histogram = this.#histogram;
    return {
      perSecond: histogram.count / (performance.now() - this.#startedAtMs) * 1_000,
      p50Us: histogram.percentile(50),
      p99Us: histogram.percentile(99),
      p999Us: histogram.percentile(99.9),
      maxUs: histogram.max,
    };
  }
}
