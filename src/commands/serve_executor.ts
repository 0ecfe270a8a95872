/** What a server serves from; what is not in memory is loaded only when it is asked for. */

import { MemoryExecutor } from "../execute/memory.ts";
import type { LogStore } from "../store/log_store.ts";
import type { Input } from "./command.ts";
import { dataFolderOf } from "./data_folder.ts";
import { makeStore, type Opened } from "./serve_store.ts";

export async function openExecutor(
  input: Input,
  now: () => number,
  readers: number,
  signal: AbortSignal,
): Promise<Opened> {
  const folder = dataFolderOf(input);
  if (folder === undefined) return inMemory(makeStore(input, { now, readers }));
  const { openFolder } = await import("./serve_journal.ts");
  return await openFolder(input, folder, { now, readers }, signal);
}

export async function openElsewhere(
  input: Input,
  url: string,
  now: () => number,
  signal: AbortSignal,
): Promise<Opened> {
  return await (await import("./serve_backend.ts")).openBackend(input, url, now, signal);
}

function inMemory(store: LogStore): Opened {
  const nothing = () => Promise.resolve();
  const executor = new MemoryExecutor(store);
  return { executor, store, description: "", flush: nothing, close: nothing };
}
