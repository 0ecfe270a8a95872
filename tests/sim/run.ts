/**
 * Runs the simulator over many seeds, on every core:
 *
 *     npm run sim -- --seeds 1000
 *     npm run sim -- --seed 17               one run, with its trace
 *     npm run sim -- --break "no kept replies"
 *
 * It ends with status 1 when a seed violates a promise, or when a deliberate break is not caught.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bar } from "../../src/commands/progress.ts";
import { BREAKS, FLEET_BREAKS, READER_BREAKS } from "./breaks.ts";
import { simulateFleet } from "./fleet.ts";
import { simulateReaders } from "./readers.ts";
import { type Report, simulate } from "./simulation.ts";

/** The last lines of a trace are the most useful. */
const TRACE_LINES = 200;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    first: { type: "string", default: "1" },
    operations: { type: "string", default: "2000" },
    seed: { type: "string" },
    break: { type: "string" },
    worker: { type: "string" },
  },
});
const operations = Number(values.operations);
const breakName = values.break;
const ALL_BREAKS = { ...BREAKS, ...READER_BREAKS, ...FLEET_BREAKS };
if (breakName !== undefined && !Object.hasOwn(ALL_BREAKS, breakName)) {
  console.error(
    `There is no break "${breakName}". All of them:\n${Object.keys(ALL_BREAKS).join("\n")}`,
  );
  process.exit(2);
}
if (breakName !== undefined) ALL_BREAKS[breakName]();

if (values.worker !== undefined) await work(values.worker);
else if (values.seed !== undefined) await runOne(Number(values.seed));
else await runAll(Number(values.first), Number(values.seeds));

async function runOne(seed: number): Promise<void> {
  const report = await simulate(seed, operations, true);
  const violations = await violationsOf(seed, report);
  for (const line of report.trace.slice(-TRACE_LINES)) console.log(line);
  for (const violation of violations) console.log(`VIOLATED: ${violation}`);
  console.log(
    `seed ${seed}: ${report.operations} operations, ${violations.length} violations`,
  );
  process.exitCode = violations.length > 0 ? 1 : 0;
}

/** In its own process: runs the seeds of its share, and prints a line of JSON for each. */
async function work(share: string): Promise<void> {
  const [first, step, end] = share.split(",").map(Number);
  for (let seed = first; seed < end; seed += step) {
    const report = await simulate(seed, operations);
    const violations = await violationsOf(seed, report);
    const done = report.operations + 2 * operations;
    console.log(JSON.stringify({ seed, operations: done, violations }));
  }
}

/** Those of one server, of its readers, and of several servers. */
async function violationsOf(seed: number, { violations }: Report): Promise<string[]> {
  return [
    ...violations,
    ...simulateReaders(seed, operations),
    ...await simulateFleet(seed, operations),
  ];
}

async function runAll(first: number, seeds: number): Promise<void> {
  const startedAt = performance.now();
  const processes = Math.min(availableParallelism(), seeds);
  const workers: ChildProcess[] = [];
  const failed: Omit<Report, "trace">[] = [];
  let done = 0;
  let sum = 0;
  const onReport = (report: Omit<Report, "trace">) => {
    done++;
    sum += report.operations;
    if (report.violations.length > 0) failed.push(report);
    showProgress(done, seeds);
    if (failed.length > 0) { for (const worker of workers) worker.kill(); }
  };
  const ended = Array.from({ length: processes }, (_, i) => {
    const share = `${first + i},${processes},${first + seeds}`;
    const worker = startWorker(share);
    workers.push(worker);
    return reportsOf(worker, onReport);
  });
  await Promise.all(ended);
  showProgress(done, seeds, "\n");
  if (failed.length === 0 && done < seeds) throw new Error(`only ${done} of ${seeds} seeds ran`);
  finish(failed[0], `${done} seeds, ${sum} operations, ${elapsed(startedAt)} s`);
}

function startWorker(share: string): ChildProcess {
  const args = [fileURLToPath(import.meta.url), "--worker", share, "--operations", `${operations}`];
  if (breakName !== undefined) args.push("--break", breakName);
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

async function reportsOf(
  worker: ChildProcess,
  onReport: (report: Omit<Report, "trace">) => void,
): Promise<void> {
  if (worker.stdout === null) return;
  for await (const line of createInterface({ input: worker.stdout })) onReport(JSON.parse(line));
}

function finish(failed: Omit<Report, "trace"> | undefined, summary: string): void {
  if (breakName !== undefined) {
    const caught = failed === undefined ? "NOT caught" : `caught by seed ${failed.seed}`;
    console.log(`«${breakName}» was ${caught}: ${failed?.violations[0] ?? summary}`);
    process.exitCode = failed === undefined ? 1 : 0;
    return;
  }
  if (failed === undefined) {
    console.log(`${summary}: every promise was kept.`);
    return;
  }
  console.log(`Seed ${failed.seed} violates: ${failed.violations[0]}`);
  console.log(`Run it again with: npm run sim -- --seed ${failed.seed} --operations ${operations}`);
  process.exitCode = 1;
}

function showProgress(done: number, of: number, end = ""): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r${bar(done / of)} ${done}/${of} seeds${end}`);
}

function elapsed(startedAt: number): string {
  return ((performance.now() - startedAt) / 1_000).toFixed(1);
}
