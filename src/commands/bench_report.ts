/** The report of `kg bench`: text with a plot of the latencies, or JSON. */

import type { Extent } from "../load/loops.ts";
import type { Workload } from "../load/workload.ts";
import type { Measured, Series } from "../load/measured.ts";
import { columns, heading } from "./command.ts";

/** What to measure. */
export interface Plan {
  readonly workload: Workload;
  readonly threads: number;
  readonly clients: number;
  /** Per client. */
  readonly outstanding: number;
  /** Requests a second, or null for a closed loop. */
  readonly ratePerS: number | null;
  readonly extent: Extent;
  readonly warmUpMs: number;
  readonly isFilled: boolean;
  readonly timeoutMs: number;
}

export interface Report {
  readonly plan: Plan;
  readonly server: string;
  readonly measured: Measured;
  readonly elapsedMs: number;
  readonly retransmissions: number;
  /** Processor time this process used while measuring, as a share of one processor. */
  readonly ownCpuShare: number;
}

/** From here on a closed loop has probably measured this process, not the server. */
const BUSY_CPU_SHARE = 0.9;
/** An open loop that starts one request in a thousand later than this measures its own delays. */
const LATE_MS = 1;
const LATE_PERCENTILE = 99.9;
const PERCENTILES = [50, 90, 99, 99.9] as const;
const PLOTTED = [1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100] as const;
const PLOT_WIDTH = 40;
const NANOSECONDS = 1e6;

export function reportText(report: Report): string {
  const { measured, elapsedMs, retransmissions, ownCpuShare } = report;
  const { reads, writes, hits } = measured;
  const rows = [
    ["load", loadText(report)],
    [
      "answered",
      `${number(measured.answered)} in ${(elapsedMs / 1_000).toFixed(1)} s: ${
        number(perSecond(report))
      } a second`,
    ],
    ["reads", seriesText(reads, elapsedMs, `, ${percent(hits / reads.answered)} hits`)],
    ["writes", seriesText(writes, elapsedMs, "")],
    ["failed", failureText(measured)],
    ["sent again", `${number(retransmissions)} datagrams`],
    ["own load", `${percent(ownCpuShare)} of a processor`],
  ];
  const plots = [["Reads:", reads], ["Writes:", writes]] as const;
  const shown = plots.filter(([, series]) => series.ended > 0);
  const latencies = shown.map(([name, series]) =>
    `${heading(name)} ${latencyText(series)}
${plot(series)}`
  );
  const warning = bottleneckOf(report);
  return `${columns(rows)}

${latencies.length === 0 ? "no call ended" : latencies.join("\n\n")}
${warning === null ? "" : `\nwarning: ${warning}\n`}`;
}

function seriesText({ answered }: Series, elapsedMs: number, more: string): string {
  if (answered === 0) return "none";
  return `${number(answered)}: ${number(answered / elapsedMs * 1_000)} a second${more}`;
}

function latencyText(series: Series): string {
  return [...PERCENTILES, 100].map((p) => {
    return `${p === 100 ? "max" : `p${p}`} ${milliseconds(latencyMs(series, p))}`;
  }).join("   ");
}

export function reportJson(report: Report): Record<string, unknown> {
  const { measured, plan, server, elapsedMs, retransmissions, ownCpuShare } = report;
  const { workload, extent } = plan;
  return {
    server,
    threads: plan.threads,
    clients: plan.clients,
    outstanding: plan.ratePerS === null ? plan.outstanding : undefined,
    ratePerS: plan.ratePerS ?? undefined,
    keys: workload.keys,
    readShare: workload.readShare,
    zipf: workload.zipf,
    valueBytes: workload.valueBytes,
    count: Number.isFinite(extent.count) ? extent.count : undefined,
    elapsedMs: Math.round(elapsedMs),
    answered: measured.answered,
    perSecond: Math.round(perSecond(report)),
    failed: measured.failed,
    retransmissions,
    reads: { ...seriesJson(measured.reads, elapsedMs), hits: measured.hits },
    writes: seriesJson(measured.writes, elapsedMs),
    ...(plan.ratePerS === null ? {} : {
      lateP99Us: Math.round(latenessMs(measured, 99) * 1_000),
      lateP999Us: Math.round(latenessMs(measured, LATE_PERCENTILE) * 1_000),
    }),
    ownCpuShare: Math.round(ownCpuShare * 100) / 100,
    bottleneck: bottleneckOf(report) ?? undefined,
  };
}

