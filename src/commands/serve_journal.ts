/** The executor of a server with a data folder: a store in memory, and a journal in the folder. */

import { Journal } from "../journal/journal.ts";
import { JournalExecutor, type StoredItem } from "../journal/journal_executor.ts";
import { ThreadDisk } from "../runtime/sqlite/disk.ts";
import { atFolder, DataFile } from "../runtime/sqlite/file.ts";
import { lockFolder } from "../runtime/sqlite/lock.ts";
import type { LogStoreOptions } from "../store/log_store.ts";
import { Result, type Span, type StoreCounts } from "../store/store.ts";
import type { Input } from "./command.ts";
import { syncIntervalOf } from "./data_folder.ts";
import { log } from "./log.ts";
import { LoadProgress } from "./progress.ts";
import { formatKeys, formatSize } from "./quantities.ts";
import { makeStore, type Opened } from "./serve_store.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";

/** Keys that are loaded or purged in a turn of the event loop. */
const LOAD_STEP = 10_000;
/** The share of keys that may be evicted while loading; above it, the store is too small. */
const MAX_LOAD_EVICTIONS = 1 / 100;

/**
 * Makes the executor of a data folder, and loads the folder's contents.
 * @param signal ends the loading early; the result can then only be closed
 * @throws UsageError, DataFolderError
 */
export async function openFolder(
  input: Input,
  folder: string,
  { now, readers }: Pick<LogStoreOptions, "now" | "readers">,
  signal: AbortSignal,
): Promise<Opened> {
  const syncIntervalMs = syncIntervalOf(input);
  const unlock = lockFolder(folder);
  let disk: ThreadDisk | undefined;
  const giveBack = async () => {
    await disk?.close();
    unlock();
  };
  try {
    disk = await ThreadDisk.open(folder, onWarning);
    const journal = new Journal({ disk, syncIntervalMs, now, later, onProblem });
    const onRemove = (key: Span, copyValue: () => Uint8Array) =>
      journal.noteRemoval(key, copyValue);
    const store = makeStore(input, { now, readers, onRemove, keepsReserve: true });
    const executor = new JournalExecutor({ store, journal, now, wallNow: Date.now });
    await load(folder, executor, signal);
    if (!signal.aborted) executor.start();
    return {
      executor,
      store,
      description: `durable: ${describe(syncIntervalMs)}, in ${folder}`,
      flush: async () => void await journal.drain(),
      async close() {
        const problem = await journal.drain();
        journal.stop();
        await giveBack();
        if (problem !== null) {
          throw new SystemError(`the last changes could not be made durable: ${problem}`);
        }
      },
    };
  } catch (error) {
    await giveBack();
    throw error;
  }
}

function describe(syncIntervalMs: number): string {
  return syncIntervalMs === 0
    ? "every change before it is confirmed"
    : `relaxed, a crash loses the last ${syncIntervalMs} ms and what the disk is writing`;
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
  log.warning(
    "folder_grows",
    `the data folder grows, since its batches can't be folded: ${problem}`,
  );
}

function onProblem(problem: string | null): void {
  if (problem === null) return log.info("durable", "changes are durable again");
  log.error("not_durable", `changes can't be made durable, and new ones are refused: ${problem}`);
}

async function load(
  folder: string,
  executor: JournalExecutor,
  signal: AbortSignal,
): Promise<void> {
  const file = DataFile.open(folder);
  const { total, items } = atFolder(folder, () => file.contents());
  const progress = new LoadProgress(`loading ${folder}`, total);
  const startedAtMs = Date.now();
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  try {
    for (let state: LoadState = LoadState.MORE; state !== LoadState.DONE && !signal.aborted;) {
      state = atFolder(folder, () => loadStep(items, executor, progress));
      if (state === LoadState.FULL) throw tooSmall(executor.counts, total);
      await turn();
    }
    if (signal.aborted) return;
    const { evictions } = executor.counts;
    if (evictions > total * MAX_LOAD_EVICTIONS) throw tooSmall(executor.counts, total);
    while (atFolder(folder, () => file.purge(startedAtMs, LOAD_STEP))) await turn();
  } finally {
    progress.clear();
    file.close();
  }
  const { count, seconds } = progress;
  const text = `loaded ${formatKeys(count)} from ${folder} in ${seconds} s`;
  log.info("loaded", text, { keys: count, seconds, folder });
}

const LoadState = { MORE: 0, DONE: 1, FULL: 2 } as const;
type LoadState = (typeof LoadState)[keyof typeof LoadState];

function loadStep(
  items: Iterator<StoredItem>,
  executor: JournalExecutor,
  progress: LoadProgress,
): LoadState {
  for (let i = 0; i < LOAD_STEP; i++) {
    const { value: item, done } = items.next();
    if (done) return LoadState.DONE;
    if (executor.load(item) === Result.FULL) return LoadState.FULL;
    progress.count++;
  }
  progress.show();
  return LoadState.MORE;
}

function tooSmall(counts: StoreCounts, total: number): UsageError {
  return new UsageError(
    `--memory ${formatSize(counts.limitBytes)} is too little: of ${
      formatKeys(total)
    } in the data folder, ` +
      `${counts.count} fit. Give it more; nothing was changed.`,
  );
}
