/** The report of `kg bench` as one picture: the charts one under the other, for a phone as well. */

import { CHART_HEIGHT, CHART_STYLE, CHART_WIDTH, lineChart } from "../charts/line_chart.ts";
import { escapeXml } from "../charts/xml.ts";
import { chartsOf } from "./bench_charts.ts";
import { allFactsOf, headlineOf } from "./bench_facts.ts";
import { bottleneckOf, type Result } from "./bench_result.ts";

const MARGIN = 12;
const WIDTH = CHART_WIDTH + 2 * MARGIN;
const LINE = 17;
/** Characters of 12 pixels that fit. */
const LINE_CHARS = 56;
const GAP = 14;

const STYLE = `${CHART_STYLE}
.chart .ground { fill: var(--ground); }
.chart text.title { font-size: 18px; font-weight: 600; }
.chart text.large { font-size: 15px; font-weight: 600; }
.chart text.soft { fill: var(--soft); }
`;

export function svgOf(result: Result, command: string): string {
  const parts: string[] = [];
  let y = MARGIN;
  const write = (text: string, kind: string, height: number) => {
    y += height;
    parts.push(`<text class="${kind}" x="${MARGIN}" y="${y}">${escapeXml(text)}</text>`);
  };
  write("Kilogram under load", "title", 20);
  const headline = headlineOf(result);
  const [[rateName, rate], ...others] = headline;
  write(`${rate} ${rateName}`, "large", 22);
  write(others.map(([name, value]) => `${name} ${value}`).join(" · "), "plain", 20);
  y += 14;
  for (const chart of result.measured.ended === 0 ? [] : chartsOf(result.measured)) {
    const place = `x="${MARGIN}" y="${y}" width="${CHART_WIDTH}" height="${CHART_HEIGHT}"`;
    parts.push(lineChart(chart, place));
    y += CHART_HEIGHT + GAP;
  }
  const warning = bottleneckOf(result);
  const facts = allFactsOf(result, command).map(([name, value]) => `${name}: ${value}`);
  for (const fact of warning === null ? facts : [...facts, `warning: ${warning}`]) {
    for (const line of inLines(fact)) write(line, "soft", LINE);
  }
  const height = y + MARGIN + 4;
  const told = headline.map(([name, value]) => `${value} ${name}`).join(", ");
  return `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `width="${WIDTH}" height="${height}" role="img" aria-labelledby="title text">
<title id="title">Kilogram under load</title>
<desc id="text">${escapeXml(told)}</desc>
<style>${STYLE}</style>
<rect class="ground" width="${WIDTH}" height="${height}"/>
${parts.join("\n")}
</svg>
`;
}

/** A text in lines that fit, broken at blanks; those after the first are indented. */
function inLines(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1];
    if (line !== "" && line.length + 1 + word.length > LINE_CHARS) lines.push(`\u2003${word}`);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
