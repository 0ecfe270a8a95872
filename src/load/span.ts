/** What happened in a second of a load, or in several: rates, and the latencies of what ended then. */

import type { Series } from "./series.ts";

export interface Span {
  /** From the start of the measurement. */
  readonly startS: number;
  readonly lengthS: number;
  readonly reads: SpanSeries;
  readonly writes: SpanSeries;
  readonly total: SpanSeries;
}

export interface SpanSeries {
  readonly answered: number;
  readonly failed: number;
  readonly perS: number;
  /** The fewest that were answered a second, of the span's seconds. */
  readonly leastPerS: number;
  /** Of its worst second; null if no call ended. */
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

const P99 = 99;

/** @param lengthS above 0 */
export function spanSeries(series: Series, lengthS: number): SpanSeries {
  const { answered, failed } = series;
  const perS = answered / lengthS;
  const [p99Ms, maxMs] = [series.latencyMs(P99), series.latencyMs(100)];
  return { answered, failed, perS, leastPerS: perS, p99Ms, maxMs };
}

/** Two spans, one after the other, as one: the worst second is kept. */
export function joinSpans(a: Span, b: Span): Span {
  const lengthS = a.lengthS + b.lengthS;
  const of = (sort: "reads" | "writes" | "total") => joinSeries(a[sort], b[sort], lengthS);
  const [reads, writes, total] = [of("reads"), of("writes"), of("total")];
  return { startS: a.startS, lengthS, reads, writes, total };
}

function joinSeries(a: SpanSeries, b: SpanSeries, lengthS: number): SpanSeries {
  const answered = a.answered + b.answered;
  return {
    answered,
    failed: a.failed + b.failed,
    perS: answered / lengthS,
    leastPerS: Math.min(a.leastPerS, b.leastPerS),
    p99Ms: worse(a.p99Ms, b.p99Ms),
    maxMs: worse(a.maxMs, b.maxMs),
  };
}

function worse(a: number | null, b: number | null): number | null {
  return a === null || b === null ? a ?? b : Math.max(a, b);
}

/** Spans in at most `most` rows, each of as many spans as the others, but for the last. */
export function inRows(spans: readonly Span[], most: number): Span[] {
  const length = Math.ceil(spans.length / most);
  const rows: Span[] = [];
  for (let i = 0; i < spans.length; i += length) {
    rows.push(spans.slice(i, i + length).reduce(joinSpans));
  }
  return rows;
}
