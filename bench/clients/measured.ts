/** The measured process of the benchmark of clients: prints what it found as one line of JSON. */

import { KEY, type Library, openLibrary, type Order } from "./library.ts";

/** GETs with some number outstanding. */
export interface Loaded {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the process, user and system, for each call. */
  readonly cpuUs: number;
  readonly retransmissions: number;
}

export interface Started {
  /** From the start of the process to the first value. */
  readonly processMs: number;
  /** From the import of the library to the first value. */
  readonly importMs: number;
}

export interface Remembered {
  /** Memory that the process holds for each of some idle clients, after one value each. */
  readonly idleKiB: number;
  /** From 10,000 calls at once to the last answer. */
  readonly burstMs: number;
  /** How far the memory of the process grew meanwhile. */
  readonly burstMiB: number;
}

export interface Rates {
  readonly single: Loaded;
  readonly many: Loaded;
}

const OUTSTANDING = 64;
const WARM_UP_S = 0.5;
const IDLE_CLIENTS = 20;
const BURST = 10_000;

const order: Order = JSON.parse(process.argv[2]);
const importedAtMs = performance.now();
const library = await openLibrary(order);
const value = await library.get(KEY);
const started: Started = {
  processMs: Date.now() - order.startedAtMs,
  importMs: performance.now() - importedAtMs,
};
if (value === null || value === undefined) throw new Error(`${KEY} has no value`);
if (order.measure === "start") print(started);
else print(order.measure === "load" ? await rates() : await memory());
library.close();

function print(found: Started | Rates | Remembered): void {
  console.log(JSON.stringify(found));
}

async function rates(): Promise<Rates> {
  await load(library, OUTSTANDING, WARM_UP_S);
  const single = await load(library, 1, order.seconds);
  return { single, many: await load(library, OUTSTANDING, order.seconds) };
}

async function load(library: Library, outstanding: number, seconds: number): Promise<Loaded> {
  const latenciesMs: number[] = [];
  const sentAgain = library.retransmissions;
  const cpu = process.cpuUsage();
  const startedAtMs = performance.now();
  const endAtMs = startedAtMs + seconds * 1_000;
  const caller = async () => {
    for (let atMs = performance.now(); atMs < endAtMs;) {
      await library.get(KEY);
      const nowMs = performance.now();
      latenciesMs.push(nowMs - atMs);
      atMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, caller));
  const elapsedMs = performance.now() - startedAtMs;
  const { user, system } = process.cpuUsage(cpu);
  const calls = latenciesMs.length;
  latenciesMs.sort((a, b) => a - b);
  return {
    perSecond: calls / elapsedMs * 1_000,
    p50Ms: latenciesMs[Math.floor(calls * 0.5)],
    p99Ms: latenciesMs[Math.floor(calls * 0.99)],
    cpuUs: (user + system) / calls,
    retransmissions: library.retransmissions - sentAgain,
  };
}

async function memory(): Promise<Remembered> {
  const before = process.memoryUsage.rss();
  const idle: Library[] = [];
  for (let i = 0; i < IDLE_CLIENTS; i++) {
    idle.push(await openLibrary(order));
    await idle[i].get(KEY);
  }
  const idleKiB = (process.memoryUsage.rss() - before) / 1_024 / IDLE_CLIENTS;
  for (const each of idle) each.close();
  const beforeBurst = process.memoryUsage.rss();
  const startedAtMs = performance.now();
  await Promise.all(Array.from({ length: BURST }, () => library.get(KEY)));
  return {
    idleKiB,
    burstMs: performance.now() - startedAtMs,
    burstMiB: (process.memoryUsage.rss() - beforeBurst) / 2 ** 20,
  };
}
