/**
 * A server in the long run: its memory minute by minute, and calls on a disk that stalls or is
 * slow. Needs cc for such a disk.
 *
 *     npm run bench:soak -- [--minutes 10] [--rate 3000] [--writes 0.3] [--memory 64MiB]
 *                           [--keys 60000] [--folder DIR] [--stall 200ms/10s] [--timeout 2000]
 *                           [--churn 0] [--json]
 *     npm run bench:soak -- --slow 300 [--writers 200] [--minutes 0.5] [--folder DIR]
 *
 * Without --folder everything is in memory. With --slow every sync takes that many ms, and one
 * client reads while its writers wait. --churn opens that many connections a second through the
 * RESP door.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectStream } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Client } from "../src/client.ts";
import { connect } from "../src/connect.ts";
import { Progress } from "../src/commands/progress.ts";
import type { Exchange } from "../src/protocol/exchange.ts";
import { encodeKey, generateKey } from "../src/protocol/keys.ts";
import { freshEnvironment } from "../tests/end_to_end/programs.ts";
import { started } from "./processes.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    rate: { type: "string", default: "3000" },
    writes: { type: "string", default: "0.3" },
    memory: { type: "string", default: "64MiB" },
    keys: { type: "string", default: "60000" },
    value: { type: "string", default: "700" },
    folder: { type: "string" },
    stall: { type: "string" },
    slow: { type: "string" },
    writers: { type: "string", default: "200" },
    timeout: { type: "string", default: "2000" },
    churn: { type: "string", default: "0" },
    port: { type: "string", default: "40411" },
    json: { type: "boolean" },
  },
});

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));
const NANOSECONDS = 1e6;
const MINUTE_MS = 60_000;
/** How often an open loop starts the calls that are due. */
const TICK_MS = 5;

/** Calls of one kind. */
class Kind {
  readonly latencyNs: RecordableHistogram = createHistogram();
  readonly failures = new Map<string, number>();
  ended = 0;

  async time(call: () => Promise<unknown>): Promise<void> {
    const startedAtMs = performance.now();
    try {
      await call();
    } catch (error) {
      const { code } = error as { code?: string };
      this.failures.set(code ?? "?", (this.failures.get(code ?? "?") ?? 0) + 1);
    }
    const elapsedNs = Math.round((performance.now() - startedAtMs) * NANOSECONDS);
    this.latencyNs.record(Math.max(1, elapsedNs));
    this.ended++;
  }
}

const value = new Uint8Array(Number(values.value)).fill(120);
const minutes = Number(values.minutes);
const timeout = Number(values.timeout);
const address = `127.0.0.1:${values.port}`;
const respPort = Number(values.port) + 1;
const env = { ...freshEnvironment(), KG_KEY: encodeKey(generateKey()), ...diskSettings() };

const server = startServer();
await started();
const client = await connect(address, { key: env.KG_KEY });
while (true) {
  // A slow disk makes a slow start.
  if (await client.ping({ timeout: 1_000 }).catch(() => null) !== null) break;
}
const { exchange } = client as unknown as { readonly exchange: Exchange };
const [queries, mutations] = exchange.lanes;
const reads = new Kind();
const writes = new Kind();
try {
  const rssMiB = values.slow === undefined ? await soak(client) : await readBesideWriters(client);
  report(rssMiB);
} finally {
  client.close();
  server.kill("SIGKILL");
}

/** The environment that makes the disk slow, if that is asked for. */
function diskSettings(): Record<string, string> {
  const { stall, slow } = values;
  if (stall === undefined && slow === undefined) return {};
  const library = join(mkdtempSync(join(tmpdir(), "kilogram-soak-")), "slow_sync.so");
  const source = join(HERE, "c", "slow_sync.c");
  const { status } = spawnSync("cc", ["-O2", "-shared", "-fPIC", source, "-o", library, "-ldl"]);
  if (status !== 0) throw new Error("cc could not build bench/c/slow_sync.c");
  if (slow !== undefined) return { LD_PRELOAD: library, SLOW_SYNC_MS: slow };
  const [, stallMs, everyS] = /^(\d+)ms\/(\d+)s$/.exec(stall ?? "") ?? [];
  if (everyS === undefined) throw new Error("--stall: write length and interval, like 200ms/10s");
  return { LD_PRELOAD: library, STALL_MS: stallMs, STALL_EVERY_MS: `${Number(everyS) * 1_000}` };
}

