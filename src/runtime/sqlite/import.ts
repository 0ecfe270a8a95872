/** Puts items into a data file that no server uses, all or none. */

import type { StoredItem } from "../../journal/journal_executor.ts";
import { atFolder, DataFile } from "./file.ts";
import { Fold } from "./fold.ts";

/** Keys in a step that folds earlier commits. */
const STEP_KEYS = 10_000;

/** @returns how many items there were */
export async function importItems(
  folder: string,
  items: AsyncIterable<StoredItem>,
): Promise<number> {
  const file = DataFile.open(folder);
  try {
    atFolder(folder, () => foldAll(file));
    return await putAll(folder, file, items);
  } finally {
    file.close();
  }
}

/** Leaves no older batch that would lie over the imported items. */
function foldAll(file: DataFile): void {
  const fold = new Fold(file);
  while (fold.step(STEP_KEYS, 0));
}

async function putAll(
  folder: string,
  file: DataFile,
  items: AsyncIterable<StoredItem>,
): Promise<number> {
  const put = file.sqlite.prepare("INSERT OR REPLACE INTO item VALUES (?, ?, ?)");
  let count = 0;
  file.sqlite.exec("BEGIN IMMEDIATE");
  try {
    for await (const { key, value, expiresAtMs } of items) {
      atFolder(folder, () => put.run(key, value, expiresAtMs === 0 ? null : expiresAtMs));
      count++;
    }
    atFolder(folder, () => file.sqlite.exec("COMMIT"));
    return count;
  } catch (error) {
    file.rollBack();
    throw error;
  }
}
