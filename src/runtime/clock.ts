/**
 * A clock that never goes backwards and counts the time that the machine slept.
 *
 * A monotonic clock stands still in sleep, on Linux and macOS, and a wall clock can be set back.
 * Where the wall clock runs ahead of the monotonic one by more than a second, the machine slept
 * (or the wall clock was set forward, which at worst makes a client ask for the epoch again).
 */

const MIN_SLEEP_MS = 1_000;

/** Makes a clock of milliseconds; its origin is arbitrary. */
export function makeClock(
  monotonicMs: () => number = () => performance.now(),
  wallMs: () => number = () => Date.now(),
): () => number {
  let sleptMs = 0;
  let offsetMs = wallMs() - monotonicMs();
  return () => {
    const nowMs = monotonicMs();
    const aheadMs = wallMs() - nowMs - offsetMs;
    if (aheadMs > MIN_SLEEP_MS) sleptMs += aheadMs;
    offsetMs += aheadMs;
    return nowMs + sleptMs;
  };
}
