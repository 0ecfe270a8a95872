import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { formatSize, parseDuration, parseSize } from "../../src/commands/quantities.ts";
import { UsageError } from "../../src/commands/usage_error.ts";

test("times", () => {
  const cases: [string, number][] = [
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5s", 1_500],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
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
    ]
  ) {
    const error = assertThrows(() => parseDuration("--ttl", bad), UsageError, "--ttl");
    assertEquals(error.message.includes("30s"), true, bad);
  }
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
