/** What `kg bench` is to do, from its options. */

import { availableParallelism } from "node:os";
import { MAX_VALUE_BYTES, MAX_VALUE_BYTES_WITH_TTL } from "../protocol/frame.ts";
import { MAX_OUTSTANDING } from "../protocol/lane.ts";
import type { Extent } from "../load/loops.ts";
import type { Workload } from "../load/workload.ts";
import { freshPrefix, longestStayMs, prefixOf } from "./bench_keys.ts";
import { timeoutMsOf, ttlMsOf } from "./client_options.ts";
import type { Input } from "./command.ts";
import { parseCount, parseDuration, parseNumber } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

export const DEFAULT_DURATION = "10s";
export const DEFAULT_WARM_UP = "1s";
export const DEFAULT_KEYS = 10_000;
export const DEFAULT_READ_PERCENT = 90;
export const DEFAULT_VALUE_BYTES = 100;
const MAX_CLIENTS = 1_000;
const MAX_THREADS = 64;
/** Requests a second for which one thread is enough. */
const RATE_OF_THREAD = 30_000;
const MAX_KEYS = 1e9;
const MAX_RATE = 1e6;
const MAX_COUNT = 1e12;
const MAX_EXPONENT = 10;

/** What to measure. */
export interface Plan {
  readonly workload: Workload;
  readonly threads: number;
  readonly clients: number;
  /** Per client. */
  readonly outstanding: number;
  /** Requests a second, or null for a closed loop. */
  readonly ratePerS: number | null;
  readonly extent: Extent;
  readonly warmUpMs: number;
  readonly isFilled: boolean;
  /** Whether the keys are left on the server. */
  readonly isKept: boolean;
  readonly timeoutMs: number;
}

type CountOf = (option: string, least: number, most: number, otherwise: number) => number;

/** @throws {UsageError} */
export function planOf(input: Input): Plan {
  const count: CountOf = (option, least, most, otherwise) =>
    parseCount(`--${option}`, input.text(option) ?? String(otherwise), least, most);
  const rate = input.text("rate");
  if (rate !== undefined && input.text("outstanding") !== undefined) {
    throw new UsageError("--rate ignores how many are outstanding: leave out --outstanding");
  }
  const ratePerS = rate === undefined ? null : parseNumber("--rate", rate, 1, MAX_RATE);
  const extent = extentOf(input, count);
  const warmUpMs = warmUpMsOf(input.text("warm-up") ?? DEFAULT_WARM_UP);
  const isKept = input.flag("keep") || input.text("prefix") !== undefined;
  const keys = count("keys", 1, MAX_KEYS, DEFAULT_KEYS);
  const stayMs = isKept ? undefined : longestStayMs(keys, warmUpMs, extent, ratePerS);
  return {
    workload: workloadOf(input, count, keys, stayMs),
    ...threadsOf(input, count, ratePerS),
    outstanding: count("outstanding", 1, MAX_OUTSTANDING, MAX_OUTSTANDING),
    ratePerS,
    extent,
    warmUpMs,
    isFilled: !input.flag("no-fill"),
    isKept,
    timeoutMs: timeoutMsOf(input),
  };
}

function threadsOf(input: Input, count: CountOf, ratePerS: number | null) {
  const clients = input.text("clients");
  const maxThreads = clients === undefined ? MAX_THREADS : count("clients", 1, MAX_CLIENTS, 1);
  const wanted = Math.min(Math.ceil((ratePerS ?? 1) / RATE_OF_THREAD), availableParallelism());
  const threads = count("threads", 1, MAX_THREADS, Math.min(wanted, maxThreads));
  if (threads > maxThreads) {
    throw new UsageError(`--threads ${threads} needs as many --clients, at least`);
  }
  return { threads, clients: count("clients", 1, MAX_CLIENTS, threads) };
}

/** @param stayMs how long keys are to live that are not kept, unless --ttl says otherwise */
function workloadOf(
  input: Input,
  count: CountOf,
  keys: number,
  stayMs: number | undefined,
): Workload {
  const chosenMs = ttlMsOf(input);
  const maxValueBytes = chosenMs === undefined ? MAX_VALUE_BYTES : MAX_VALUE_BYTES_WITH_TTL;
  const valueBytes = count("value-size", 0, maxValueBytes, DEFAULT_VALUE_BYTES);
  const reads = input.text("reads") ?? String(DEFAULT_READ_PERCENT);
  const zipf = input.text("zipf");
  const prefix = input.text("prefix");
  return {
    prefix: prefix === undefined ? freshPrefix() : prefixOf(prefix),
    keys,
    readShare: parseNumber("--reads", reads.replace(/%$/, ""), 0, 100) / 100,
    zipf: zipf === undefined ? 0 : parseNumber("--zipf", zipf, 0.01, MAX_EXPONENT),
    valueBytes,
    // The longest values leave no room for a time to live: those keys are only dropped at the end.
    ttlMs: chosenMs ?? (valueBytes > MAX_VALUE_BYTES_WITH_TTL ? undefined : stayMs),
  };
}

function extentOf(input: Input, count: CountOf): Extent {
  const isCounted = input.text("count") !== undefined;
  const duration = input.text("duration") ?? (isCounted ? undefined : DEFAULT_DURATION);
  return {
    durationMs: duration === undefined
      ? Number.POSITIVE_INFINITY
      : parseDuration("--duration", duration),
    count: isCounted ? count("count", 1, MAX_COUNT, 1) : Number.POSITIVE_INFINITY,
  };
}

function warmUpMsOf(text: string): number {
  return text === "0" ? 0 : parseDuration("--warm-up", text);
}
