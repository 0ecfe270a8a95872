import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { atFolder, DataFile, type Item } from "../runtime/sqlite/file.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { type ExportedItem, lineOf } from "./item_line.ts";
import { complain, print } from "./output.ts";
import { LoadProgress } from "./progress.ts";
import { dataFolderOf } from "./serve_journal.ts";
import { UsageError } from "./usage_error.ts";

/** Lines are written when there are so many characters of them. */
const WRITE_CHARACTERS = 64 * 1024;
const OWNER_ONLY = 0o600;

export const DATA_DIR_OPTION = {
  "data-dir": { type: "string", value: "DIR", help: "the data folder of a server" },
} as const;

export const command: Command = {
  summary: "write what a data folder holds as lines of JSON",
  parameters: "[FILE]",
  arity: [0, 1],
  details:
    "A server may be running on the folder: the export is what was durable when it began. Without\n" +
    "FILE, or with -, it goes to standard output. What has expired is left out. The lines are as\n" +
    '{"key":"color","value":"blue"}, with keyBase64 and valueBase64 for what is not UTF-8, and\n' +
    "expiresAtMs, since 1970, for a key that expires.",
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
      if (target === "-") writeAll(folder, file, print);
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

type Write = (text: string) => void;

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

function next(folder: string, items: Iterator<Item>): Item | null {
  return atFolder(folder, () => {
    const { value, done } = items.next();
    return done ? null : value;
  });
}

function isThere(item: Item, nowMs: number): item is ExportedItem {
  return item.value !== null && (item.expiresAtMs === 0 || item.expiresAtMs > nowMs);
}

/** Writes a file, which takes the place of an older one only when it is complete. */
function writeFile(path: string, run: (write: Write) => void): void {
  const partial = `${path}.partial`;
  try {
    const file = openSync(partial, "w", OWNER_ONLY);
    try {
      run((text) => {
        const bytes = Buffer.from(text);
        for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      });
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UsageError(`can't write ${path} (${code})`);
  }
}
