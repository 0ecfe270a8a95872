/** The store of a server: how large it is, what it does when it is full, and when it is swept. */

import { fillFromKernel } from "../protocol/keys.ts";
import { MAX_LIMIT_BYTES, MIN_LIMIT_BYTES } from "../store/layout.ts";
import { LogStore } from "../store/log_store.ts";
import type { Span, Store } from "../store/store.ts";
import { choiceOf, type Input, type Options } from "./command.ts";
import { formatSize, parseSize } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

const DEFAULT_MEMORY = "256MiB";

/** After a step of the sweep for expired keys the next comes so soon: while there is more to do … */
const SWEEP_BUSY_MS = 5;
/** … and otherwise. */
const SWEEP_IDLE_MS = 100;

export const STORE_OPTIONS = {
  memory: {
    type: "string",
    value: "SIZE",
    help: `the most that keys, values and their index may take (default: ${DEFAULT_MEMORY})`,
  },
  "on-full": {
    type: "string",
    value: "evict|refuse",
    help: "when that is full (default: evict; with --data-dir: refuse)",
  },
} as const satisfies Options;

/** @throws UsageError for wrong options, or when the machine does not give the memory */
export function makeStore(
  input: Input,
  now: () => number,
  onEvict?: (key: Span) => void,
): LogStore {
  const memory = input.text("memory") ?? DEFAULT_MEMORY;
  const limitBytes = parseSize("--memory", memory, MIN_LIMIT_BYTES, MAX_LIMIT_BYTES);
  const onFull = onFullOf(input);
  try {
    return new LogStore({
      limitBytes,
      onFull,
      now,
      fillRandom: fillFromKernel,
      onEvict,
      keepsReserve: onEvict !== undefined,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`this machine does not give --memory ${memory}; ask for less`);
  }
}

function onFullOf(input: Input): "evict" | "refuse" {
  // What was promised to be kept is not thrown away unasked.
  const isKept = input.text("data-dir") !== undefined;
  return choiceOf(input, "on-full", isKept ? ["refuse", "evict"] : ["evict", "refuse"]);
}

export function describeStore(input: Input, store: Store): string {
  const whenFull = onFullOf(input) === "evict" ? "evicts" : "refuses";
  return `memory: ${formatSize(store.limitBytes)}, ${whenFull} when full`;
}

/** Sweeps on, more often while there is something to sweep. Returns how to stop. */
export function keepSweeping(store: Store): () => void {
  let timer: NodeJS.Timeout;
  const step = () => {
    timer = setTimeout(step, store.sweep() ? SWEEP_BUSY_MS : SWEEP_IDLE_MS);
  };
  step();
  return () => clearTimeout(timer);
}
