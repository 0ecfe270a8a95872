/** The result of `kg bench` as JSON. */

import type { Series } from "../load/series.ts";
import type { Span, SpanSeries } from "../load/span.ts";
import { VERSION } from "../version.ts";
import { runtimeOf } from "./bench_facts.ts";
import { bottleneckOf, LATE_PERCENTILE, type Result } from "./bench_result.ts";

/** Latencies in microseconds, with three digits behind the point. */
export function reportJson(result: Result): Record<string, unknown> {
  const { measured, plan, elapsedMs } = result;
  return {
    version: VERSION,
    runtime: runtimeOf(),
    startedAt: result.startedAt.toISOString(),
    server: result.server,
    ...planJson(result),
    elapsedMs: Math.round(elapsedMs),
    interruptedBy: result.interruptedBy ?? undefined,
    answered: measured.answered,
    perSecond: Math.round(measured.answered / elapsedMs * 1_000),
    failed: measured.failed,
    retransmissions: result.retransmissions,
    reads: { ...seriesJson(measured.reads, elapsedMs), hits: measured.hits },
    writes: seriesJson(measured.writes, elapsedMs),
    total: seriesJson(measured.total, elapsedMs),
    ...(plan.ratePerS === null ? {} : {
      lateP50Us: microseconds(measured.latenessMs(50)),
      lateP99Us: microseconds(measured.latenessMs(99)),
      lateP999Us: microseconds(measured.latenessMs(LATE_PERCENTILE)),
    }),
    ownCpuShare: Math.round(result.ownCpuShare * 100) / 100,
    bottleneck: bottleneckOf(result) ?? undefined,
    spans: measured.spans.map(spanJson),
  };
}

function planJson({ plan }: Result): Record<string, unknown> {
  const { workload, extent } = plan;
  return {
    threads: plan.threads,
    clients: plan.clients,
    outstanding: plan.ratePerS === null ? plan.outstanding : undefined,
    ratePerS: plan.ratePerS ?? undefined,
    keys: workload.keys,
    keyPrefix: workload.prefix,
    kept: plan.isKept,
    ttlMs: workload.ttlMs,
    readShare: workload.readShare,
    zipf: workload.zipf,
    valueBytes: workload.valueBytes,
    count: Number.isFinite(extent.count) ? extent.count : undefined,
    warmUpMs: plan.warmUpMs,
    timeoutMs: plan.timeoutMs,
  };
}

function seriesJson(series: Series, elapsedMs: number): Record<string, unknown> {
  const inUs = (percentile: number) => microseconds(series.latencyMs(percentile));
  return {
    answered: series.answered,
    perSecond: Math.round(series.answered / elapsedMs * 1_000),
    failed: series.failed,
    failures: Object.fromEntries(series.failures),
    p50Us: inUs(50),
    p90Us: inUs(90),
    p99Us: inUs(99),
    p999Us: inUs(99.9),
    maxUs: inUs(100),
  };
}

function spanJson({ startS, lengthS, reads, writes, total }: Span): Record<string, unknown> {
  return {
    startS,
    lengthS: Math.round(lengthS * 1e3) / 1e3,
    reads: spanSeriesJson(reads),
    writes: spanSeriesJson(writes),
    total: spanSeriesJson(total),
  };
}

function spanSeriesJson(series: SpanSeries): Record<string, unknown> {
  return {
    answered: series.answered,
    failed: series.failed,
    perSecond: Math.round(series.perS),
    leastPerSecond: Math.round(series.leastPerS),
    p99Us: microseconds(series.p99Ms),
    maxUs: microseconds(series.maxMs),
  };
}

/** Undefined for none, so that JSON leaves it out. */
function microseconds(ms: number | null): number | undefined {
  return ms === null ? undefined : Math.round(ms * 1e6) / 1e3;
}
