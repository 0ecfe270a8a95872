/**
 * Compares the RESP door with valkey-server or redis-server on the same machine, by that server's
 * own benchmark: 50 connections, each with 1 or 16 requests at a time, in turns, medians of several
 * rounds.
 *
 *     npm run bench:doors -- [--rounds 5] [--json]
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Progress } from "../src/commands/progress.ts";
import { freePort, freshEnvironment } from "../tests/end_to_end/programs.ts";
import { cpuUsOf, installedRespServer, started } from "./processes.ts";
import { medians, spread, table } from "./report.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, json: { type: "boolean" } },
});

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const TESTS = ["get", "set", "incr"];
/** Outstanding requests of a connection, and requests sent in a round. */
const PIPELINES = [[1, 300_000], [16, 2_000_000]] as const;
const VALUE_BYTES = 100;
const KEYS = 100_000;
/** Longer than any round takes, even on a slow machine. */
const TIMEOUT_MS = 120_000;

interface Peer {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
}

interface Row {
  readonly perSecond: number;
  readonly p99Us: number;
  readonly cpuUs: number;
}

type Rows = Readonly<Record<string, readonly Row[]>>;

const HEAD = ["test", "server", "ops/s (least to most)", "p99 µs", "CPU µs/op", "ops/s, CPU"];

await main();

async function main(): Promise<void> {
  const other = installedRespServer();
  if (other === undefined) throw new Error("install valkey-server or redis-server first");
  const peers = [await startOther(other), await startKilogram()];
  try {
    await started();
    const measured = PIPELINES.flatMap(([pipeline, count]) =>
      TESTS.map((test) => ({ test, pipeline, rows: measure(other, peers, test, pipeline, count) }))
    );
    if (values.json) console.log(JSON.stringify(measured));
    else console.log(table([HEAD, ...measured.flatMap(cellsOf)]));
  } finally {
    for (const { process } of peers) process.kill("SIGKILL");
  }
}

async function startOther(name: string): Promise<Peer> {
  const port = await freePort();
  const args = ["--port", String(port), "--save", "", "--appendonly", "no"];
  return { name, port, process: spawn(`${name}-server`, args, { stdio: "ignore" }) };
}

async function startKilogram(): Promise<Peer> {
  const port = await freePort();
  const args = [CLI, "serve", "--listen", "127.0.0.1:0", "--resp", `127.0.0.1:${port}`];
  const process_ = spawn(process.execPath, args, { env: freshEnvironment(), stdio: "ignore" });
  return { name: "kilogram", port, process: process_ };
}

/** Runs both in turns, so that other load on the machine affects both. */
function measure(
  other: string,
  peers: readonly Peer[],
  test: string,
  pipeline: number,
  count: number,
): Rows {
  const rounds = Number(values.rounds);
  const progress = new Progress(peers.length * (rounds + 1));
  const rows: Record<string, Row[]> = {};
  for (let round = 0; round <= rounds; round++) {
    for (const peer of peers) {
      progress.show(`${test}, ${pipeline} at a time: ${peer.name}`, 0);
      const row = run(other, peer, test, pipeline, count);
      // The first round is a warm-up.
      if (round > 0) (rows[peer.name] ??= []).push(row);
      progress.finish();
    }
  }
  progress.clear();
  return rows;
}

function run(other: string, peer: Peer, test: string, pipeline: number, count: number): Row {
  const before = cpuUsOf(peer.process);
  const { stdout, stderr, status } = spawnSync(`${other}-benchmark`, [
    ...["-p", String(peer.port), "-t", test, "-n", String(count), "-P", String(pipeline)],
    ...["-d", String(VALUE_BYTES), "-r", String(KEYS), "--csv"],
  ], { encoding: "utf8", timeout: TIMEOUT_MS });
  if (status !== 0) throw new Error(`${other}-benchmark: ${stderr}`);
  const [head, row] = stdout.trim().split("\n").slice(-2).map((line) =>
    line.split(",").map((cell) => cell.replaceAll('"', ""))
  );
  const number = (name: string) => Number(row[head.indexOf(name)]);
  return {
    perSecond: number("rps"),
    p99Us: number("p99_latency_ms") * 1_000,
    cpuUs: (cpuUsOf(peer.process) - before) / count,
  };
}

function cellsOf(
  { test, pipeline, rows }: { test: string; pipeline: number; rows: Rows },
): string[][] {
  const [first] = Object.values(rows).map(medians);
  const thousands = (value: number) => (value / 1_000).toFixed(0);
  return Object.entries(rows).map(([name, all]) => {
    const row = medians(all);
    const [least, most] = spread(all.map(({ perSecond }) => perSecond));
    return [
      `${test.toUpperCase()}, ${pipeline} at a time`,
      name,
      `${thousands(row.perSecond)} k (${thousands(least)} to ${thousands(most)})`,
      row.p99Us.toFixed(0),
      row.cpuUs.toFixed(2),
      `${(row.perSecond / first.perSecond).toFixed(2)}×, ${(row.cpuUs / first.cpuUs).toFixed(2)}×`,
    ];
  });
}
