import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  exactScale,
  linearScale,
  logScale,
  percentileOf,
  percentileScale,
  type Scale,
  shortNumber,
} from "../../src/charts/scale.ts";

const labelsOf = ({ ticks }: Scale) => ticks.map(({ label }) => label).join(" ");

test("round numbers along a linear axis", () => {
  assertEquals(labelsOf(linearScale(7)), "0 2 4 6 8");
  assertEquals(labelsOf(linearScale(0.3)), "0 0.1 0.2 0.3");
  assertEquals(labelsOf(linearScale(99_999)), "0 20k 40k 60k 80k 100k");
  assertEquals(linearScale(7).place(6), 0.75);
  assertEquals(labelsOf(exactScale(7)), "0 2 4 6");
  assertEquals(exactScale(7).place(7), 1);
});

test("1, 2 and 5 along a short logarithmic axis, powers of ten along a long one", () => {
  assertEquals(labelsOf(logScale(0.3, 6)), "0.2 0.5 1 2 5 10");
  assertEquals(labelsOf(logScale(0.08, 1_011)), "0.1 1 10 100 1,000");
  for (const [least, most] of [[5, 5], [1, 1], [0.31, 0.32], [0.001, 60_000], [999, 1_001]]) {
    const { ticks, place } = logScale(least, most);
    assert(ticks.length >= 2, `${least} to ${most}`);
    for (const { value } of ticks) assert(place(value) >= 0 && place(value) <= 1);
    assert(place(least) >= 0 && place(most) <= 1 && place(least) <= place(most));
    assert(place(least) < 1, `${least} to ${most}`);
  }
});

test("percentiles have as much room for each nine", () => {
  const { ticks, place } = percentileScale(4);
  assertEquals(ticks.map(({ label }) => label), ["0", "50", "90", "99", "99.9", "99.99"]);
  assertEquals([0, 90, 99, 99.99].map((p) => Math.round(place(p) * 100)), [0, 25, 50, 100]);
  assertEquals([0, 1, 2, 3].map(percentileOf), [0, 90, 99, 99.9]);
});

test("a value beyond an axis is moved to its end", () => {
  assertEquals([linearScale(10).place(-1), linearScale(10).place(99)], [0, 1]);
  assertEquals([logScale(1, 10).place(0), percentileScale(2).place(100)], [0, 1]);
});

test("short numbers", () => {
  assertEquals([0, 0.5, 999, 1_500, 2e6, 3e9].map(shortNumber), [
    "0",
    "0.5",
    "999",
    "1.5k",
    "2M",
    "3G",
  ]);
});
