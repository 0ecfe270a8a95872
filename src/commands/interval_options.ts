/** The options of commands that look again and again. */

import type { Input, Options } from "./command.ts";
import { formatDuration, parseCount, parseDuration } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

/** More often would be load, not looking. */
const LEAST_INTERVAL_MS = 10;
/** Timers take up to 2^31 − 1 ms, 24.8 days. */
const MOST_INTERVAL_MS = 24 * 86_400_000;
const MOST = 1e15;

export const INTERVAL_OPTION = (standard: string) =>
  ({
    interval: {
      type: "string",
      value: "TIME",
      help: `how often to look (default: ${standard})`,
    },
  }) as const satisfies Options;

export const COUNT_OPTION = {
  count: { type: "string", value: "N", help: "end after N (default: never)" },
} as const satisfies Options;

export function intervalMsOf(input: Input, standard: string): number {
  const ms = parseDuration("--interval", input.text("interval") ?? standard);
  if (ms >= LEAST_INTERVAL_MS && ms <= MOST_INTERVAL_MS) return ms;
  throw new UsageError(
    `--interval ${input.text("interval")}: from ${LEAST_INTERVAL_MS}ms to ${
      formatDuration(MOST_INTERVAL_MS)
    }`,
  );
}

export function countOf(input: Input): number {
  const text = input.text("count");
  return text === undefined ? Number.POSITIVE_INFINITY : parseCount("--count", text, 1, MOST);
}
