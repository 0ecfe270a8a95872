import type { StoredItem } from "../journal/journal_executor.ts";
import { atFolder, DataFile } from "../runtime/sqlite/file.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { DATA_DIR_OPTION, dataFolderOf } from "./data_folder.ts";
import { lineOf } from "./item_line.ts";
import { complain, print } from "./output.ts";
import { LoadProgress } from "./progress.ts";
import { UsageError } from "./usage_error.ts";
import { type Write, writeWholeFile } from "./whole_file.ts";

/** Lines are written once they have at least this many characters. */
const WRITE_CHARACTERS = 64 * 1024;

export const command: Command = {
  summary: "write the contents of a data folder as lines of JSON",
  parameters: "[FILE]",
  arity: [0, 1],
  details: "A server may be using the folder: the export holds what was durable when it began.\n" +
    "Without FILE, or with -, it goes to standard output. Expired keys are left out. Lines look\n" +
    'like {"key":"color","value":"blue"}, with keyBase64 and valueBase64 for what is not UTF-8,\n' +
    "and expiresAtMs, since 1970, for a key that expires.",
  options: DATA_DIR_OPTION,
  examples: [
    "kg export --data-dir /var/lib/kilogram backup.jsonl",
    "kg export --data-dir /var/lib/kilogram | gzip > backup.jsonl.gz",
  ],

  run(input) {
    const folder = requireFolder(input);
    const file = DataFile.openExisting(folder);
    try {
      const [target = "-"] = input.parameters;
      if (target === "-") writeAll(folder, file, printOrThrow);
      else writeFile(target, (write) => writeAll(folder, file, write));
    } finally {
      file.close();
    }
    return Promise.resolve(Exit.DONE);
  },
};

function requireFolder(input: Input): string {
  const folder = dataFolderOf(input);
  if (folder !== undefined) return folder;
  throw new UsageError("which data folder? Name it: --data-dir DIR");
}

/** If the reader of the pipe went away, the export must not look complete. */
function printOrThrow(text: string): void {
  if (!print(text)) throw new UsageError("standard output was closed before the end");
}

function writeAll(folder: string, file: DataFile, write: Write): void {
  const { total, items } = atFolder(folder, () => file.contents());
  const progress = new LoadProgress(`exporting ${folder}`, total);
  const nowMs = Date.now();
  let lines = "";
  for (let item = next(folder, items); item !== null; item = next(folder, items)) {
    if (!isThere(item, nowMs)) continue;
    lines += lineOf(item);
    progress.count++;
    if (lines.length < WRITE_CHARACTERS) continue;
    write(lines);
    lines = "";
    progress.show();
  }
  write(lines);
  progress.clear();
  complain(`exported ${progress.count} keys`);
}

function next(folder: string, items: Iterator<StoredItem>): StoredItem | null {
  return atFolder(folder, () => {
    const { value, done } = items.next();
    return done ? null : value;
  });
}

function isThere(item: StoredItem, nowMs: number): boolean {
  return item.expiresAtMs === 0 || item.expiresAtMs > nowMs;
}

function writeFile(path: string, run: (write: Write) => void): void {
  try {
    writeWholeFile(path, run);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UsageError(`can't write ${path} (${code})`);
  }
}
