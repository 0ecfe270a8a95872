/**
 * Compares Kilogram, on one thread, with a reader, and with a reader that polls, with the floor, a C
 * program that opens and seals the same datagrams and does nothing else, and with valkey-server or
 * redis-server, over TLS and plain, if one is installed: in turns, medians of several rounds. Needs cc
 * and the OpenSSL headers.
 *
 *     npm run bench:peers -- [--rounds 5] [--seconds 30] [--only LOAD[,LOAD …]] [--json]
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Progress } from "../src/commands/progress.ts";
import { compileTools, type Load, type Peer, startPeers } from "./peer_programs.ts";
import { medians, spread, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "30" },
    only: { type: "string" },
    json: { type: "boolean" },
  },
});

const VALUE_BYTES = 100;
const RATE = 20_000;
const CLOSED = { outstanding: 64, count: 600_000, keys: 100_000, valueBytes: VALUE_BYTES };
const SINGLE = { ...CLOSED, outstanding: 1, count: 40_000 };
const OPEN = { ...CLOSED, count: RATE * Number(values.seconds), keys: 1_000_000, ratePerS: RATE };

const LOADS: readonly Load[] = [
  { ...SINGLE, name: "gets-single", readPercent: 100 },
  { ...CLOSED, name: "gets", readPercent: 100 },
  { ...CLOSED, name: "gets-clients", readPercent: 100, isEachClient: true },
  { ...CLOSED, name: "mixed", readPercent: 90 },
  { ...SINGLE, name: "sets-single", readPercent: 0 },
  { ...CLOSED, name: "sets", readPercent: 0 },
  { ...OPEN, name: "open", readPercent: 90 },
];

interface Row {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly serverCpuUs: number;
  readonly retransmissions: number;
}

type Rows = Readonly<Record<string, readonly Row[]>>;

const TITLES: Readonly<Record<string, string>> = {
  "gets-single": "GETs, one outstanding",
  gets: "GETs, one client with 64 outstanding",
  "gets-clients": "GETs, 64 clients with one outstanding each",
  mixed: "90 % GETs and 10 % SETs, one client with 64 outstanding",
  "sets-single": "SETs, one outstanding",
  sets: "SETs, one client with 64 outstanding",
  open: `90 % GETs, open loop, ${RATE.toLocaleString("en-US")} a second`,
};

await main();

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kilogram-peers-"));
  const wanted = values.only?.split(",");
  const loads = LOADS.filter(({ name }) => wanted === undefined || wanted.includes(name));
  const rounds = Number(values.rounds);
  const peers: Peer[] = [];
  try {
    const tools = compileTools(folder);
    await startPeers(folder, tools, peers);
    const measured = Object.fromEntries(
      loads.map((load) => [load.name, measureAll(peers, load, rounds)]),
    );
    if (values.json) console.log(JSON.stringify(measured));
    else for (const [name, rows] of Object.entries(measured)) printTable(TITLES[name], rows);
  } finally {
    for (const peer of peers) peer.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs all peers in turns, so that other load on the machine affects all of them. */
function measureAll(peers: readonly Peer[], load: Load, rounds: number): Rows {
  const progress = new Progress(peers.length * (rounds + 1));
  const rows: Record<string, Row[]> = {};
  for (const peer of peers) {
    progress.show(`${load.name}: filling ${peer.name}`, 0);
    peer.fill(load);
    peer.run({ ...load, count: Math.ceil(load.count / 10) });
    progress.finish();
  }
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) {
      progress.show(`${load.name}: ${peer.name}`, 0);
      const before = peer.cpuUs();
      const outcome = peer.run(load);
      const serverCpuUs = (peer.cpuUs() - before) / load.count;
      (rows[peer.name] ??= []).push({ ...outcome, serverCpuUs });
      progress.finish();
    }
  }
  progress.clear();
  return rows;
}

function printTable(title: string, rows: Rows): void {
  const [floor] = Object.values(rows).map(medians);
  const ratio = (value: number, of: number) => `${(value / of).toFixed(2)}×`;
  const us = (value: number) => {
    if (Number.isNaN(value)) return "–";
    return value < 100 ? value.toFixed(1) : value.toFixed(0);
  };
  const head = ["server", "ops/s (least to most)", "p50 µs", "p99 µs", "p99.9 µs"];
  head.push("server CPU µs/op", "ops/s, p50, CPU to the floor's", "sent again");
  const cells = Object.entries(rows).map(([name, all]) => {
    const row = medians(all);
    const [least, most] = spread(all.map(({ perSecond }) => perSecond));
    const thousands = (value: number) => (value / 1_000).toFixed(0);
    return [
      name,
      `${thousands(row.perSecond)} k (${thousands(least)} to ${thousands(most)})`,
      us(row.p50Us),
      us(row.p99Us),
      us(row.p999Us),
      us(row.serverCpuUs),
      [
        ratio(row.perSecond, floor.perSecond),
        ratio(row.p50Us, floor.p50Us),
        ratio(row.serverCpuUs, floor.serverCpuUs),
      ].join(", "),
      String(row.retransmissions),
    ];
  });
  console.log(`\n${title}\n\n${table([head, ...cells])}`);
}