function seriesJson(series: Series, elapsedMs: number): Record<string, unknown> {
  const { answered, failures } = series;
  const inUs = (percentile: number) => Math.round(latencyMs(series, percentile) * 1e6) / 1e3;
  return {
    answered,
    perSecond: Math.round(answered / elapsedMs * 1_000),
    failures: Object.fromEntries(failures),
    ...(series.ended === 0 ? {} : {
      p50Us: inUs(50),
      p90Us: inUs(90),
      p99Us: inUs(99),
      p999Us: inUs(99.9),
      maxUs: inUs(100),
    }),
  };
}

function loadText({ plan, server }: Report): string {
  const { workload, clients, outstanding, ratePerS } = plan;
  const how = ratePerS === null
    ? `${outstanding} outstanding${clients > 1 ? ` for each of ${clients} clients` : ""}`
    : `${number(ratePerS)} a second${clients > 1 ? ` by ${clients} clients` : ""}`;
  const keys = workload.zipf > 0 ? `by Zipf's law (${workload.zipf})` : "uniform";
  return `${server}, ${how}; ${percent(workload.readShare)} reads, ` +
    `${number(workload.keys)} keys ${keys}, values of ${workload.valueBytes} bytes`;
}

/** Why the numbers may reflect this process, not the server; null without a sign of that. */
function bottleneckOf({ plan, measured, ownCpuShare }: Report): string | null {
  if (plan.ratePerS !== null) {
    const lateMs = latenessMs(measured, LATE_PERCENTILE);
    if (lateMs < LATE_MS) return null;
    return `this process started one request in a thousand ${
      milliseconds(lateMs)
    } or more after it ` +
      "was due: the latencies include its own delays";
  }
  if (ownCpuShare < BUSY_CPU_SHARE * plan.threads) return null;
  return "this process is busy all the time: the server may be faster than measured. " +
    "Use more --threads, or other machines";
}

function failureText({ reads, writes }: Measured): string {
  const of = (what: string, { failures }: Series) =>
    [...failures].map(([code, count]) => `${number(count)} ${what} ${code}`);
  return [...of("reads", reads), ...of("writes", writes)].join(", ") || "none";
}

/** A bar for each percentile, on a logarithmic scale from the fastest to the slowest. */
function plot(series: Series): string {
  const values = PLOTTED.map((percentile) => latencyMs(series, percentile));
  const least = Math.log(values[0]);
  const span = Math.max(Math.log(values.at(-1) ?? 1) - least, Number.EPSILON);
  const lines = values.map((ms, i) => {
    const share = (Math.log(ms) - least) / span;
    const bar = "█".repeat(1 + Math.round(share * (PLOT_WIDTH - 1)));
    const name = PLOTTED[i] === 100 ? "max" : `p${PLOTTED[i]}`;
    return `  ${name.padStart(6)}  ${milliseconds(ms).padStart(9)}  ${bar}`;
  });
  return lines.join("\n");
}

function latencyMs({ latencyNs }: Series, percentile: number): number {
  // A percentile is rounded up to a bucket's end, which may be above the greatest value.
  return Math.min(latencyNs.max, latencyNs.percentile(percentile)) / NANOSECONDS;
}

function latenessMs({ latenessNs }: Measured, percentile: number): number {
  return latenessNs.percentile(percentile) / NANOSECONDS;
}

function perSecond({ measured, elapsedMs }: Report): number {
  return measured.answered / elapsedMs * 1_000;
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(3) : ms.toFixed(1)} ms`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, "")} %`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
