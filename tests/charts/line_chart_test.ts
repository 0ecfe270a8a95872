import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type LineChart, lineChart, type Point } from "../../src/charts/line_chart.ts";
import { linearScale } from "../../src/charts/scale.ts";

function chartOf(points: readonly Point[], changes: Partial<LineChart> = {}): LineChart {
  return {
    id: "c",
    title: "A < B",
    description: 'says "what" & why',
    xName: "seconds",
    yName: "calls",
    x: linearScale(10),
    y: linearScale(10),
    lines: [{ name: "reads", color: 0, points }],
    isMarked: true,
    ...changes,
  };
}

const pathOf = (svg: string) => /class="line line-0" d="(M[^h"]*)"/.exec(svg)?.[1];

test("a line goes through its points, from the lower left upwards, and leaves gaps", () => {
  const svg = lineChart(chartOf([[0, 0], [10, 10], [10, null], [5, 5]]));
  const places = pathOf(svg)?.match(/[ML][\d.]+ [\d.]+/g) ?? [];
  assertEquals(places.map((place) => place[0]), ["M", "L", "M"]);
  const [[x0, y0], [x1, y1], [x2, y2]] = places.map((each) => each.slice(1).split(" ").map(Number));
  assert(x0 < x2 && x2 < x1 && y0 > y2 && y2 > y1, places.join());
  assertEquals([x2 * 2, y2 * 2], [x0 + x1, y0 + y1]);
});

test("few points have marks, many have none, nor has a line that is not measured there", () => {
  const points = (count: number) => Array.from({ length: count }, (_, i) => [i, i] as const);
  assertMatch(lineChart(chartOf(points(10))), /class="mark mark-0"/);
  assert(!lineChart(chartOf(points(10), { isMarked: false })).includes('class="mark'));
  assert(!lineChart(chartOf(points(100))).includes('class="mark'));
});

test("a chart has a title and a description, tells its names, and escapes them", () => {
  const svg = lineChart(chartOf([[1, 1]]));
  assertMatch(svg, /<title id="c-title">A &lt; B<\/title>/);
  assertMatch(svg, /<desc id="c-text">says &quot;what&quot; &amp; why<\/desc>/);
  assertMatch(svg, /role="img" aria-labelledby="c-title c-text"/);
  for (const name of ["seconds", "calls", "reads"]) assertMatch(svg, new RegExp(`>${name}</text>`));
  assert(!/NaN|undefined|Infinity/.test(svg));
});

test("without a single point there is no line", () => {
  assertEquals(pathOf(lineChart(chartOf([[1, null]]))), undefined);
});
