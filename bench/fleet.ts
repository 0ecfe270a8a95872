/**
 * Several servers as one, measured on one machine: what it costs to choose a key's server; 100 keys in one
 * call and one after the other; what a server that is killed and one that hangs cost the calls to a third;
 * and the throughput while the key is changed.
 *
 *     npm run bench:fleet -- [--rounds 5] [--seconds 3] [--json]
 */

import type { ChildProcess } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Calls, Client } from "../src/client.ts";
import { connect } from "../src/connect.ts";
import { Rendezvous } from "../src/fleet/rendezvous.ts";
import { encodeKey, generateKey } from "../src/protocol/keys.ts";
import { freshEnvironment } from "../tests/end_to_end/programs.ts";
import { startKilogram } from "./processes.ts";
import { medians, table } from "./report.ts";
import { type Latency, Timed } from "./timed.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    json: { type: "boolean" },
  },
});

const ROUNDS = Number(values.rounds);
const SECONDS = Number(values.seconds);
const NAMES = ["cache-1", "cache-2", "cache-3"];
const TIMEOUT_MS = 5_000;
const MANY = 100;
/** Calls one after the other from each of so many workers, with a pause between. */
const WORKERS_OF_SERVER = 4;
const PAUSE_MS = 1;
const OUTSTANDING = 64;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const key = encodeKey(generateKey());
const env = { ...freshEnvironment(), KG_KEY: key };

/** µs to choose among 10 servers, by the length of the key. */
function measureChoosing(bytes: number): number {
  const candidates = Array.from({ length: 10 }, (_, i) => ({ name: `cache-${i + 1}`, weight: 1 }));
  const rendezvous = new Rendezvous(candidates);
  const keys = Array.from(
    { length: 1_000 },
    (_, i) => new TextEncoder().encode(`session:${i}`.padEnd(bytes, "x")),
  );
  const times = 500;
  const startedAtMs = performance.now();
  for (let i = 0; i < times; i++) for (const each of keys) rendezvous.choose(each);
  return (performance.now() - startedAtMs) * 1_000 / (times * keys.length);
}

async function startThree() {
  const started = [];
  for (const name of NAMES) {
    const options = ["--name", name, "--memory", "64MiB", "--readers", "1"];
    started.push({ name, ...await startKilogram(env, options) });
  }
  return started;
}

type Three = Awaited<ReturnType<typeof startThree>>;

const listOf = (three: Three) =>
  three.map(({ name, port }) => `${name}=127.0.0.1:${port}`).join(",");

async function measureMany(kv: Calls<true>) {
  const keys = Array.from({ length: MANY }, (_, i) => `many:${i}`);
  await kv.setMany(keys.map((each) => [each, "v".repeat(100)]), { overwrite: true });
  const [one, many] = [new Timed(), new Timed()];
  const untilMs = performance.now() + SECONDS * 1_000;
  while (performance.now() < untilMs) {
    await one.call(async () => {
      for (const each of keys) await kv.get(each);
    });
    await many.call(() => kv.getMany(keys));
  }
  return { one: one.latency, many: many.latency };
}

function keysAt(client: Client, name: string): string[] {
  return Array.from({ length: 3_000 }, (_, i) => `key:${i}`)
    .filter((each) => client.serverOf(each) === name);
}

/** Calls to each server at a modest rate, whatever becomes of them; the times by server. */
async function callAll(client: Client, kv: Calls<true>, ms: number) {
  const timed = new Map(NAMES.map((name) => [name, new Timed()]));
  const untilMs = performance.now() + ms;
  const work = async (name: string) => {
    const keys = keysAt(client, name);
    for (let i = 0; performance.now() < untilMs; i++) {
      await timed.get(name)?.call(() => kv.get(keys[i % keys.length]).catch(() => {}));
      await pause(PAUSE_MS);
    }
  };
  await Promise.all(
    NAMES.flatMap((name) => Array.from({ length: WORKERS_OF_SERVER }, () => work(name))),
  );
  const latencyOf = (name: string) => (timed.get(name) as Timed).latency;
  return {
    killed: latencyOf("cache-1"),
    hanging: latencyOf("cache-2"),
    third: latencyOf("cache-3"),
  };
}

async function eventually(isSo: () => boolean): Promise<number> {
  const startedAtMs = performance.now();
  while (!isSo()) await pause(1);
  return performance.now() - startedAtMs;
}

async function measureDown(client: Client, kv: Calls<true>, three: Three) {
  const isDown = (name: string) => client.servers().find((each) => each.name === name)?.isDown;
  const before = await callAll(client, kv, SECONDS * 1_000);
  three[0].server.kill("SIGKILL");
  three[1].server.kill("SIGSTOP");
  void kv.getMany([...keysAt(client, "cache-1"), ...keysAt(client, "cache-2")]).catch(() => {});
  const foundMs = await eventually(() => isDown("cache-1") === true && isDown("cache-2") === true);
  const during = await callAll(client, kv, SECONDS * 1_000);
  three[1].server.kill("SIGCONT");
  const backMs = await eventually(() => isDown("cache-2") === false);
  return { before, during, foundMs, backMs };
}

