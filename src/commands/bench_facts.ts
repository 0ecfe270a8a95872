/** What a reader must know of a run of `kg bench` to make sense of its numbers. */

import { availableParallelism } from "node:os";
import process from "node:process";
import { KEY_DIGITS } from "../load/workload.ts";
import type { Series } from "../load/series.ts";
import { VERSION } from "../version.ts";
import type { Result } from "./bench_result.ts";
import { milliseconds, percent, whole } from "./bench_numbers.ts";
import { formatDuration } from "./quantities.ts";

export type Fact = readonly [name: string, value: string];

/** The facts of a run, in the order in which they are told. */
export function factsOf(result: Result): Fact[] {
  const { server, elapsedMs, retransmissions, ownCpuShare, interruptedBy } = result;
  const warmUp = result.plan.warmUpMs === 0
    ? ""
    : `, after ${seconds(result.plan.warmUpMs)} to warm up`;
  const early = interruptedBy === null ? "" : `; ended early by ${interruptedBy}`;
  return [
    ["server", server],
    ["load", loadOf(result)],
    ["keys", keysOf(result)],
    ["values", `${result.plan.workload.valueBytes} bytes`],
    ["measured", `${seconds(elapsedMs)}${warmUp}${early}`],
    ["failed", failuresOf(result)],
    ["sent again", `${whole(retransmissions)} datagrams`],
    ["own load", `${percent(ownCpuShare)} of a processor`],
    ...punctualityOf(result),
  ];
}

/** The facts with what a stranger can't know: when, by which program, and what it was told to do. */
export function allFactsOf(result: Result, command: string): Fact[] {
  const when = `${result.startedAt.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return [
    ["when", when],
    ["command", command],
    ...factsOf(result),
    ["by", `Kilogram ${VERSION}, ${runtimeOf()}`],
  ];
}

/** What matters most, each with its number. */
export function headlineOf({ measured, elapsedMs }: Result): Fact[] {
  const { reads, writes, answered, failed } = measured;
  return [
    ["answered a second", whole(answered / elapsedMs * 1_000)],
    ...p99Of("reads", reads),
    ...p99Of("writes", writes),
    ["failed", whole(failed)],
  ];
}

function p99Of(sort: string, series: Series): Fact[] {
  return series.ended === 0 ? [] : [[`p99 of ${sort}`, milliseconds(series.latencyMs(99))]];
}

/** The program and its machine. */
export function runtimeOf(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  const name = bun !== undefined
    ? `Bun ${bun}`
    : deno !== undefined
    ? `Deno ${deno}`
    : `Node ${node}`;
  return `${name}, ${process.platform} ${process.arch}, ${availableParallelism()} processors`;
}

function loadOf({ plan }: Result): string {
  const { workload, clients, threads, outstanding, ratePerS } = plan;
  const pace = ratePerS === null
    ? `${outstanding} outstanding${clients > 1 ? ` for each of ${clients} clients` : ""}`
    : `${whole(ratePerS)} a second${clients > 1 ? ` by ${clients} clients` : ""}`;
  const on = threads > 1 ? ` on ${threads} threads` : "";
  return `${percent(workload.readShare)} reads, ${pace}${on}`;
}

function keysOf({ plan }: Result): string {
  const { keys, prefix, zipf, ttlMs } = plan.workload;
  const bytes = new TextEncoder().encode(prefix).length + KEY_DIGITS;
  const spread = zipf > 0 ? `by Zipf's law (${zipf})` : "uniform";
  const expiry = ttlMs === undefined ? "" : `, which expire after ${formatDuration(ttlMs)}`;
  return `${whole(keys)} of ${bytes} bytes, ${spread}${expiry}`;
}

/** How precisely requests were begun; only at a fixed rate. */
function punctualityOf({ measured }: Result): Fact[] {
  const [median, most] = [measured.latenessMs(50), measured.latenessMs(99)];
  if (median === null) return [];
  const late = `${milliseconds(median)} late at the median, 99 % within ${milliseconds(most)}`;
  return [["begun", late]];
}

/** Failures by their codes. */
export function failuresOf({ measured: { reads, writes } }: Result): string {
  const of = (what: string, { failures }: Series) =>
    [...failures].map(([code, count]) => `${whole(count)} ${what} ${code}`);
  return [...of("reads", reads), ...of("writes", writes)].join(", ") || "none";
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
