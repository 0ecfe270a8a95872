/** Exports a data folder. */

import type { StoredItem } from "../journal/journal_executor.ts";
import { atFolder, DataFile } from "../runtime/sqlite/file.ts";
import { LineWriter } from "./line_writer.ts";
import { complain } from "./output.ts";
import { LoadProgress } from "./progress.ts";
import { formatKeys } from "./quantities.ts";
import type { Write } from "./whole_file.ts";

export function exportFolder(folder: string, write: Write): void {
  const file = DataFile.openExisting(folder);
  try {
    writeAll(folder, file, write);
  } finally {
    file.close();
  }
}

function writeAll(folder: string, file: DataFile, write: Write): void {
  const { total, items } = atFolder(folder, () => file.contents());
  const lines = new LineWriter(write, new LoadProgress(`exporting ${folder}`, total));
  const nowMs = Date.now();
  for (let item = next(folder, items); item !== null; item = next(folder, items)) {
    if (isThere(item, nowMs)) lines.add(item);
  }
  complain(`exported ${formatKeys(lines.end())}`);
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
