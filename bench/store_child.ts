/** One store under one load, in a process of its own, which bench/store.ts starts and reads. */

import { Buffer } from "node:buffer";
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { LogStore } from "../src/store/log_store.ts";
import { type Found, NONE, type Span } from "../src/store/store.ts";
import { fillRandomOf, randomOf } from "../tests/bytes.ts";
import { type Job, KEY_BYTES, type Latency, type Outcome, VALUE_BYTES } from "./store_job.ts";
import { Zipf } from "../src/load/zipf.ts";

const WRITE_SHARE = 0.2;
const TTL_MS = 3_600_000;
/** The draws of a load are made before it runs, and are repeated. */
const TRACE_LENGTH = 2 ** 23;
/** A prime, so that the frequent ranks are spread over the whole store. */
const SPREAD = 15_485_863;

/** The measured stores: both take keys and values as spans and copy a value out. */
interface Subject {
  get(key: Span, found: Found): unknown;
  set(key: Span, value: Span, expiresAtMs: number, overwrite: boolean, found: Found): unknown;
}

/** The plain way: a string for each key, an array for each value. */
class MapSubject implements Subject {
  readonly #entries = new Map<string, Uint8Array>();

  get({ bytes, start, length }: Span, found: Found): void {
    const value = this.#entries.get(latin1(bytes, start, length));
    found.length = value?.length ?? NONE;
    if (value !== undefined) found.bytes.set(value, found.start);
  }

  set({ bytes, start, length }: Span, value: Span): void {
    const own = new Uint8Array(value.bytes.subarray(value.start, value.start + value.length));
    this.#entries.set(latin1(bytes, start, length), own);
  }
}

/** A key as a string of one byte a character: the fastest conversion. */
function latin1(bytes: Uint8Array, start: number, length: number): string {
  return Buffer.from(bytes.buffer, start, length).toString("latin1");
}

class Bench {
  readonly #job: Job;
  readonly #subject: Subject;
  readonly #log: LogStore | null;
  readonly #random = randomOf(1);
  /** The key's number n to read it, -n - 1 to write it. */
  readonly #trace: Int32Array;
  readonly #key: Span = { bytes: new Uint8Array(KEY_BYTES), start: 0, length: KEY_BYTES };
  readonly #value: Span = { bytes: new Uint8Array(VALUE_BYTES), start: 0, length: VALUE_BYTES };
  readonly #found: Found = {
    bytes: new Uint8Array(1024),
    start: 7,
    room: 863,
    length: NONE,
    expiresAtMs: 0,
  };
  /** For SETs, which do not ask for the value they replace. */
  readonly #notWanted: Found = { ...this.#found, room: NONE };
  #gets = 0;
  #hits = 0;

  constructor(job: Job) {
    this.#job = job;
    const { limitBytes } = job;
    this.#log = job.store === "map"
      ? null
      : new LogStore({ limitBytes, now: () => 1, fillRandom: fillRandomOf(1) });
    this.#subject = this.#log ?? new MapSubject();
    this.#trace = this.#drawTrace();
  }

  run(): Outcome {
    const residentBefore = process.memoryUsage().rss;
    const loadMs = this.#load();
    const residentBytes = process.memoryUsage().rss;
    const used = this.#log?.usedBytes ?? residentBytes - residentBefore;
    const count = this.#log?.count ?? this.#job.keys;
    this.#operate(this.#job.operations / 4, 0);
    this.#gets = 0;
    this.#hits = 0;
    const startedAt = performance.now();
    this.#operate(this.#job.operations, this.#job.operations / 4);
    const seconds = (performance.now() - startedAt) / 1_000;
    const hitRatio = this.#hits / this.#gets;
    const { get, set, idle } = this.#time(this.#job.operations);
    return {
      loadPerSecond: this.#job.keys / (loadMs / 1_000),
      perSecond: this.#job.operations / seconds,
      get,
      set,
      idle,
      residentBytes,
      overheadBytes: used / count - KEY_BYTES - VALUE_BYTES,
      hitRatio,
    };
  }

  #drawTrace(): Int32Array {
    const { keys, zipf } = this.#job;
    const ranks = zipf > 0 ? new Zipf(keys, zipf, this.#random) : null;
    return Int32Array.from({ length: TRACE_LENGTH }, () => {
      const rank = ranks?.next() ?? Math.floor(this.#random() * keys);
      const key = (rank * SPREAD) % keys;
      return this.#random() < WRITE_SHARE ? -key - 1 : key;
    });
  }

  /** Sixteen bytes that differ in the middle, as real keys do. */
  #choose(number: number): void {
    const { bytes } = this.#key;
    for (let i = 0; i < 8; i++) bytes[4 + i] = 97 + ((number >>> (i << 2)) & 15);
  }

  #set(number: number): void {
    this.#choose(number);
    this.#value.bytes[0] = number;
    const expiresAtMs = this.#job.timed ? TTL_MS : 0;
    this.#subject.set(this.#key, this.#value, expiresAtMs, true, this.#notWanted);
  }

  #get(number: number): void {
    this.#choose(number);
    this.#subject.get(this.#key, this.#found);
    this.#gets++;
    if (this.#found.length !== NONE) this.#hits++;
  }

  #load(): number {
    const { keys } = this.#job;
    const startedAt = performance.now();
    for (let i = 0; i < keys; i++) {
      this.#set(i);
      if (i % 100_000 === 0) report("load", i / keys);
    }
    return performance.now() - startedAt;
  }

  #operate(count: number, from: number): void {
    for (let i = 0; i < count; i++) {
      const draw = this.#trace[(from + i) & (TRACE_LENGTH - 1)];
      if (draw < 0) this.#set(-draw - 1);
      else this.#get(draw);
    }
    report("run", 1);
  }

  /** Times single operations and nothing in turns, so that both meet the same disturbances. */
  #time(count: number): Pick<Outcome, "get" | "set" | "idle"> {
    const get = createHistogram();
    const set = createHistogram();
    const idle = createHistogram();
    for (let i = 0; i < count; i++) {
      const draw = this.#trace[i & (TRACE_LENGTH - 1)];
      const startedAt = performance.now();
      if (draw < 0) this.#set(-draw - 1);
      else this.#get(draw);
      const endedAt = performance.now();
      record(draw < 0 ? set : get, endedAt - startedAt);
      const idleAt = performance.now();
      record(idle, performance.now() - idleAt);
      if (i % 100_000 === 0) report("time", i / count);
    }
    return { get: latencyOf(get), set: latencyOf(set), idle: latencyOf(idle) };
  }
}

function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * 1e6)));
}

function latencyOf(histogram: RecordableHistogram): Latency {
  const us = (percent: number) => histogram.percentile(percent) / 1_000;
  return { p50: us(50), p99: us(99), p999: us(99.9), max: histogram.max / 1_000 };
}

/** Prints progress as a line of JSON for bench/store.ts; the last line is the outcome. */
function report(phase: string, share: number): void {
  process.stdout.write(`${JSON.stringify({ phase, share })}\n`);
}

const outcome = new Bench(JSON.parse(process.argv[2])).run();
process.stdout.write(`${JSON.stringify({ outcome })}\n`);
