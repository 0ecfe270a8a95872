/** The result of `kg bench` as text. */

import process from "node:process";
import type { Measured } from "../load/measured.ts";
import type { Series } from "../load/series.ts";
import { inRows, type Span } from "../load/span.ts";
import { factsOf } from "./bench_facts.ts";
import { bareMs, percent, percentileName, whole } from "./bench_numbers.ts";
import { bottleneckOf, type Result } from "./bench_result.ts";
import { table, tableWithBars } from "./bench_table.ts";
import { columns, heading } from "./command.ts";

const PERCENTILES = [10, 50, 75, 90, 99, 99.9, 99.99, 100] as const;
const MAX_ROWS = 12;
const DEFAULT_COLUMNS = 80;
/** The bar of the fastest call is not empty. */
const LEAST_SHARE = 0.001;

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
  const found = reads.answered === 0 ? "-" : percent(hits / reads.answered);
  return table(["", "reads", "writes", "total"], [
    row("answered", ({ answered }) => answered),
    row("a second", ({ answered }) => answered / elapsedMs * 1_000),
    row("failed", ({ failed }) => failed),
    ["found", found, "", ""],
  ]);
}

/** The latencies by percentile, with bars on a logarithmic scale that reads and writes share. */
function latencyTable({ reads, writes }: Measured, width: number): string {
  const [ofReads, ofWrites] = [reads, writes].map((series) =>
    PERCENTILES.map((percentile) => series.latencyMs(percentile))
  );
  const known = [...ofReads, ...ofWrites].filter((ms) => ms !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const head = ["", "reads", "writes"];
  const rows = PERCENTILES.map((percentile, i) => {
    return [percentileName(percentile), bareMs(ofReads[i]), bareMs(ofWrites[i])];
  });
  const shareOf = (ms: number | null) => ms === null ? 0 : logShare(ms, least, most);
  const bars = [
    { head: "reads", shares: ofReads.map(shareOf) },
    { head: "writes", shares: ofWrites.map(shareOf) },
  ];
  const drawn = tableWithBars(head, rows, bars, width);
  const title = heading("Latency in ms by percentile");
  if (drawn === null) return `${title}\n${table(head, rows)}`;
  return `${title} (bars: logarithmic, ${bareMs(least)} to ${bareMs(most)} ms)\n${drawn}`;
}

function logShare(ms: number, least: number, most: number): number {
  return Math.max(LEAST_SHARE, Math.log(ms / least) / Math.log(most / least) || 0);
}

/** A column of the table over time: its head, and what it says of a span. */
type Column = readonly [head: string, cell: (span: Span) => string];
const LEAST: Column = ["least", ({ total }) => whole(total.leastPerS)];
const FAILED: Column = ["failed", ({ total }) => whole(total.failed)];

/** Second by second; of a long run some seconds in a row, with the worst of them. */
function timeTable(spans: readonly Span[], width: number): string {
  const rows = inRows(spans, MAX_ROWS);
  const seconds = Math.round(rows[0].lengthS);
  const isJoined = seconds > 1;
  const hasFailures = rows.some(({ total }) => total.failed > 0);
  const shown: Column[] = [
    ["from", ({ startS }) => `${whole(startS)} s`],
    ["a second", ({ total }) => whole(total.perS)],
    ...(isJoined ? [LEAST] : []),
    ["p99 reads", ({ reads }) => bareMs(reads.p99Ms)],
    ["p99 writes", ({ writes }) => bareMs(writes.p99Ms)],
    ...(hasFailures ? [FAILED] : []),
  ];
  const head = shown.map(([name]) => name);
  const cells = rows.map((span) => shown.map(([, cell]) => cell(span)));
  const rates = rows.map(({ total }) => total.leastPerS);
  const most = Math.max(1, ...rates);
  const bars = { head: isJoined ? "least" : "a second", shares: rates.map((rate) => rate / most) };
  const title = isJoined
    ? `${heading(`Every ${seconds} seconds`)} (latency in ms; least and p99 of the worst second)`
    : `${heading("Every second")} (latency in ms)`;
  return `${title}\n${tableWithBars(head, cells, [bars], width) ?? table(head, cells)}`;
}
