/** The result of `kg bench` as text. */

import process from "node:process";
import type { Measured } from "../load/measured.ts";
import type { Series } from "../load/series.ts";
import { inRows, type Span } from "../load/span.ts";
import { factsOf } from "./bench_facts.ts";
import { bareMs, percent, percentileName, whole } from "./bench_numbers.ts";
import { bottleneckOf, type Result } from "./bench_result.ts";
import { columns, heading } from "./command.ts";

const PERCENTILES = [10, 50, 75, 90, 99, 99.9, 99.99, 100] as const;
const MAX_ROWS = 12;
const DEFAULT_COLUMNS = 80;
const LEAST_BAR = 8;
const MOST_BAR = 30;

export function reportText(
  result: Result,
  width = process.stdout.columns || DEFAULT_COLUMNS,
): string {
  const { measured } = result;
  const warning = bottleneckOf(result);
  const parts = [
    columns(factsOf(result).map(([name, value]) => [name, value])),
    measured.ended === 0 ? "no call ended" : [
      countTable(result),
      latencyTable(measured, width),
      timeTable(measured.spans, width),
    ].join("\n\n"),
    warning === null ? null : `warning: ${warning}`,
  ];
  return `${parts.filter((part) => part !== null).join("\n\n")}\n`;
}

function countTable({ measured, elapsedMs }: Result): string {
  const { reads, writes, total, hits } = measured;
  const all = [reads, writes, total];
  const row = (name: string, of: (series: Series) => number) => [name, ...all.map(of).map(whole)];
  return grid([
    ["", "reads", "writes", "total"],
    row("answered", ({ answered }) => answered),
    row("a second", ({ answered }) => answered / elapsedMs * 1_000),
    row("failed", ({ failed }) => failed),
    ["found", reads.answered === 0 ? "-" : percent(hits / reads.answered)],
  ]);
}

/** The latencies by percentile, with bars on a logarithmic scale that reads and writes share. */
function latencyTable({ reads, writes }: Measured, width: number): string {
  const sorts = [reads, writes];
  const rows = PERCENTILES.map((percentile) => sorts.map((series) => series.latencyMs(percentile)));
  const known = rows.flat().filter((ms) => ms !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const cells = rows.map(([read, write], i) => {
    return [percentileName(PERCENTILES[i]), bareMs(read), bareMs(write)];
  });
  const head = ["", "reads", "writes"];
  const room = Math.min(
    MOST_BAR,
    Math.floor((width - grid([head, ...cells]).split("\n")[1].length) / 2) - 2,
  );
  const title = heading("Latency in ms by percentile");
  if (room < LEAST_BAR) return `${title}\n${grid([head, ...cells])}`;
  const barOf = (ms: number | null) => logBar(ms, least, most, room).padEnd(room);
  const drawn = cells.map((
    row,
    i,
  ) => [...row, `${barOf(rows[i][0])}  ${barOf(rows[i][1]).trimEnd()}`]);
  const scale = `bars: logarithmic, ${bareMs(least)} to ${bareMs(most)} ms`;
  const heads = [...head, `${"reads".padEnd(room)}  writes`];
  return `${title} (${scale})\n${grid([heads, ...drawn])}`;
}

function logBar(ms: number | null, least: number, most: number, width: number): string {
  if (ms === null) return "";
  const share = Math.log(ms / least) / Math.max(Math.log(most / least), Number.EPSILON);
  return "█".repeat(1 + Math.round(share * (width - 1)));
}

/** Second by second; of a long run some seconds in a row, with the worst of them. */
function timeTable(spans: readonly Span[], width: number): string {
  const rows = inRows(spans, MAX_ROWS);
  const seconds = Math.round(rows[0].lengthS);
  const isJoined = seconds > 1;
  const hasFailures = rows.some(({ total }) => total.failed > 0);
  const head = ["from", "a second", ...(isJoined ? ["least"] : []), "p99 reads", "p99 writes"];
  const cells = rows.map(({ startS, reads, writes, total }) => [
    `${whole(startS)} s`,
    whole(total.perS),
    ...(isJoined ? [whole(total.leastPerS)] : []),
    bareMs(reads.p99Ms),
    bareMs(writes.p99Ms),
    ...(hasFailures ? [whole(total.failed)] : []),
  ]);
  const heads = hasFailures ? [...head, "failed"] : head;
  const title = isJoined
    ? `${heading(`Every ${seconds} seconds`)} (latency in ms; least and p99 of the worst second)`
    : `${heading("Every second")} (latency in ms)`;
  const room = Math.min(MOST_BAR, width - grid([heads, ...cells]).split("\n")[0].length - 2);
  if (room < LEAST_BAR) return `${title}\n${grid([heads, ...cells])}`;
  const most = Math.max(...rows.map(({ total }) => total.perS), 1);
  const drawn = cells.map((row, i) => {
    const { leastPerS } = rows[i].total;
    return [...row, "█".repeat(Math.round(leastPerS / most * room))];
  });
  return `${title}\n${grid([[...heads, isJoined ? "least" : ""], ...drawn])}`;
}

/** Columns, numbers to the right: all but the first, and but bars, which are the last and ragged. */
function grid(rows: readonly (readonly string[])[]): string {
  const widthOf = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const isRagged = (column: number) => rows.some((row) => row[column]?.includes("█"));
  const cell = (text: string, column: number) => {
    if (isRagged(column)) return text;
    return column === 0 ? text.padEnd(widthOf(0)) : text.padStart(widthOf(column));
  };
  return rows.map((row) => `  ${row.map(cell).join("  ")}`.trimEnd()).join("\n");
}
