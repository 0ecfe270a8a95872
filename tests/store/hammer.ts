/**
 * Real threads that read a store, while this thread rewrites, resizes, deletes, drops, evicts, cleans and
 * lets expire. Every value carries its key, a number and a checksum.
 */

import { Worker } from "node:worker_threads";
import { LogStore } from "../../src/store/log_store.ts";
import { type Found, NONE, Result, type Span } from "../../src/store/store.ts";
import { fillRandomOf, randomOf } from "../bytes.ts";
import { HEAD_BYTES, keyBytes, writeValue } from "./hammer_values.ts";
import type { HammerStart, Hits } from "./hammer_thread.ts";

export interface HammerOptions {
  readonly seconds: number;
  readonly readers: number;
  readonly keys: number;
  readonly limitBytes: number;
  readonly onFull: "evict" | "refuse";
  /** Items that the writer rewrites a second; Infinity for as many as it can. */
  readonly writesPerS: number;
  readonly maxValueBytes: number;
  /** Whether keys are only rewritten in the same size: then every read must find one. */
  readonly isSteady?: boolean;
  /** Whether values are read and not checked, to measure. */
  readonly isTrusting?: boolean;
}

export interface Blows extends Hits {
  readonly writes: number;
  readonly evictions: number;
  readonly expirations: number;
  readonly indexPages: number;
}

const WRITES_OF_TURN = 64;
const CHANCE_OF_DROP = 1 / 50_000;
const EVERYTHING: Span = { bytes: new Uint8Array(0), start: 0, length: 0 };
const NOTHING: Found = {
  ...{ bytes: new Uint8Array(0), start: 0, room: NONE, length: NONE, expiresAtMs: 0 },
};

export async function hammer(options: HammerOptions): Promise<Blows> {
  const { seconds, readers, keys, limitBytes, onFull } = options;
  let nowMs = 1;
  const store = new LogStore({
    ...{ limitBytes, onFull, readers },
    now: () => nowMs,
    fillRandom: fillRandomOf(7),
  });
  const writer = new HammerWriter(store, options, () => nowMs);
  writer.fill();
  /** Whether the readers are to stop, and the time in ms. */
  const control = new Int32Array(new SharedArrayBuffer(8));
  const numbers = writer.numbers;
  const ended = Array.from(
    { length: readers },
    (_, reader) =>
      run({
        shared: store.shared,
        reader,
        keys,
        numbers,
        control,
        mayMiss: !options.isSteady,
        isTrusting: options.isTrusting === true,
      }),
  );
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + seconds * 1_000;
  let pages = 0;
  while (performance.now() < endsAtMs) {
    const dueWrites = (performance.now() - startedAtMs) / 1_000 * options.writesPerS;
    for (let i = 0; i < WRITES_OF_TURN && writer.writes < dueWrites; i++) writer.write();
    nowMs = Math.ceil(performance.now() - startedAtMs) + 1;
    Atomics.store(control, 1, nowMs);
    if (!options.isSteady) store.sweep();
    pages = Math.max(pages, store.values.index.pages.usedBytes);
    await new Promise((resolve) =>
      options.isSteady ? setTimeout(resolve, 1) : setImmediate(resolve)
    );
  }
  Atomics.store(control, 0, 1);
  const hits = await Promise.all(ended);
  const sum = (of: (hits: Hits) => number) => hits.reduce((total, each) => total + of(each), 0);
  return {
    reads: sum(({ reads }) => reads),
    found: sum((each) => each.found),
    left: sum(({ left }) => left),
    repeats: sum(({ repeats }) => repeats),
    faults: hits.flatMap(({ faults }) => faults),
    writes: writer.writes,
    evictions: store.evictions,
    expirations: store.expirations,
    indexPages: pages,
  };
}

function run(start: HammerStart): Promise<Hits> {
  const worker = new Worker(new URL("./hammer_thread.ts", import.meta.url), { workerData: start });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

class HammerWriter {
  writes = 0;
  /** By key: the number in its value when it was last written; readers never find an older one. */
  readonly numbers: Int32Array;
  readonly #store: LogStore;
  readonly #options: HammerOptions;
  readonly #now: () => number;
  readonly #random = randomOf(11);
  readonly #key: Span = { bytes: new Uint8Array(16), start: 0, length: 0 };
  readonly #value: Span;

  constructor(store: LogStore, options: HammerOptions, now: () => number) {
    this.#store = store;
    this.#options = options;
    this.#now = now;
    this.numbers = new Int32Array(new SharedArrayBuffer(options.keys * 4));
    this.#value = { bytes: new Uint8Array(options.maxValueBytes), start: 0, length: 0 };
  }

  fill(): void {
    for (let key = 0; key < this.#options.keys; key++) this.#set(key, 0);
  }

  write(): void {
    this.writes++;
    const key = Math.floor(this.#random() * this.#options.keys);
    const chance = this.#random();
    if (this.#options.isSteady || chance < 0.7) this.#set(key, 0);
    else if (chance < 0.8) this.#set(key, this.#now() + Math.ceil(this.#random() * 500));
    else if (chance < 0.9) {
      keyBytes(this.#key, key);
      this.#store.delete(this.#key, NOTHING);
      // Nobody may find the value that is gone.
      Atomics.add(this.numbers, key, 1);
    } else if (chance < 0.9 + CHANCE_OF_DROP) {
      this.#store.drop(EVERYTHING);
      for (let each = 0; each < this.numbers.length; each++) Atomics.add(this.numbers, each, 1);
    } else {
      keyBytes(this.#key, key);
      this.#store.touch(this.#key, this.#now() + Math.ceil(this.#random() * 500));
    }
  }

  #set(key: number, expiresAtMs: number): void {
    const { isSteady, maxValueBytes } = this.#options;
    const length = isSteady
      ? maxValueBytes
      : HEAD_BYTES + Math.floor(this.#random() ** 2 * (maxValueBytes - HEAD_BYTES));
    const number = this.numbers[key] + 1;
    keyBytes(this.#key, key);
    writeValue(this.#value.bytes, key, number, length);
    this.#value.length = length;
    if (this.#store.set(this.#key, this.#value, expiresAtMs, true, NOTHING) === Result.DONE) {
      Atomics.store(this.numbers, key, number);
    }
  }
}
