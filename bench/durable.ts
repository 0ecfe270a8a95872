/**
 * The cost of durability: writes in memory, relaxed and confirmed, compared with valkey-server or
 * redis-server with appendfsync everysec and always, on one disk, in turns; reads while writes
 * commit; and the time of a start with many keys. Needs cc and the OpenSSL headers.
 *
 *     npm run bench:durable -- [--rounds 5] [--folder DIR] [--only writes|reads|start] [--json]
 */

import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Progress } from "../src/commands/progress.ts";
import { freshEnvironment } from "../tests/end_to_end/programs.ts";
import {
  compileTools,
  floorPeer,
  kilogramPeer,
  type Load,
  type Outcome,
  type Peer,
  plainRespPeer,
  type Tools,
} from "./peer_programs.ts";
import { installedRespServer } from "./processes.ts";
import { medians, spread, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    folder: { type: "string", default: tmpdir() },
    only: { type: "string" },
    json: { type: "boolean" },
  },
});

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const VALUE_BYTES = 100;
const WRITES: Load = {
  name: "writes",
  outstanding: 64,
  count: 60_000,
  keys: 100_000,
  valueBytes: VALUE_BYTES,
  readPercent: 0,
};
const READ_RATE = 20_000;
const WRITE_RATE = 2_000;
const READ_SECONDS = 10;
const MIXED_READS: Load = {
  ...WRITES,
  readPercent: 100,
  ratePerS: READ_RATE,
  count: READ_RATE * READ_SECONDS,
};
const MIXED_WRITES: Load = {
  ...WRITES,
  ratePerS: WRITE_RATE,
  count: WRITE_RATE * READ_SECONDS,
};
const START_KEYS = [1_000_000, 10_000_000];
const START_MEMORY = "4GiB";

const ms = (us: number) => (us / 1_000).toFixed(2);

await main();

