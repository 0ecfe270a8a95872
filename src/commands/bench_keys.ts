/** The keys of `kg bench`: their names are its own, they expire, and it drops them at the end. */

import { randomBytes } from "node:crypto";
import type { Calls } from "../client.ts";
import { KEY_DIGITS } from "../load/workload.ts";
import type { Extent } from "../load/loops.ts";
import { MAX_KEY_BYTES } from "../protocol/frame.ts";
import { atEachServer } from "./each_server.ts";
import { complain } from "./output.ts";
import { formatDuration } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

const RANDOM_BYTES = 4;
/** How long keys outlive the run, if they can't be dropped. */
const MARGIN_MS = 600_000;
/** A slow server sets keys at this pace. */
const FILL_MS_PER_KEY = 0.1;
/** How long a run is taken to last that ends with a count. */
const UNKNOWN_RUN_MS = 86_400_000;
/** A backend looks at all keys for a drop. */
const DROP_TIMEOUT_MS = 5_000;

/** A prefix that no other run has, such as `bench:7f3a9c2e:`. */
export function freshPrefix(): string {
  return `bench:${randomBytes(RANDOM_BYTES).toString("hex")}:`;
}

/** @throws {UsageError} if there is no room for a number behind it */
export function prefixOf(text: string): string {
  const most = MAX_KEY_BYTES - KEY_DIGITS;
  const bytes = new TextEncoder().encode(text).length;
  if (bytes >= 1 && bytes <= most) return text;
  throw new UsageError(`--prefix has ${bytes} bytes: give 1 to ${most}`);
}

/** How long keys must live that are set first, in ms: until some minutes after the run. */
export function longestStayMs(
  keys: number,
  warmUpMs: number,
  { durationMs, count }: Extent,
  ratePerS: number | null,
): number {
  const countedMs = ratePerS === null ? Number.POSITIVE_INFINITY : count / ratePerS * 1_000;
  const runMs = Math.min(durationMs, countedMs);
  const measuringMs = Number.isFinite(runMs) ? runMs : UNKNOWN_RUN_MS;
  return Math.ceil(keys * FILL_MS_PER_KEY + warmUpMs + measuringMs + MARGIN_MS);
}

/** Drops the keys of a run on all servers. What can't be dropped is told, with what becomes of it. */
export async function dropKeys(
  calls: Calls<true>,
  prefix: string,
  ttlMs: number | undefined,
): Promise<void> {
  const drop = (one: Calls<true>) => one.drop(prefix, { timeout: DROP_TIMEOUT_MS });
  const { errors } = await atEachServer(calls, drop, calls.holders());
  for (const [name, { message }] of errors) {
    complain(`kg bench: its keys could not be dropped on ${name}: ${message}`);
  }
  if (errors.size > 0) complain(`kg bench: ${whatStays(prefix, ttlMs)}`);
}

/** What becomes of keys that are left. */
export function whatStays(prefix: string, ttlMs: number | undefined): string {
  const remove = `kg drop ${prefix} removes them`;
  return ttlMs === undefined
    ? `they stay: ${remove}`
    : `they expire ${formatDuration(ttlMs)} after they were set, at the latest; ${remove} at once`;
}
