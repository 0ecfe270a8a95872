/**
 * DROP and SCAN in a large store, as clients see them: how long a DROP of many keys takes, what it
 * costs the GETs beside it, and when its memory is back; how long pages of SCAN take, and what a walk
 * over all keys costs the GETs beside it, compared with a neighbour that sends GETs instead. Whoever
 * does something beside the GETs is a process of its own.
 *
 *     npm run bench:prefixes -- [--keys 10000000] [--rounds 5] [--seconds 4] [--readers N] [--json]
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectStream, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { Progress } from "../src/commands/progress.ts";
import { connect } from "../src/connect.ts";
import type { Calls } from "../src/client.ts";
import { encodeKey, generateKey } from "../src/protocol/keys.ts";
import { freePort, freshEnvironment } from "../tests/end_to_end/programs.ts";
import { startKilogram } from "./processes.ts";
import { medians, table } from "./report.ts";
import { type Latency, Timed } from "./timed.ts";

const { values } = parseArgs({
  options: {
    keys: { type: "string", default: "10000000" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    readers: { type: "string", default: "1" },
    memory: { type: "string", default: "2GiB" },
    json: { type: "boolean" },
    neighbour: { type: "string" },
    server: { type: "string" },
  },
});

const KEYS = Number(values.keys);
const SCANNED_KEYS = 1_000_000;
const KEYS_OF_REQUEST = 1_000;
const VALUE = "v".repeat(64);
const OUTSTANDING = 16;
const TIMEOUT_MS = 10_000;
/** How long the GETs run before they are measured. */
const WARM_UP_MS = 500;

/** What a neighbour measured of its own calls. */
interface Neighbour extends Latency {
  readonly keysPerSecond: number;
}

async function main(): Promise<void> {
  const env = { ...freshEnvironment(), KG_KEY: encodeKey(generateKey()) };
  const respPort = await freePort();
  const { server, port } = await startKilogram(env, [
    ...["--memory", values.memory, "--on-full", "refuse", "--readers", values.readers],
    ...["--resp", `127.0.0.1:${respPort}`],
  ]);
  const address = `127.0.0.1:${port}`;
  const client = await connect(address, { key: env.KG_KEY });
  const kv = client.within(TIMEOUT_MS);
  const resp = connectStream(respPort, "127.0.0.1");
  const neighbour = (kind: string) => runNeighbour(kind, address, env);
  try {
    await fill(resp, "stays:", SCANNED_KEYS);
    const walks = [];
    const drops = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      walks.push(await measureWalk(kv, neighbour));
      await fill(resp, "goes:", KEYS);
      drops.push(await measureDrop(kv, neighbour));
    }
    report(medians(walks), medians(drops));
  } finally {
    resp.destroy();
    client.close();
    server.kill("SIGKILL");
  }
}