async function main(): Promise<void> {
  const folder = mkdtempSync(join(values.folder, "kilogram-durable-"));
  const wants = (name: string) => values.only === undefined || values.only === name;
  try {
    const tools = compileTools(folder);
    const rounds = Number(values.rounds);
    if (wants("writes")) await measureWrites(folder, tools, rounds);
    if (wants("reads")) await measureReads(folder, tools, rounds);
    if (wants("start")) await measureStarts(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureWrites(folder: string, tools: Tools, rounds: number): Promise<void> {
  const peers = await startWriters(folder, tools);
  const rows: Record<string, Outcome[]> = {};
  const progress = new Progress(peers.length * rounds);
  try {
    for (const peer of peers) peer.fill(WRITES);
    for (let round = 0; round < rounds; round++) {
      for (const peer of peers) {
        progress.show(peer.name, 0);
        (rows[peer.name] ??= []).push(peer.run(WRITES));
        progress.finish();
      }
    }
  } finally {
    progress.clear();
    for (const peer of peers) peer.stop();
  }
  if (values.json) console.log(JSON.stringify(rows));
  else printWrites(rows);
}

async function startWriters(folder: string, tools: Tools): Promise<Peer[]> {
  const dir = (name: string) => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  };
  const peers = [
    await kilogramPeer(tools, "memory"),
    await kilogramPeer(tools, "relaxed", ["--data-dir", dir("a"), "--durability", "relaxed"]),
    await kilogramPeer(tools, "confirmed", ["--data-dir", dir("b")]),
  ];
  const other = installedRespServer();
  if (other === undefined) throw new Error("install valkey-server or redis-server first");
  for (const policy of ["everysec", "always"]) {
    const options = ["--appendonly", "yes", "--appendfsync", policy, "--dir", dir(policy)];
    peers.push(await plainRespPeer(other, `${other} (${policy})`, tools, options));
  }
  return peers;
}

function printWrites(rows: Readonly<Record<string, readonly Outcome[]>>): void {
  const all = Object.entries(rows);
  const always = all[all.length - 1][1];
  const cells = all.map(([name, outcomes]) => {
    const { perSecond, p50Us, p99Us } = medians(outcomes);
    const [least, most] = spread(outcomes.map((outcome) => outcome.perSecond));
    const k = (value: number) => `${(value / 1_000).toFixed(1)} k`;
    const ratios = outcomes.map((outcome, i) => ({ r: outcome.perSecond / always[i].perSecond }));
    return [
      name,
      `${k(perSecond)} (${k(least)} to ${k(most)})`,
      ms(p50Us),
      ms(p99Us),
      `${medians(ratios).r.toFixed(2)}×`,
    ];
  });
  const head = ["", "writes/s (least to most)", "p50 ms", "p99 ms", "to «always», by round"];
  console.log(`\n${WRITES.outstanding} writes outstanding\n\n${table([head, ...cells])}`);
}

async function measureReads(folder: string, tools: Tools, rounds: number): Promise<void> {
  const data = join(folder, "reads");
  const peers = [
    await floorPeer(tools),
    await kilogramPeer(tools, "memory"),
    await kilogramPeer(tools, "confirmed", ["--data-dir", data]),
  ];
  const kinds: [name: string, peer: Peer, loads: Load[]][] = [
    ["floor (C), 2,000 writes/s", peers[0], [MIXED_READS, MIXED_WRITES]],
    ["memory, 2,000 writes/s", peers[1], [MIXED_READS, MIXED_WRITES]],
    ["confirmed, no writes", peers[2], [MIXED_READS]],
    ["confirmed, 2,000 writes/s", peers[2], [MIXED_READS, MIXED_WRITES]],
  ];
  const rows: Record<string, Outcome[][]> = {};
  const progress = new Progress(kinds.length * rounds);
  try {
    for (const peer of peers) peer.fill(WRITES);
    for (let round = 0; round < rounds; round++) {
      for (const [name, peer, loads] of kinds) {
        progress.show(name, 0);
        (rows[name] ??= []).push(await peer.runTogether?.(loads) ?? []);
        progress.finish();
      }
    }
  } finally {
    progress.clear();
    for (const peer of peers) peer.stop();
  }
  if (values.json) console.log(JSON.stringify(rows));
  else printReads(rows);
}

function printReads(rows: Readonly<Record<string, readonly Outcome[][]>>): void {
  const head = [
    "",
    "reads: p50 ms",
    "p99 ms (least to most)",
    "p99.9 ms",
    "writes: p50 ms",
    "p99 ms",
  ];
  const cells = Object.entries(rows).map(([name, rounds]) => {
    const reads = medians(rounds.map(([outcome]) => outcome));
    const [least, most] = spread(rounds.map(([{ p99Us }]) => p99Us));
    const writes = rounds[0].length > 1 ? medians(rounds.map(([, outcome]) => outcome)) : null;
    return [
      name,
      ms(reads.p50Us),
      `${ms(reads.p99Us)} (${ms(least)} to ${ms(most)})`,
      ms(reads.p999Us),
      writes === null ? "–" : ms(writes.p50Us),
      writes === null ? "–" : ms(writes.p99Us),
    ];
  });
  const title = `${READ_RATE.toLocaleString("en-US")} reads a second`;
  console.log(`\n${title}\n\n${table([head, ...cells])}`);
}

/** Imports each number of keys, and starts a server on them three times. */
async function measureStarts(folder: string): Promise<void> {
  const cells: string[][] = [];
  for (const keys of START_KEYS) {
    const data = join(folder, `start-${keys}`);
    const lines = join(folder, "lines");
    writeLines(lines, keys);
    const begun = performance.now();
    run(["import", "--data-dir", data, lines]);
    const importS = (performance.now() - begun) / 1_000;
    rmSync(lines);
    const loads: { s: number }[] = [];
    for (let i = 0; i < 3; i++) loads.push({ s: await loadSeconds(data) });
    const [least, most] = spread(loads.map(({ s }) => s));
    cells.push([
      keys.toLocaleString("en-US"),
      `${medians(loads).s.toFixed(1)} s (${least.toFixed(1)} to ${most.toFixed(1)})`,
      `${importS.toFixed(1)} s`,
    ]);
    rmSync(data, { recursive: true, force: true });
  }
  console.log(`\n${table([["keys", "load (least to most)", "import"], ...cells])}`);
}

function writeLines(path: string, keys: number): void {
  const file = openSync(path, "w");
  let lines = "";
  for (let i = 0; i < keys; i++) {
    lines += `{"key":"key:${String(i).padStart(12, "0")}","value":"${
      String(i).padEnd(VALUE_BYTES, ".")
    }"}\n`;
    if (lines.length < 2 ** 20 && i < keys - 1) continue;
    writeSync(file, lines);
    lines = "";
  }
  closeSync(file);
}

function run(args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** The seconds that a server reports for loading a folder. */
async function loadSeconds(data: string): Promise<number> {
  const args = [CLI, "serve", "--listen", "127.0.0.1:0", "--memory", START_MEMORY];
  const server = spawn(process.execPath, [...args, "--data-dir", data], {
    env: freshEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  for await (const chunk of server.stderr) {
    output += chunk;
    const seconds = /loaded \d+ keys from .* in ([\d.]+) s/.exec(output)?.[1];
    if (seconds === undefined) continue;
    server.kill("SIGTERM");
    return Number(seconds);
  }
  throw new Error(output);
}
