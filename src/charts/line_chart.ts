/** A chart of lines over two axes, as SVG text. */

import type { Scale } from "./scale.ts";
import { escapeXml } from "./xml.ts";

/** A place of a line; null leaves a gap. */
export type Point = readonly [x: number, y: number | null];

export interface Line {
  readonly name: string;
  /** The first is drawn solid, the second dashed. */
  readonly color: 0 | 1;
  /** In the order of x. */
  readonly points: readonly Point[];
}

export interface LineChart {
  /** Unique among the charts of a page: letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  /** What a reader who can't see it should know. */
  readonly description: string;
  readonly xName: string;
  readonly yName: string;
  readonly x: Scale;
  readonly y: Scale;
  readonly lines: readonly Line[];
  /** Whether each point has a mark, if they are few: for what was measured at each of them. */
  readonly isMarked: boolean;
}

/** Of a chart, in the units of its viewBox. The text is legible when it is 330 pixels wide, as on a phone. */
export const CHART_WIDTH = 420;
export const CHART_HEIGHT = 290;
const PLOT = { left: 46, top: 52, right: 396, bottom: 244 } as const;
/** Most points of a line that have marks. */
const MOST_MARKS = 40;
const LEGEND_STEP = 74;
const MARK_RADIUS = 2.4;

/** @param place attributes such as x and y, if it stands within another picture */
export function lineChart(chart: LineChart, place = ""): string {
  const { id, title, description, xName, yName, lines } = chart;
  const { left, right, top } = PLOT;
  return `<svg class="chart" ${place} viewBox="0 0 ${CHART_WIDTH} ${CHART_HEIGHT}" role="img" ` +
    `aria-labelledby="${id}-title ${id}-text" xmlns="http://www.w3.org/2000/svg">
<title id="${id}-title">${escapeXml(title)}</title>
<desc id="${id}-text">${escapeXml(description)}</desc>
<text class="heading" x="0" y="20">${escapeXml(title)}</text>
<text class="axis" x="0" y="40">${escapeXml(yName)}</text>
${legend(lines)}
${yAxis(chart)}
${xAxis(chart)}
<text class="axis" x="${(left + right) / 2}" y="${CHART_HEIGHT - 8}" text-anchor="middle">${
      escapeXml(xName)
    }</text>
${lines.map((line) => lineOf(line, chart)).join("\n")}
<path class="frame" d="M${left} ${top}V${PLOT.bottom}H${right}"/>
</svg>`;
}

/** To be put into a style element once for all charts; light and dark. */
export const CHART_STYLE = `
.chart, .page { --ink: #1b1e23; --soft: #565d68; --grid: #e2e5ea; --ground: #ffffff;
  --line-0: #0068a8; --line-1: #c24e00; }
@media (prefers-color-scheme: dark) { .chart, .page { --ink: #eceef1; --soft: #a9b1bd;
  --grid: #333942; --ground: #15181d; --line-0: #5db8f0; --line-1: #f5a14a; } }
.chart text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--ink); }
.chart text.heading { font-size: 14px; font-weight: 600; }
.chart text.axis, .chart text.tick { fill: var(--soft); }
.chart .grid { stroke: var(--grid); stroke-width: 1; }
.chart .frame { fill: none; stroke: var(--soft); stroke-width: 1; }
.chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.chart .line-0 { stroke: var(--line-0); } .chart .line-1 { stroke: var(--line-1); }
.chart .line-1.line { stroke-dasharray: 6 4; stroke-linecap: butt; }
.chart .mark { stroke: none; }
.chart .mark-0 { fill: var(--line-0); } .chart .mark-1 { fill: var(--line-1); }
`;

function legend(lines: readonly Line[]): string {
  return lines.map(({ name, color }, i) => {
    const x = PLOT.right - LEGEND_STEP * (lines.length - i);
    return `<path class="line line-${color}" d="M${x} 36h20"/>` +
      `<text x="${x + 26}" y="40">${escapeXml(name)}</text>`;
  }).join("\n");
}

function yAxis({ y }: LineChart): string {
  return y.ticks.map(({ value, label }) => {
    const at = yOf(y, value);
    return `<path class="grid" d="M${PLOT.left} ${at}H${PLOT.right}"/>` +
      `<text class="tick" x="${PLOT.left - 6}" y="${
        round(at + 4)
      }" text-anchor="end">${label}</text>`;
  }).join("\n");
}

function xAxis({ x }: LineChart): string {
  return x.ticks.map(({ value, label }) => {
    const at = xOf(x, value);
    return `<path class="grid" d="M${at} ${PLOT.top}V${PLOT.bottom}"/>` +
      `<text class="tick" x="${at}" y="${PLOT.bottom + 17}" text-anchor="middle">${label}</text>`;
  }).join("\n");
}

function lineOf({ points, color }: Line, { x, y, isMarked }: LineChart): string {
  let isOpen = false;
  const steps: string[] = [];
  const marks: string[] = [];
  for (const [atX, atY] of points) {
    if (atY !== null) {
      const place = `${xOf(x, atX)} ${yOf(y, atY)}`;
      steps.push(`${isOpen ? "L" : "M"}${place}`);
      marks.push(place);
    }
    isOpen = atY !== null;
  }
  if (steps.length === 0) return "";
  const dots = isMarked && marks.length <= MOST_MARKS ? marks.map(dot).join("") : "";
  const path = `<path class="line line-${color}" d="${steps.join("")}"/>`;
  return dots === "" ? path : `${path}\n<path class="mark mark-${color}" d="${dots}"/>`;
}

/** A circle as a part of a path. */
function dot(place: string): string {
  const r = MARK_RADIUS;
  return `M${place}m-${r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0-${2 * r} 0z`;
}

function xOf(x: Scale, value: number): number {
  return round(PLOT.left + x.place(value) * (PLOT.right - PLOT.left));
}

function yOf(y: Scale, value: number): number {
  return round(PLOT.bottom - y.place(value) * (PLOT.bottom - PLOT.top));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
