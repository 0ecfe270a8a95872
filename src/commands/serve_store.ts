/** A server's store: its size, its behaviour when full, and its sweeps. */

import type { Executor } from "../execute/executor.ts";
import { fillFromKernel } from "../protocol/keys.ts";
import { MAX_LIMIT_BYTES, MIN_LIMIT_BYTES } from "../store/layout.ts";
import { LogStore, type LogStoreOptions } from "../store/log_store.ts";
import type { Store } from "../store/store.ts";
import { choiceOf, type Input, type Options } from "./command.ts";
import { formatSize, parseSize } from "./quantities.ts";
import { SystemError } from "./system_error.ts";

const DEFAULT_MEMORY = "256MiB";

/** The time between steps of the sweep for expired keys: while there is more to do … */
const SWEEP_BUSY_MS = 5;
/** … and otherwise. */
const SWEEP_IDLE_MS = 200;

export const STORE_OPTIONS = {
  memory: {
    type: "string",
    value: "SIZE",
    help: `the most that keys, values and index may take (default: ${DEFAULT_MEMORY})`,
  },
  "on-full": {
    type: "string",
    value: "evict|refuse",
    help: "what to do when full (default: evict; with --data-dir: refuse)",
  },
} as const satisfies Options;

/** What a server serves from, and how to close it. */
export interface Opened {
  readonly executor: Executor;
  /** Null if the keys are elsewhere. */
  readonly store: LogStore | null;
  /** Printed when the server starts; "" for nothing. */
  readonly description: string;
  /** Makes all changes durable, as far as possible. */
  flush(): Promise<void>;
  /** Flushes, and unlocks the folder. @throws SystemError if a change could not be made durable */
  close(): Promise<void>;
}

/** @throws UsageError for wrong options, SystemError if the machine can't provide the memory */
export function makeStore(
  input: Input,
  options: Pick<LogStoreOptions, "now" | "onRemove" | "keepsReserve" | "readers">,
): LogStore {
  const memory = input.text("memory") ?? DEFAULT_MEMORY;
  const limitBytes = parseSize("--memory", memory, MIN_LIMIT_BYTES, MAX_LIMIT_BYTES);
  const onFull = onFullOf(input);
  try {
    return new LogStore({ ...options, limitBytes, onFull, fillRandom: fillFromKernel });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SystemError(`this machine can't provide --memory ${memory}; ask for less`);
  }
}

function onFullOf(input: Input): "evict" | "refuse" {
  // A store that promises to keep keys must not evict them unasked.
  const isKept = input.text("data-dir") !== undefined;
  return choiceOf(input, "on-full", isKept ? ["refuse", "evict"] : ["evict", "refuse"]);
}

export function describeStore(input: Input, store: Store): string {
  const whenFull = onFullOf(input) === "evict" ? "evicts" : "refuses";
  return `memory: ${formatSize(store.limitBytes)}, ${whenFull} when full`;
}

/** Keeps sweeping, more often while there is something to sweep. Returns a function to stop it. */
export function keepSweeping(store: Store): () => void {
  let timer: NodeJS.Timeout;
  const step = () => {
    timer = setTimeout(step, store.sweep() ? SWEEP_BUSY_MS : SWEEP_IDLE_MS);
  };
  step();
  return () => clearTimeout(timer);
}