function startServer(): ChildProcess {
  const args = [CLI, "serve", "--listen", address, "--memory", values.memory];
  if (values.folder !== undefined) {
    rmSync(values.folder, { recursive: true, force: true });
    args.push("--data-dir", values.folder, "--on-full", "evict");
  }
  if (Number(values.churn) > 0) args.push("--resp", `127.0.0.1:${respPort}`);
  return spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
}

/** Starts calls when they are due. @returns the server's memory at the end of each minute */
async function soak(client: Client): Promise<number[]> {
  const progress = new Progress(1);
  const perTick = Number(values.rate) * TICK_MS / 1_000;
  const startedAtMs = performance.now();
  const underWay = new Set<Promise<void>>();
  const rssMiB: number[] = [];
  let begun = 0;
  for (let tick = 1;; tick++) {
    const elapsedMs = performance.now() - startedAtMs;
    if (elapsedMs >= (rssMiB.length + 1) * MINUTE_MS) rssMiB.push(residentMiB());
    if (elapsedMs >= minutes * MINUTE_MS) break;
    for (; begun < tick * perTick; begun++) {
      const call: Promise<void> = callOnce(client).finally(() => underWay.delete(call));
      underWay.add(call);
    }
    churn(tick);
    progress.show(`${rssMiB.at(-1) ?? "-"} MiB`, elapsedMs / (minutes * MINUTE_MS));
    const waitMs = startedAtMs + tick * TICK_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
  }
  progress.clear();
  await Promise.all(underWay);
  return rssMiB;
}

function callOnce(client: Client): Promise<void> {
  const key = `key:${Math.floor(Math.random() * Number(values.keys))}`;
  if (Math.random() >= Number(values.writes)) return reads.time(() => client.get(key, { timeout }));
  return writes.time(() => client.set(key, value, { timeout, overwrite: true }));
}

/** Opens some connections, each for one request. */
function churn(tick: number): void {
  const perTick = Number(values.churn) * TICK_MS / 1_000;
  const count = Math.floor(tick * perTick) - Math.floor((tick - 1) * perTick);
  for (let i = 0; i < count; i++) {
    const socket = connectStream(respPort, "127.0.0.1");
    socket.on("data", () => socket.destroy()).on("error", () => {});
    socket.write("GET key:1\r\n");
  }
}

/** One client: writers that wait for the disk, and a read every millisecond or so. */
async function readBesideWriters(client: Client): Promise<number[]> {
  const untilMs = performance.now() + minutes * MINUTE_MS;
  const isOver = () => performance.now() >= untilMs;
  const writing = Array.from({ length: Number(values.writers) }, async (_, i) => {
    const options = { timeout: MINUTE_MS, overwrite: true };
    while (!isOver()) await writes.time(() => client.set(`key:${i}`, value, options));
  });
  while (!isOver()) {
    await reads.time(() => client.get("key:1", { timeout }));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(writing);
  return [residentMiB()];
}

function residentMiB(): number {
  const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024);
}

function report(rssMiB: readonly number[]): void {
  const kinds = { reads, writes };
  const told = Object.entries(kinds).map(([name, { latencyNs, failures, ended }]) => {
    const ms = (percentile: number) =>
      Number((latencyNs.percentile(percentile) / NANOSECONDS).toFixed(2));
    const { retransmissions } = name === "reads" ? queries : mutations;
    return {
      calls: name,
      ended,
      failed: Object.fromEntries(failures),
      p50Ms: ms(50),
      p99Ms: ms(99),
      maxMs: Number((latencyNs.max / NANOSECONDS).toFixed(1)),
      sentAgain: retransmissions,
    };
  });
  if (values.json) console.log(JSON.stringify({ calls: told, rssMiB }));
  else {
    for (const each of told) console.log(JSON.stringify(each));
    console.log(`resident MiB by the minute: ${rssMiB.join(" ")}`);
  }
}
