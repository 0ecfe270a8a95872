import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { makeClock } from "../../src/runtime/clock.ts";

function begin() {
  const source = { monotonicMs: 500, wallMs: 1_700_000_000_000 };
  const now = makeClock(
    () => source.monotonicMs,
    () => source.wallMs,
  );
  const startMs = now();
  return { source, elapsedMs: () => now() - startMs };
}

test("it runs with the monotonic clock", () => {
  const { source, elapsedMs } = begin();
  source.monotonicMs += 250;
  source.wallMs += 250;
  assertEquals(elapsedMs(), 250);
});

test("it counts the time that the machine slept", () => {
  const { source, elapsedMs } = begin();
  source.wallMs += 3_600_000;
  source.monotonicMs += 10;
  assertEquals(elapsedMs(), 3_600_000);
  source.wallMs += 10;
  source.monotonicMs += 10;
  assertEquals(elapsedMs(), 3_600_010);
});

test("a wall clock that is set back, or corrected a little, changes nothing", () => {
  const { source, elapsedMs } = begin();
  source.wallMs -= 86_400_000;
  source.monotonicMs += 5;
  assertEquals(elapsedMs(), 5);
  for (let i = 0; i < 100; i++) {
    source.wallMs += 900;
    source.monotonicMs += 1;
    elapsedMs();
  }
  assertEquals(elapsedMs(), 105);
});
