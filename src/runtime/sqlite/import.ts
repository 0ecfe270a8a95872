/** Puts items into a data file that no server has, all or none. */

import { atFolder, DataFile, type Item } from "./file.ts";
import { Fold } from "./fold.ts";

/** Keys of a step in which what was committed before is folded. */
const STEP_KEYS = 10_000;

/** @returns how many there were */
export async function importItems(
  folder: string,
  items: AsyncIterable<Item>,
  nowMs: number,
): Promise<number> {
  const file = DataFile.open(folder);
  try {
    atFolder(folder, () => foldAll(file, nowMs));
    return await putAll(folder, file, items);
  } finally {
    file.close();
  }
}

/** So that nothing older than what comes now lies over it. */
function foldAll(file: DataFile, nowMs: number): void {
  const fold = new Fold(file);
  while (fold.step(STEP_KEYS, 0, nowMs));
}

async function putAll(
  folder: string,
  file: DataFile,
  items: AsyncIterable<Item>,
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
