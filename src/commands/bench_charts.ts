/** The charts of a run of `kg bench`. */

import type { Line, LineChart } from "../charts/line_chart.ts";
import {
  exactScale,
  linearScale,
  logScale,
  percentileOf,
  percentileScale,
} from "../charts/scale.ts";
import type { Measured } from "../load/measured.ts";
import type { Series } from "../load/series.ts";
import { inRows, type Span, type SpanSeries } from "../load/span.ts";
import { milliseconds, whole } from "./bench_numbers.ts";

/** Most points of a line over time: a picture of 100 KiB can't show more. */
const MAX_POINTS = 240;
const POINTS_OF_NINE = 10;
const MOST_NINES = 5;
/** Calls beyond the last percentile that is drawn. */
const LEAST_CALLS = 10;
const LEAST_MS = 0.001;

const SORTS = ["reads", "writes"] as const;
const COLORS = { reads: 0, writes: 1 } as const;

/** @param measured with a call that ended, at least */
export function chartsOf(measured: Measured): LineChart[] {
  const spans = inRows(measured.spans, MAX_POINTS);
  return [throughputChart(spans), p99Chart(spans), percentileChart(measured)];
}

function percentileChart(measured: Measured): LineChart {
  const sorts = SORTS.filter((sort) => measured[sort].ended > 0);
  const nines = Math.ceil(Math.max(...sorts.map((sort) => ninesOf(measured[sort]))));
  const lines = sorts.map((name) => percentileLine(name, measured[name]));
  const told = sorts.map((sort) => {
    const [half, most] = [50, 99].map((percentile) => measured[sort].latencyMs(percentile));
    return `${sort}: half within ${milliseconds(half)}, 99 % within ${milliseconds(most)}`;
  });
  return {
    id: "percentiles",
    title: "Latency by percentile",
    description: `${told.join("; ")}. Both axes are logarithmic.`,
    xName: "percent of the calls, logarithmic",
    yName: "ms, logarithmic",
    x: percentileScale(nines),
    y: msScale(lines),
    lines,
    isMarked: false,
  };
}

/** How many nines can be told from so many calls, in tenths. */
function ninesOf({ ended }: Series): number {
  const nines = Math.max(1, Math.min(MOST_NINES, Math.log10(ended / LEAST_CALLS)));
  return Math.floor(nines * POINTS_OF_NINE) / POINTS_OF_NINE;
}

function percentileLine(name: (typeof SORTS)[number], series: Series): Line {
  const points = Array.from(
    { length: Math.round(ninesOf(series) * POINTS_OF_NINE) + 1 },
    (_, i) => {
      const percentile = percentileOf(i / POINTS_OF_NINE);
      return [percentile, series.latencyMs(percentile)] as const;
    },
  );
  return { name, color: COLORS[name], points };
}

function throughputChart(spans: readonly Span[]): LineChart {
  const lines = linesOf(spans, ({ leastPerS }) => leastPerS);
  const most = Math.max(1, ...valuesOf(lines));
  const least = Math.min(...spans.map(({ total }) => total.leastPerS));
  const best = Math.max(...spans.map(({ total }) => total.perS));
  return {
    id: "throughput",
    title: "Throughput over time",
    description: `Calls answered a second, both sorts together: ${whole(least)} to ${whole(best)}.`,
    yName: "answered a second",
    y: linearScale(most),
    lines,
    isMarked: true,
    ...timeAxis(spans),
  };
}

function p99Chart(spans: readonly Span[]): LineChart {
  const lines = linesOf(spans, ({ p99Ms }) => p99Ms);
  const worst = Math.max(...valuesOf(lines));
  return {
    id: "p99",
    title: "Slowest 1 % over time (p99)",
    description: `In the worst second one call in a hundred took ${milliseconds(worst)} or more.`,
    yName: "ms, logarithmic",
    y: msScale(lines),
    lines,
    isMarked: true,
    ...timeAxis(spans),
  };
}

/** @param valueOf what is drawn: of a span of several seconds, of the worst of them */
function linesOf(
  spans: readonly Span[],
  valueOf: (series: SpanSeries) => number | null,
): Line[] {
  const { divisor } = unitOf(spans);
  const sorts = SORTS.filter((sort) => spans.some((span) => hasCalls(span[sort])));
  return sorts.map((name) => {
    const points = spans.map((span) => {
      return [(span.startS + span.lengthS / 2) / divisor, valueOf(span[name])] as const;
    });
    return { name, color: COLORS[name], points };
  });
}

function hasCalls({ answered, failed }: SpanSeries): boolean {
  return answered + failed > 0;
}

function isOfSeconds([first]: readonly Span[]): boolean {
  return first.lengthS < 2;
}

function timeAxis(spans: readonly Span[]): Pick<LineChart, "x" | "xName"> {
  const { name, divisor } = unitOf(spans);
  const note = isOfSeconds(spans) ? "" : `; the worst of ${Math.round(spans[0].lengthS)} s each`;
  return { x: exactScale(endOf(spans) / divisor), xName: `${name} from the start${note}` };
}

/** Seconds, or minutes or hours of a long run. */
function unitOf(spans: readonly Span[]): { name: string; divisor: number } {
  const endS = endOf(spans);
  if (endS <= 180) return { name: "seconds", divisor: 1 };
  return endS <= 10_800 ? { name: "minutes", divisor: 60 } : { name: "hours", divisor: 3_600 };
}

function endOf(spans: readonly Span[]): number {
  const last = spans[spans.length - 1];
  return last.startS + last.lengthS;
}

function msScale(lines: readonly Line[]) {
  const values = valuesOf(lines).map((ms) => Math.max(LEAST_MS, ms));
  return logScale(Math.min(...values), Math.max(...values));
}

function valuesOf(lines: readonly Line[]): number[] {
  return lines.flatMap(({ points }) => points.flatMap(([, y]) => y ?? []));
}
