/**
 * Threads that read a store while this thread writes, in one process and without sockets: what one
 * reader does, and two; what shared memory costs a single thread; or, with --minutes, the hammer: threads
 * that check every value they read against a writer that does everything it can.
 *
 *     npm run bench:readers -- [--seconds 4] [--rounds 5] [--keys 1000000]
 *     npm run bench:readers -- --minutes 10
 */

import { parseArgs } from "node:util";
import { LogStore } from "../src/store/log_store.ts";
import { type Found, NONE, type Span } from "../src/store/store.ts";
import { fillRandomOf, randomOf } from "../tests/bytes.ts";
import { type Blows, hammer, type HammerOptions } from "../tests/store/hammer.ts";
import { keyBytes } from "../tests/store/hammer_values.ts";
import { medians, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "5" },
    keys: { type: "string", default: "1000000" },
    minutes: { type: "string" },
  },
});
const seconds = Number(values.seconds);
const keys = Number(values.keys);
const VALUE_BYTES = 100;
const WRITES_PER_S = 1_000;
const LIMIT_BYTES = 256 * keys;

if (values.minutes !== undefined) await hammerFor(Number(values.minutes));
else await measureAll(Number(values.rounds));

async function hammerFor(minutes: number): Promise<void> {
  const half = { seconds: minutes * 30, readers: 2, writesPerS: Infinity, maxValueBytes: 1_500 };
  report("evicts", await hammer({ ...half, keys: 20_000, limitBytes: 2 ** 22, onFull: "evict" }));
  report("refuses", await hammer({ ...half, keys: 5_000, limitBytes: 2 ** 24, onFull: "refuse" }));
}

function report(name: string, { faults, ...counts }: Blows): void {
  console.log(`${name}: ${JSON.stringify(counts)}`);
  for (const fault of faults) console.log(`FAULT: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

async function measureAll(rounds: number): Promise<void> {
  const rows: { one: number; two: number; repeats: number; own: number; shared: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const one = await readsOf(1);
    const two = await readsOf(2);
    rows.push({
      one: one.reads / seconds,
      two: two.reads / seconds,
      repeats: two.repeats,
      own: mixedOn(0),
      shared: mixedOn(1),
    });
  }
  const { one, two, repeats, own, shared } = medians(rows);
  const millions = (perSecond: number) => `${(perSecond / 1e6).toFixed(2)} M/s`;
  console.log(table([
    ["what", "operations", "ratio"],
    ["one reader", millions(one), "1.00"],
    ["two readers", `${millions(two)}, ${repeats} repeated`, (two / one).toFixed(2)],
    ["one thread, memory of its own", millions(own), "1.00"],
    [
      "one thread, shared memory and one reader's line",
      millions(shared),
      (shared / own).toFixed(2),
    ],
  ]));
}

async function readsOf(readers: number): Promise<Blows> {
  const options: HammerOptions = {
    ...{ seconds, readers, keys, limitBytes: LIMIT_BYTES, onFull: "refuse" },
    ...{ writesPerS: WRITES_PER_S, maxValueBytes: VALUE_BYTES, isSteady: true, isTrusting: true },
  };
  return await hammer(options);
}

/** 80 % GET and 20 % SET a second, of a store that may have readers, without any. */
function mixedOn(readers: number): number {
  const fillRandom = fillRandomOf(1);
  const store = new LogStore({ limitBytes: LIMIT_BYTES, now: () => 1, fillRandom, readers });
  const key: Span = { bytes: new Uint8Array(16), start: 0, length: 0 };
  const value: Span = { bytes: new Uint8Array(VALUE_BYTES), start: 0, length: VALUE_BYTES };
  const bytes = new Uint8Array(VALUE_BYTES);
  const found: Found = { bytes, start: 0, room: VALUE_BYTES, length: NONE, expiresAtMs: 0 };
  const nothing: Found = { ...found, room: NONE };
  for (let i = 0; i < keys; i++) {
    keyBytes(key, i);
    store.set(key, value, 0, true, nothing);
  }
  const random = randomOf(2);
  const startedAtMs = performance.now();
  let operations = 0;
  for (; performance.now() - startedAtMs < seconds * 500; operations += 1_000) {
    for (let i = 0; i < 1_000; i++) {
      keyBytes(key, Math.floor(random() * keys));
      if (i % 5 === 0) store.set(key, value, 0, true, nothing);
      else store.get(key, found);
    }
  }
  return operations / (performance.now() - startedAtMs) * 1_000;
}
