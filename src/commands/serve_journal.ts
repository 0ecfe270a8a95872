/** What of a server outlives it: the folder, how durable a change is, and the start from there. */

import { JournaledStore } from "../journal/journaled_store.ts";
import { ThreadDisk } from "../runtime/sqlite/disk.ts";
import { atFolder, DataFile, type Item } from "../runtime/sqlite/file.ts";
import { lockFolder } from "../runtime/sqlite/lock.ts";
import { type RestorableStore, Result, type Span, type Store } from "../store/store.ts";
import { choiceOf, type Input, type Options } from "./command.ts";
import { complain } from "./output.ts";
import { LoadProgress } from "./progress.ts";
import { formatSize, parseDuration } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

const DEFAULT_SYNC_INTERVAL = "100ms";
/** Keys that are loaded before the event loop turns. */
const LOAD_STEP = 10_000;
/** The share of keys that a store which evicts may evict while it loads; with more it is too small. */
const MAX_LOAD_EVICTIONS = 1 / 100;

export const JOURNAL_OPTIONS = {
  "data-dir": {
    type: "string",
    value: "DIR",
    help: "keep what is stored in this folder, so that it outlives a restart",
  },
  durability: {
    type: "string",
    value: "MODE",
    help: "confirmed (default): answer a change when on disk; relaxed: at once",
  },
  "sync-interval": {
    type: "string",
    value: "TIME",
    help: `what a crash may cost if relaxed (default: ${DEFAULT_SYNC_INTERVAL})`,
  },
} as const satisfies Options;

type MakeStore = (onEvict?: (key: Span) => void) => RestorableStore;

/** The store of a server, and how it ends. */
export interface OpenStore {
  readonly store: Store | JournaledStore;
  /** What is said of it when the server starts; "" for nothing. */
  readonly description: string;
  /** Makes all durable that was changed, as far as that can be. */
  flush(): Promise<void>;
  /** The same, and gives the folder back. @throws UsageError if something could not be made durable */
  close(): Promise<void>;
}

/** @throws UsageError if what goes with a folder was asked for without one */
export function dataFolderOf(input: Input): string | undefined {
  const folder = input.text("data-dir");
  if (folder === "") throw new UsageError("--data-dir lacks a folder");
  for (const option of ["durability", "sync-interval"]) {
    if (folder === undefined && input.text(option) !== undefined) {
      throw new UsageError(`--${option} goes with --data-dir`);
    }
  }
  return folder;
}

/**
 * Makes the store, and where there is a data folder loads what is in it.
 * @param signal ends the loading early; the store is then of no use
 * @throws UsageError, DataFolderError
 */
export async function openStore(
  input: Input,
  makeStore: MakeStore,
  now: () => number,
  signal: AbortSignal,
): Promise<OpenStore> {
  const folder = dataFolderOf(input);
  const syncIntervalMs = syncIntervalOf(input);
  if (folder === undefined) {
    return {
      store: makeStore(),
      description: "",
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }
  const unlock = lockFolder(folder);
  let disk: ThreadDisk | undefined;
  const giveBack = async () => {
    await disk?.close();
    unlock();
  };
  try {
    disk = await ThreadDisk.open(folder, onWarning);
    const options = { disk, syncIntervalMs, now, wallNow: Date.now, later, onProblem };
    const store = new JournaledStore({ ...options, makeStore });
    await load(folder, store, signal);
    if (!signal.aborted) store.journal.start();
    return {
      store,
      description: `durable: ${describe(syncIntervalMs)}, in ${folder}`,
      flush: async () => void await store.journal.drain(),
      async close() {
        const problem = await store.journal.drain();
        store.journal.stop();
        await giveBack();
        if (problem !== null) {
          throw new UsageError(`the last changes could not be made durable: ${problem}`);
        }
      },
    };
  } catch (error) {
    await giveBack();
    throw error;
  }
}

/** 0 for confirmed. */
function syncIntervalOf(input: Input): number {
  const text = input.text("sync-interval");
  if (choiceOf(input, "durability", ["confirmed", "relaxed"]) === "relaxed") {
    return parseDuration("--sync-interval", text ?? DEFAULT_SYNC_INTERVAL);
  }
  if (text === undefined) return 0;
  throw new UsageError("--sync-interval goes with --durability relaxed");
}

function describe(syncIntervalMs: number): string {
  return syncIntervalMs === 0
    ? "every change before it is confirmed"
    : `relaxed, a crash costs the last ${syncIntervalMs} ms and what the disk is busy with`;
}

function later(run: () => void, ms: number): () => void {
  if (ms > 0) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  }
  const immediate = setImmediate(run);
  return () => clearImmediate(immediate);
}

function onWarning(problem: string): void {
  complain(`warning: the data folder grows, since its batches can't be folded: ${problem}`);
}

function onProblem(problem: string | null): void {
  if (problem === null) complain("changes are durable again");
  else complain(`warning: changes can't be made durable, and new ones are refused: ${problem}`);
}

async function load(folder: string, store: JournaledStore, signal: AbortSignal): Promise<void> {
  const file = DataFile.open(folder);
  const { total, items } = atFolder(folder, () => file.contents());
  const progress = new LoadProgress(`loading ${folder}`, total);
  try {
    for (let state: LoadState = LoadState.MORE; state !== LoadState.DONE && !signal.aborted;) {
      state = atFolder(folder, () => loadStep(items, store, progress));
      if (state === LoadState.FULL) throw tooSmall(store, total);
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    progress.clear();
    file.close();
  }
  if (signal.aborted) return;
  if (store.evictions > total * MAX_LOAD_EVICTIONS) throw tooSmall(store, total);
  complain(`loaded ${progress.count} keys from ${folder} in ${progress.seconds} s`);
}

const LoadState = { MORE: 0, DONE: 1, FULL: 2 } as const;
type LoadState = (typeof LoadState)[keyof typeof LoadState];

function loadStep(
  items: Iterator<Item>,
  store: JournaledStore,
  progress: LoadProgress,
): LoadState {
  for (let i = 0; i < LOAD_STEP; i++) {
    const { value: item, done } = items.next();
    if (done) return LoadState.DONE;
    if (store.load(item) === Result.FULL) return LoadState.FULL;
    progress.count++;
  }
  progress.show();
  return LoadState.MORE;
}

function tooSmall(store: Store, total: number): UsageError {
  return new UsageError(
    `--memory ${formatSize(store.limitBytes)} is too little: of ${total} keys in the data folder ` +
      `${store.count} found room. Give it more; nothing was changed.`,
  );
}
