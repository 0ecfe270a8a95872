/** The options for the threads that answer queries. The threads are loaded only where there are some. */

import { availableParallelism } from "node:os";
import type { CryptoChoice } from "../arguments.ts";
import type { Input, Options } from "./command.ts";
import { parseCount } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

/** The most readers that are there without being asked for. */
const MAX_DEFAULT_READERS = 8;
const MAX_READERS = 32;
const DEFAULT_POLL = "0";
const MAX_POLL_MS = 10;

export const READER_OPTIONS = {
  readers: {
    type: "string",
    value: "N",
    help: "threads that answer reads (default: processors less one, at most 8)",
  },
  poll: {
    type: "string",
    value: "TIME",
    help: "how long a busy reader looks before it sleeps, as 50us (default: 0)",
  },
} as const satisfies Options;

/** How many readers a server has. @throws UsageError */
export function readersOf(input: Input, crypto: CryptoChoice): number {
  const text = input.text("readers");
  const problem = problemWithReaders(crypto);
  if (text === undefined) {
    return problem === null ? Math.min(availableParallelism() - 1, MAX_DEFAULT_READERS) : 0;
  }
  const count = parseCount("--readers", text, 0, MAX_READERS);
  if (count === 0 || problem === null) return count;
  throw new UsageError(`--readers ${text} can't be had: ${problem}; use --readers 0`);
}

function problemWithReaders(crypto: CryptoChoice): string | null {
  if (!("Bun" in globalThis)) return "readers need Bun";
  if (process.platform !== "linux") return "readers need Linux";
  return crypto === "web" ? "Web Crypto answers too late for them" : null;
}

/** The longest time to poll, in ms; 0 for never. @throws UsageError */
export function pollOf(input: Input, readers: number): number {
  const text = input.text("poll") ?? DEFAULT_POLL;
  if (input.text("poll") !== undefined && readers === 0) {
    throw new UsageError("--poll is for readers, and this server has none: see --readers");
  }
  if (text === "0") return 0;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(us|ms)$/.exec(text) ?? [];
  const ms = unit === "us" ? Number(number) / 1_000 : Number(number);
  if (ms >= 0 && ms <= MAX_POLL_MS) return ms;
  throw new UsageError(`--poll ${text} is not a time of 0 to ${MAX_POLL_MS}ms: write 50us or 1ms`);
}

/** How many readers may poll at a time: one processor is left for others. */
export const pollers = (): number => availableParallelism() - 1;