/** By MSET, since that is fast. */
async function fill(socket: Socket, prefix: string, count: number): Promise<void> {
  const progress = new Progress(1);
  let replies = 0;
  const onData = (data: Uint8Array) => {
    for (const byte of data) if (byte === 0x2b) replies++;
  };
  socket.on("data", onData);
  const word = (text: string) => `$${text.length}\r\n${text}\r\n`;
  const requests = Math.ceil(count / KEYS_OF_REQUEST);
  for (let i = 0; i < requests; i++) {
    let request = `*${1 + 2 * KEYS_OF_REQUEST}\r\n${word("MSET")}`;
    for (let j = 0; j < KEYS_OF_REQUEST; j++) {
      request += word(`${prefix}${i * KEYS_OF_REQUEST + j}`) + word(VALUE);
    }
    socket.write(request, "latin1");
    while (i - replies > 64) await new Promise((resolve) => setImmediate(resolve));
    progress.show(`storing ${prefix}`, i / requests);
  }
  while (replies < requests) await pause(5);
  socket.off("data", onData);
  progress.clear();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** GETs of keys that stay, 16 outstanding, while something else runs. */
async function getsBeside<T>(kv: Calls<true>, run: () => Promise<T>) {
  let timed = new Timed();
  let isOver = false;
  const work = async () => {
    while (!isOver) await timed.call(() => kv.get(someKey()));
  };
  const working = Promise.all(Array.from({ length: OUTSTANDING }, work));
  await pause(WARM_UP_MS);
  timed = new Timed();
  const result = await run();
  const gets = timed.latency;
  isOver = true;
  await working;
  return { gets, result };
}

const someKey = () => `stays:${Math.floor(Math.random() * SCANNED_KEYS)}`;

async function measureWalk(
  kv: Calls<true>,
  neighbour: (kind: string) => Promise<Neighbour>,
) {
  const besideGets = await getsBeside(kv, () => neighbour("get"));
  const besideScan = await getsBeside(kv, () => neighbour("scan"));
  return {
    besideGets: besideGets.gets,
    besideScan: besideScan.gets,
    scan: besideScan.result,
  };
}

async function measureDrop(
  kv: Calls<true>,
  neighbour: (kind: string) => Promise<Neighbour>,
) {
  const store = async () => (await kv.stats({ section: "store" })) ?? {};
  const usedBytes = Number((await store()).used_bytes);
  const during = await getsBeside(kv, async () => {
    const startedAtMs = performance.now();
    const { maxUs } = await neighbour("drop");
    while ((await store()).drops_under_way !== 0) await pause(50);
    return { replyMs: maxUs / 1_000, backMs: performance.now() - startedAtMs };
  });
  const megabytesBack = (usedBytes - Number((await store()).used_bytes)) / 1e6;
  const calm = await getsBeside(kv, () => pause(during.result.backMs));
  return { ...during.result, megabytesBack, during: during.gets, calm: calm.gets };
}

async function runNeighbour(
  kind: string,
  address: string,
  env: NodeJS.ProcessEnv,
): Promise<Neighbour> {
  const args = [process.argv[1], "--neighbour", kind, "--server", address];
  const child = spawn(process.execPath, [...args, "--seconds", values.seconds], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  await once(child, "close");
  return JSON.parse(output);
}

/** In a process of its own. */
async function beNeighbour(kind: string, address: string): Promise<void> {
  const client = await connect(address, { key: process.env.KG_KEY ?? "" });
  const kv = client.within(TIMEOUT_MS);
  for (let i = 0; i < 50; i++) await kv.ping();
  console.log(JSON.stringify(await NEIGHBOURS[kind](kv)));
  client.close();
}

async function getForSomeTime(kv: Calls<true>): Promise<Neighbour> {
  const timed = new Timed();
  const untilMs = performance.now() + Number(values.seconds) * 1_000;
  while (performance.now() < untilMs) await timed.call(() => kv.get(someKey()));
  return { ...timed.latency, keysPerSecond: 0 };
}

/** Walks over all keys, again and again. */
async function scanForSomeTime(kv: Calls<true>): Promise<Neighbour> {
  const timed = new Timed();
  const seconds = Number(values.seconds);
  const untilMs = performance.now() + seconds * 1_000;
  let keys = 0;
  while (performance.now() < untilMs) {
    const walk = kv.keys("");
    // A page is asked for with the first of its keys; the others come without a call.
    while (performance.now() < untilMs && !(await timed.call(() => walk.next())).done) keys++;
  }
  return { ...timed.latency, keysPerSecond: keys / seconds };
}

async function dropOnce(kv: Calls<true>): Promise<Neighbour> {
  const timed = new Timed();
  await timed.call(() => kv.drop("goes:"));
  for (let i = 0; i < 1_000; i++) {
    const value = await kv.get(`goes:${Math.floor(Math.random() * KEYS)}`);
    if (value !== undefined) throw new Error("a dropped key was found");
  }
  return { ...timed.latency, keysPerSecond: 0 };
}

function report(
  walk: Awaited<ReturnType<typeof measureWalk>>,
  drop: Awaited<ReturnType<typeof measureDrop>>,
): void {
  if (values.json) {
    console.log(JSON.stringify({ walk, drop }));
    return;
  }
  const row = (name: string, { perSecond, p50Us, p99Us, p999Us, maxUs }: Latency) => [
    ...[name, `${(perSecond / 1_000).toFixed(1)} k`],
    ...[p50Us, p99Us, p999Us, maxUs].map((us) => (us / 1_000).toFixed(2)),
  ];
  console.log(table([
    ["GETs, 16 outstanding", "a second", "p50 ms", "p99 ms", "p99.9 ms", "longest ms"],
    row("beside a client that GETs", walk.besideGets),
    row("beside a client that walks by SCAN", walk.besideScan),
    row("while a DROP's memory comes back", drop.during),
    row("for as long after that", drop.calm),
  ]));
  console.log(
    `SCAN told ${walk.scan.keysPerSecond.toFixed(0)} keys a second. DROP of ${KEYS} keys: reply ` +
      `after ${drop.replyMs.toFixed(1)} ms, ${drop.megabytesBack.toFixed(0)} MB back after ` +
      `${(drop.backMs / 1_000).toFixed(1)} s.`,
  );
}

const NEIGHBOURS: Readonly<Record<string, (kv: Calls<true>) => Promise<Neighbour>>> = {
  get: getForSomeTime,
  scan: scanForSomeTime,
  drop: dropOnce,
};

if (values.neighbour === undefined) await main();
else await beNeighbour(values.neighbour, values.server ?? "");
