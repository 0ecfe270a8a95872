import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import {
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
} from "../../src/commands/quantities.ts";
import { UsageError } from "../../src/commands/usage_error.ts";

test("times", () => {
  const cases: [string, number][] = [
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5s", 1_500],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
    ["1w", 604_800_000],
    ["1h30m", 5_400_000],
    ["1d12h0.5s", 129_600_500],
  ];
  for (const [written, ms] of cases) assertEquals(parseDuration("--ttl", written), ms);
});

test("an invalid time is refused, and the error names the option and gives examples", () => {
  for (
    const bad of [
      "",
      "10",
      "0s",
      "-1s",
      "1 s",
      "1sec",
      "s",
      "1e3s",
      "0.1ms",
      "30m1h",
      "1h1h",
      "1h30",
      "1..5s",
      "forever",
    ]
  ) {
    const error = assertThrows(() => parseDuration("--ttl", bad), UsageError, "--ttl");
    assertEquals(error.message.includes("30s"), true, bad);
  }
});

test("times are written in the largest units", () => {
  assertEquals([0, 999, 61_000, 90_000_000].map((ms) => formatDuration(ms)), [
    "0ms",
    "999ms",
    "1m",
    "1d",
  ]);
  assertEquals([0, 61_000, 3_600_000, 90_061_000].map((ms) => formatDuration(ms, 2)), [
    "0ms",
    "1m1s",
    "1h",
    "1d1h",
  ]);
});

test("a time too large for a number is too long", () => {
  assertThrows(() => parseDuration("--ttl", "999999999999999d"), UsageError, "too long");
});

test("sizes", () => {
  assertEquals(parseSize("--memory", "256MiB", 1, 2 ** 34), 268_435_456);
  assertEquals(parseSize("--memory", "1GB", 1, 2 ** 34), 1_000_000_000);
  assertEquals(parseSize("--memory", "1.5KiB", 1, 2 ** 34), 1536);
  for (const bad of ["", "256", "256M", "lots", "-1MiB"]) {
    assertThrows(() => parseSize("--memory", bad, 1, 2 ** 34), UsageError, "64MiB");
  }
  assertThrows(() => parseSize("--memory", "1KiB", 2 ** 20, 2 ** 34), UsageError, "at least 1 MiB");
  for (const absurd of ["2000GiB", `${"9".repeat(400)}GiB`]) {
    assertThrows(() => parseSize("--memory", absurd, 1, 2 ** 34), UsageError, "at most 16 GiB");
  }
});

test("sizes are written in the largest unit", () => {
  assertEquals([1, 1536, 2 ** 28, 2 ** 31].map(formatSize), ["1 B", "1.5 KiB", "256 MiB", "2 GiB"]);
});
