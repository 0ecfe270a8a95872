/**
 * A clock that never goes backwards and counts the time that the machine sleeps.
 *
 * On Linux and macOS a monotonic clock stands still during sleep, and a wall clock can be set. So
 * where the wall clock runs ahead of the monotonic one, the system's uptime, which counts sleep
 * (CLOCK_BOOTTIME on Linux), decides whether the machine slept or the clock was set.
 */

import { uptime } from "node:os";
import { isAllowed } from "./permission.ts";

/** Uptime comes in whole seconds on some systems. */
const MIN_SLEEP_MS = 2_000;

export interface ClockSources {
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
  /** Time since the machine started, sleep included. */
  readonly uptimeMs: () => number;
}

const SYSTEM: ClockSources = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  uptimeMs: systemUptimeMs,
};

/** NaN where Deno has not been allowed to tell it: then time asleep is not counted. */
function systemUptimeMs(): number {
  return isAllowed({ name: "sys", kind: "osUptime" }) ? uptime() * 1_000 : Number.NaN;
}

/** Makes a clock in milliseconds; its origin is arbitrary. */
export function makeClock({ monotonicMs, wallMs, uptimeMs }: ClockSources = SYSTEM): () => number {
  let sleptMs = 0;
  let wallOffsetMs = wallMs() - monotonicMs();
  let uptimeOffsetMs = uptimeMs() - monotonicMs();
  return () => {
    const nowMs = monotonicMs();
    const aheadMs = wallMs() - nowMs - wallOffsetMs;
    wallOffsetMs += aheadMs;
    if (aheadMs > MIN_SLEEP_MS) {
      const asleepMs = uptimeMs() - nowMs - uptimeOffsetMs;
      if (asleepMs > MIN_SLEEP_MS) {
        sleptMs += asleepMs;
        uptimeOffsetMs += asleepMs;
      }
    }
    return nowMs + sleptMs;
  };
}
