/**
 * The cost of starting: `kg get` from exec to exit, the memory of an idle server, and the size of
 * the program. Needs `npm run compile` first.
 *
 *     npm run bench:start -- [--rounds 30] [--json]
 */

import { spawn, spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { encodeKey, generateKey } from "../src/protocol/keys.ts";
import { freshEnvironment } from "../tests/end_to_end/programs.ts";
import { medians, spread } from "./report.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "30" }, json: { type: "boolean" } },
});

const KG = fileURLToPath(new URL("../dist/kg", import.meta.url));
const SERVER = "127.0.0.1:40404";
const IDLE_MS = 3_000;

const env = { ...freshEnvironment(), KG_KEY: encodeKey(generateKey()), KG_SERVER: SERVER };
const server = spawn(KG, ["serve", "--listen", SERVER], { env, stdio: "ignore" });
try {
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idleKiB = residentKiB(server.pid ?? 0);
  run("set", "k", "v");
  const getMs = Array.from({ length: Number(values.rounds) }, () => run("get", "k"));
  report({
    getMs: medians(getMs.map((ms) => ({ ms }))).ms,
    leastGetMs: spread(getMs)[0],
    mostGetMs: spread(getMs)[1],
    idleMiB: idleKiB / 1_024,
    programMB: statSync(KG).size / 1e6,
  });
} finally {
  server.kill("SIGKILL");
}

/** Milliseconds from exec to exit. */
function run(...args: string[]): number {
  const startedAtMs = performance.now();
  const { status, stderr } = spawnSync(KG, args, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`kg ${args.join(" ")}: ${stderr}`);
  return performance.now() - startedAtMs;
}

function residentKiB(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib);
}

function report(found: Record<string, number>): void {
  if (values.json) {
    console.log(JSON.stringify(found));
    return;
  }
  const { getMs, leastGetMs, mostGetMs, idleMiB, programMB } = found;
  console.log(
    `kg get, exec to exit   ${getMs.toFixed(1)} ms ` +
      `(${leastGetMs.toFixed(1)} to ${mostGetMs.toFixed(1)})`,
  );
  console.log(`idle server, resident  ${idleMiB.toFixed(1)} MiB`);
  console.log(`program                ${programMB.toFixed(0)} MB`);
}