/** Operations a second of 64 outstanding of each of these clients. */
async function throughputOf(clients: readonly Client[]): Promise<number> {
  let ended = 0;
  const untilMs = performance.now() + SECONDS * 1_000;
  const work = async (kv: Calls<true>) => {
    for (let i = 0; performance.now() < untilMs; i++) {
      await kv.get(`key:${i % 1_000}`);
      ended++;
    }
  };
  await Promise.all(
    clients.flatMap((client) =>
      Array.from({ length: OUTSTANDING }, () => work(client.within(TIMEOUT_MS)))
    ),
  );
  return ended / SECONDS;
}

/** Two clients all the time, of the old key, of both, of the new one, in the order of a rotation. */
async function measureRotation() {
  const keyFile = join(mkdtempSync(join(tmpdir(), "kilogram-bench-")), "key");
  const write = (...keys: string[]) => writeFileSync(keyFile, keys.join("\n"), { mode: 0o600 });
  const newKey = encodeKey(generateKey());
  write(key);
  const options = ["--key-file", keyFile, "--memory", "64MiB", "--readers", "1"];
  const { server, port } = await startKilogram(freshEnvironment(), options);
  const open = (each: string) => connect(`127.0.0.1:${port}`, { key: each });
  const [old, older] = [await open(key), await open(key)];
  const [fresh, fresher] = [await open(newKey), await open(newKey)];
  const change = async (...keys: string[]) => {
    write(...keys);
    server.kill("SIGHUP");
    await pause(200);
  };
  await throughputOf([old, older]);
  const oldAlone = await throughputOf([old, older]);
  await change(key, newKey);
  const both = {
    first: await throughputOf([old, older]),
    mixed: await throughputOf([old, fresh]),
    second: await throughputOf([fresh, fresher]),
  };
  await change(newKey);
  const newAlone = await throughputOf([fresh, fresher]);
  for (const client of [old, older, fresh, fresher]) client.close();
  server.kill("SIGKILL");
  return { oldAlone, ...both, newAlone };
}

async function measureOnce() {
  const choosing = {
    short: measureChoosing(20),
    middle: measureChoosing(40),
    long: measureChoosing(128),
  };
  const three = await startThree();
  const client = await connect(listOf(three), { key });
  const kv = client.within(TIMEOUT_MS);
  const processes: ChildProcess[] = three.map(({ server }) => server);
  try {
    const many = await measureMany(kv);
    const down = await measureDown(client, kv, three);
    const rotation = await measureRotation();
    return { choosing, many, down, rotation };
  } finally {
    client.close();
    for (const each of processes) each.kill("SIGKILL");
  }
}

function report({ choosing, many, down, rotation }: Awaited<ReturnType<typeof measureOnce>>): void {
  const us = (value: number) => (value / 1_000).toFixed(2);
  const row = (name: string, { perSecond, p50Us, p99Us, maxUs }: Latency) => [
    ...[name, perSecond.toFixed(0), us(p50Us), us(p99Us), us(maxUs)],
  ];
  console.log(
    `Choosing among 10 servers: ${choosing.short.toFixed(2)} µs for a key of 20 bytes, ` +
      `${choosing.middle.toFixed(2)} for 40, ${choosing.long.toFixed(2)} for 128.`,
  );
  const head = ["", "a second", "p50 ms", "p99 ms", "longest ms"];
  console.log(table([
    head,
    row(`${MANY} GETs, one after the other`, many.one),
    row(`getMany of ${MANY} keys`, many.many),
    row("GETs to cache-3, all servers there", down.before.third),
    row("GETs to cache-3, the others down", down.during.third),
    row("GETs to cache-1, killed", down.during.killed),
    row("GETs to cache-2, stopped", down.during.hanging),
  ]));
  console.log(
    `Found down after ${down.foundMs.toFixed(0)} ms, in use ${
      down.backMs.toFixed(0)
    } ms after it went on.`,
  );
  const { oldAlone, first, mixed, second, newAlone } = rotation;
  const share = (value: number) =>
    `${(value / 1_000).toFixed(1)} k (${(value / oldAlone).toFixed(2)})`;
  console.log(table([
    ["clients of", "the server accepts", "GETs a second"],
    ["the old key", "the old one", share(oldAlone)],
    ["the old key", "old, then new", share(first)],
    ["either", "old, then new", share(mixed)],
    ["the new key", "old, then new", share(second)],
    ["the new key", "the new one", share(newAlone)],
  ]));
}

const rounds = [];
for (let round = 0; round < ROUNDS; round++) rounds.push(await measureOnce());
const result = medians(rounds);
if (values.json) console.log(JSON.stringify(result));
else report(result);
