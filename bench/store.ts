/**
 * Compares the store under load with a Map of strings and arrays: operations a second, the latency
 * of single operations, memory. Each load runs in processes of its own, in turns; reports medians.
 *
 *     npm run bench:store -- [--keys 10000000] [--operations 10000000] [--rounds 3]
 *                            [--only TEXT] [--json]
 *
 * --only runs the loads whose names contain that text.
 */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Progress } from "../src/commands/progress.ts";
import { medians, table } from "./report.ts";
import { type Job, KEY_BYTES, type Outcome, VALUE_BYTES } from "./store_job.ts";

const { values } = parseArgs({
  options: {
    keys: { type: "string", default: "10000000" },
    operations: { type: "string", default: "10000000" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const keys = Number(values.keys);
const operations = Number(values.operations);
const rounds = Number(values.rounds);

/** More than the items, the index and its slack take; and two thirds of what they take. */
const FITS_BYTES = Math.max(2 ** 20, keys * (KEY_BYTES + VALUE_BYTES + 32));
const EVICTING_BYTES = Math.max(
  2 ** 20,
  Math.round((keys * (KEY_BYTES + VALUE_BYTES + 14) * 2) / 3),
);

interface Load extends Job {
  readonly name: string;
}

const all: Load[] = [0.99, 0].flatMap((zipf) => {
  const how = zipf > 0 ? `Zipf ${zipf}` : "uniform";
  const base = { keys, operations, zipf, timed: false, limitBytes: FITS_BYTES };
  return [
    { ...base, name: `store, all fits, ${how}`, store: "log" },
    { ...base, name: `store, evicting, ${how}`, store: "log", limitBytes: EVICTING_BYTES },
    { ...base, name: `Map, ${how}`, store: "map" },
  ] as const;
});
all.push({
  ...{ keys, operations, zipf: 0.99, limitBytes: FITS_BYTES + 8 * keys },
  ...{ name: "store, all with a time to live, Zipf 0.99", store: "log", timed: true },
});

const loads = all.filter(({ name }) => name.includes(values.only));

await main();

async function main(): Promise<void> {
  const progress = new Progress(loads.length * rounds);
  const outcomes = new Map(loads.map((load) => [load, [] as Outcome[]]));
  for (let round = 0; round < rounds; round++) {
    for (const load of loads) {
      outcomes.get(load)?.push(await measure(load, progress));
      progress.finish();
    }
  }
  progress.clear();
  const rows = loads.map((load) => [load.name, medians(outcomes.get(load) ?? [])] as const);
  if (values.json) {
    console.log(JSON.stringify({ keys, operations, rounds, loads: Object.fromEntries(rows) }));
  } else console.log(describe(rows));
}

function measure(load: Load, progress: Progress): Promise<Outcome> {
  const child = fileURLToPath(new URL("./store_child.ts", import.meta.url));
  const running = spawn(process.execPath, [child, JSON.stringify(load)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    createInterface(running.stdout).on("line", (line) => {
      const told = JSON.parse(line);
      if (told.outcome !== undefined) resolve(told.outcome);
      else progress.show(`${load.name}: ${told.phase}`, told.share);
    });
    running.on("close", (status) => reject(new Error(`${load.name}: ended with ${status}`)));
  });
}

function describe(rows: readonly (readonly [string, Outcome])[]): string {
  const us = (value: number) => value >= 100 ? value.toFixed(0) : value.toFixed(2);
  const latency = ({ p50, p99, p999, max }: Outcome["get"]) =>
    [p50, p99, p999, max].map(us).join(" / ");
  return table([
    [
      "load",
      "ops/s",
      "hits",
      "GET µs p50 / p99 / p99.9 / max",
      "SET µs",
      "idle loop µs",
      "bytes a key over key and value",
      "resident MB",
      "loaded keys/s",
    ],
    ...rows.map(([name, o]) => [
      name,
      `${(o.perSecond / 1e6).toFixed(2)} M`,
      o.hitRatio.toFixed(3),
      latency(o.get),
      latency(o.set),
      latency(o.idle),
      o.overheadBytes.toFixed(1),
      (o.residentBytes / 1e6).toFixed(0),
      `${(o.loadPerSecond / 1e6).toFixed(2)} M`,
    ]),
  ]);
}
