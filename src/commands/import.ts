import { createReadStream } from "node:fs";
import type { Calls } from "../client.ts";
import {
  MAX_KEY_BYTES,
  MAX_TTL_MS,
  MAX_VALUE_BYTES,
  MAX_VALUE_BYTES_WITH_TTL,
} from "../protocol/frame.ts";
import { inParallel } from "../in_parallel.ts";
import type { StoredItem } from "../journal/journal_executor.ts";
import { importItems } from "../runtime/sqlite/import.ts";
import { lockFolder } from "../runtime/sqlite/lock.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { DATA_DIR_OPTION, dataFolderOf } from "./data_folder.ts";
import { readItems } from "./item_line.ts";
import { complain, printJson } from "./output.ts";
import { CountProgress } from "./progress.ts";
import { formatKeys } from "./quantities.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";
import { withClient } from "./with_client.ts";

/** SETs outstanding at a time. */
const OUTSTANDING = 64;

type NumberedItem = StoredItem & { readonly line: number };

export const command: Command = {
  summary: "store the contents of an export in a server or a data folder",
  parameters: "[FILE]",
  arity: [0, 1],
  details:
    "The lines are those of kg export (see kg export --help); without FILE, or with -, they\n" +
    "come from standard input. A key that exists gets the new value. A data folder, which no\n" +
    "server may be using, gets all lines or none. A server gets each line by itself, and values\n" +
    `of at most ${MAX_VALUE_BYTES} bytes (${MAX_VALUE_BYTES_WITH_TTL} if they expire). ` +
    "Expired keys are left out.",
  options: { ...DATA_DIR_OPTION, ...CLIENT_OPTIONS },
  examples: [
    "kg import backup.jsonl",
    "kg import --data-dir /var/lib/kilogram backup.jsonl",
    'echo \'{"key":"color","value":"blue"}\' | kg import',
  ],

  async run(input) {
    const progress = new CountProgress("importing");
    const items = living(readItems(open(input)));
    const folder = dataFolderOf(input);
    try {
      if (folder === undefined) {
        await withClient(input, (kv) => storeAll(input, kv, items, progress));
      } else await intoFolder(folder, counted(items, progress));
    } finally {
      progress.clear();
    }
    if (input.flag("json")) printJson({ imported: progress.count });
    else complain(`imported ${formatKeys(progress.count)}`);
    return Exit.DONE;
  },
};

function open(input: Input): AsyncIterable<Uint8Array> {
  const [path = "-"] = input.parameters;
  if (path === "-" && process.stdin.isTTY) complain("kg import: type lines; Ctrl-D ends them");
  return chunksOf(path);
}

/** Opens the path only when it is read, so that the reader gets the error if that fails. */
async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* path === "-" ? process.stdin : createReadStream(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new SystemError(`can't read ${path === "-" ? "standard input" : path} (${code})`);
  }
}

/** The items that have not expired. */
async function* living(items: AsyncIterable<NumberedItem>): AsyncGenerator<NumberedItem> {
  for await (const item of items) {
    if (item.expiresAtMs === 0 || item.expiresAtMs > Date.now()) yield item;
  }
}

async function* counted(
  items: AsyncIterable<NumberedItem>,
  progress: CountProgress,
): AsyncGenerator<NumberedItem> {
  for await (const item of items) {
    yield item;
    progress.add();
  }
}

async function intoFolder(folder: string, items: AsyncIterable<NumberedItem>): Promise<void> {
  const unlock = lockFolder(folder);
  try {
    await importItems(folder, items);
  } finally {
    unlock();
  }
}

async function storeAll(
  input: Input,
  kv: Calls<true>,
  items: AsyncIterable<NumberedItem>,
  progress: CountProgress,
): Promise<void> {
  try {
    await inParallel(items, OUTSTANDING, async (item) => {
      await store(kv, item);
      progress.add();
    });
  } catch (error) {
    if (input.flag("json")) printJson({ imported: progress.count });
    complain(`kg import: it ended early; known to be stored: ${formatKeys(progress.count)}`);
    throw error;
  }
}

async function store(kv: Calls<true>, { key, value, expiresAtMs, line }: NumberedItem) {
  if (key.length > MAX_KEY_BYTES) {
    throw new UsageError(
      `line ${line}: the key has ${key.length} bytes; a server takes at most ${MAX_KEY_BYTES}`,
    );
  }
  const most = expiresAtMs === 0 ? MAX_VALUE_BYTES : MAX_VALUE_BYTES_WITH_TTL;
  if (value.length > most) {
    throw new UsageError(
      `line ${line}: the value has ${value.length} bytes; a server takes at most ${most}, ` +
        "a data folder (--data-dir) up to 1 MiB",
    );
  }
  const leftMs = Math.min(MAX_TTL_MS, Math.max(1, expiresAtMs - Date.now()));
  const ttl = expiresAtMs === 0 ? undefined : leftMs;
  await kv.set(key, value, { overwrite: true, ttl });
}
