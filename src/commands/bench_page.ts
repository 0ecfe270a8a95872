/** The report of `kg bench` as a page: charts, and all numbers under them. Nothing else is loaded. */

import { CHART_STYLE, lineChart } from "../charts/line_chart.ts";
import { escapeXml } from "../charts/xml.ts";
import { inRows, type Span } from "../load/span.ts";
import { chartsOf } from "./bench_charts.ts";
import { allFactsOf, type Fact, headlineOf } from "./bench_facts.ts";
import { milliseconds, percentileName, whole } from "./bench_numbers.ts";
import { bottleneckOf, type Result } from "./bench_result.ts";

const PERCENTILES = [50, 75, 90, 95, 99, 99.9, 99.99, 100] as const;
const MAX_ROWS = 60;

const STYLE = `${CHART_STYLE}
:root { color-scheme: light dark; }
body { margin: 0; background: Canvas; }
.page { background: var(--ground); color: var(--ink); min-height: 100vh; box-sizing: border-box;
  padding: 24px 16px 48px; font: 16px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 960px; margin: 0 auto; }
h1 { font-size: 1.5rem; margin: 0 0 4px; } h2 { font-size: 1.1rem; margin: 32px 0 8px; }
p { margin: 4px 0; } .soft { color: var(--soft); }
.warning { border-left: 4px solid var(--line-1); padding: 4px 12px; margin: 16px 0; }
.headline { display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px;
  margin: 20px 0; padding: 0; }
@media (max-width: 640px) { .headline { grid-template-columns: 1fr 1fr; } }
.headline div { border: 1px solid var(--grid); border-radius: 8px; padding: 8px 12px; }
.headline dt { color: var(--soft); font-size: .85rem; }
.headline dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.charts { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
.charts h2 { margin: 0 0 4px; }
.chart { width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: 3px 12px 3px 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--grid); }
th:first-child { text-align: left; font-weight: 400; } thead th { color: var(--soft); font-weight: 400; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 0; font-size: .9rem; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; }
`;

export function pageOf(result: Result, command: string): string {
  const { measured, startedAt } = result;
  const warning = bottleneckOf(result);
  const hasCalls = measured.ended > 0;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kg bench, ${day(startedAt)}</title>
<style>${STYLE}</style>
</head>
<body class="page">
<main>
<h1>Kilogram under load</h1>
<p class="soft">${escapeXml(command)}</p>
<dl class="headline">${headlineOf(result).map(card).join("")}</dl>
${warning === null ? "" : `<p class="warning">${escapeXml(capital(warning))}.</p>`}
${hasCalls ? charts(result) : "<p>No call ended.</p>"}
<h2>Over time</h2>
${hasCalls ? timeTable(inRows(measured.spans, MAX_ROWS)) : ""}
<h2>The run</h2>
<dl class="facts">${allFactsOf(result, command).map(fact).join("")}</dl>
<p class="soft">A failed call counts in the latencies with the time until its caller knew. A call counts
in the second in which it ended.</p>
</main>
</body>
</html>
`;
}

function charts(result: Result): string {
  const figures = chartsOf(result.measured).map((chart) => lineChart(chart));
  return `<div class="charts">${figures.join("\n")}
<div><h2>Latency</h2>
${percentileTable(result)}</div></div>`;
}

function percentileTable({ measured: { reads, writes, total } }: Result): string {
  const all = [reads, writes, total];
  const rows = PERCENTILES.map((percentile) => [
    percentileName(percentile),
    ...all.map((series) => milliseconds(series.latencyMs(percentile))),
  ]);
  const counts = [
    ["answered", ...all.map(({ answered }) => whole(answered))],
    ["failed", ...all.map(({ failed }) => whole(failed))],
  ];
  return table(["", "reads", "writes", "total"], [...rows, ...counts]);
}

function timeTable(spans: readonly Span[]): string {
  const isJoined = spans[0].lengthS >= 2;
  const note = isJoined
    ? `<p class="soft">${Math.round(spans[0].lengthS)} seconds a row, with the worst of them.</p>`
    : "";
  const head = ["from", "reads/s", "writes/s", ...(isJoined ? ["least/s"] : [])];
  const rows = spans.map(({ startS, reads, writes, total }) => [
    `${whole(startS)} s`,
    whole(reads.perS),
    whole(writes.perS),
    ...(isJoined ? [whole(total.leastPerS)] : []),
    milliseconds(reads.p99Ms),
    milliseconds(writes.p99Ms),
    whole(total.failed),
  ]);
  return note + table([...head, "p99 of reads", "p99 of writes", "failed"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const heads = head.map((cell) => `<th scope="col">${escapeXml(cell)}</th>`).join("");
  const body = rows.map(([first, ...others]) => {
    const cells = others.map((cell) => `<td>${escapeXml(cell)}</td>`).join("");
    return `<tr><th scope="row">${escapeXml(first)}</th>${cells}</tr>`;
  });
  return `<div class="scroll" tabindex="0"><table><thead><tr>${heads}</tr></thead>
<tbody>${body.join("\n")}</tbody></table></div>`;
}

function card([name, value]: Fact): string {
  return `<div><dt>${escapeXml(name)}</dt><dd>${escapeXml(value)}</dd></div>`;
}

function fact([name, value]: Fact): string {
  return `<dt>${escapeXml(name)}</dt><dd>${escapeXml(value)}</dd>\n`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function capital(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}
