/**
 * A clock that all threads of a process read alike: each thread's performance.now() begins at 0.
 * Source: clock_gettime(2), CLOCK_MONOTONIC.
 */

import { LIBC, openLibrary, type Pointer, pointerTo } from "../foreign.ts";

interface Libc {
  clock_gettime(clock: number, time: Pointer): number;
}

const CLOCK_MONOTONIC = 1;
/** A thread may lose its processor between two looks at clocks: the quickest of some attempts counts. */
const ATTEMPTS = 50;

/** Milliseconds to be added to this thread's performance.now(), for a clock with one origin. */
export function monotonicOffsetMs(): number {
  const libc = openLibrary<Libc>(LIBC, {
    clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  });
  if (libc === null) throw new Error("this system has no clock that threads read alike");
  // A struct timespec: seconds and nanoseconds, 64 bits each.
  const time = new Uint32Array(new ArrayBuffer(16));
  const at = pointerTo(time);
  let offsetMs = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ATTEMPTS; i++) {
    const before = performance.now();
    libc.clock_gettime(CLOCK_MONOTONIC, at);
    const after = performance.now();
    if (after - before >= least) continue;
    least = after - before;
    const seconds = time[0] + time[1] * 2 ** 32;
    offsetMs = seconds * 1_000 + time[2] / 1e6 - (before + after) / 2;
  }
  return offsetMs;
}
