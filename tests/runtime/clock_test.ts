import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { makeClock } from "../../src/runtime/clock.ts";

function begin() {
  const source = { monotonic: 500, wall: 1_700_000_000_000, uptime: 90_000 };
  const now = makeClock({
    monotonicMs: () => source.monotonic,
    wallMs: () => source.wall,
    uptimeMs: () => source.uptime,
  });
  const startMs = now();
  const wake = (ms: number) => {
    source.monotonic += ms;
    source.wall += ms;
    source.uptime += ms;
  };
  const sleep = (ms: number) => {
    source.wall += ms;
    source.uptime += ms;
  };
  return { source, wake, sleep, elapsedMs: () => now() - startMs };
}

test("the clock runs with the monotonic clock", () => {
  const { wake, elapsedMs } = begin();
  wake(250);
  assertEquals(elapsedMs(), 250);
});

test("the clock counts the time that the machine slept, every time", () => {
  const { wake, sleep, elapsedMs } = begin();
  sleep(3_600_000);
  assertEquals(elapsedMs(), 3_600_000);
  wake(10);
  assertEquals(elapsedMs(), 3_600_010);
  sleep(60_000);
  wake(5);
  assertEquals(elapsedMs(), 3_660_015);
});

test("a wall clock that is set, forward or back, changes nothing", () => {
  const { source, wake, sleep, elapsedMs } = begin();
  source.wall += 7_200_000;
  wake(5);
  assertEquals(elapsedMs(), 5);
  source.wall -= 86_400_000;
  wake(5);
  assertEquals(elapsedMs(), 10);
  source.wall += 86_400_000;
  sleep(10_000);
  assertEquals(elapsedMs(), 10_010);
});

test("the system's own clocks give a clock that advances", async () => {
  const now = makeClock();
  const startMs = now();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const elapsedMs = now() - startMs;
  assert(elapsedMs > 10 && elapsedMs < 60_000);
});
