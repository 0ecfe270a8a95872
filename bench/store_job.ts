/** The job that bench/store.ts gives to bench/store_child.ts, and its outcome. */

export const KEY_BYTES = 16;
export const VALUE_BYTES = 100;

export interface Job {
  readonly store: "log" | "map";
  readonly keys: number;
  readonly operations: number;
  /** The exponent of Zipf's law, or 0 for uniform. */
  readonly zipf: number;
  readonly limitBytes: number;
  readonly timed: boolean;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface Outcome {
  readonly loadPerSecond: number;
  readonly perSecond: number;
  /** Of single operations, in µs, the time of reading the clock included. */
  readonly get: Latency;
  readonly set: Latency;
  /** Of a loop that only reads the clock. */
  readonly idle: Latency;
  readonly residentBytes: number;
  readonly overheadBytes: number;
  readonly hitRatio: number;
}
