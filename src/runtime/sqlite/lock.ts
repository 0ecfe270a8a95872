/**
 * Ensures that only one server has a data folder, by a system lock on a separate file, taken
 * through SQLite. The lock ends with the process, however the process ends, and an export can read
 * the data meanwhile.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { atFolder } from "./file.ts";
import { DataFolderError } from "./problem.ts";
import { openSqlite } from "./sqlite.ts";

const LOCK_NAME = "lock";

/** Locks a folder, which is made if it is missing. @returns a function that unlocks it */
export function lockFolder(folder: string): () => void {
  return atFolder(folder, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const sqlite = openSqlite(join(folder, LOCK_NAME));
    try {
      sqlite.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (error) {
      sqlite.close();
      if (!/locked/.test(String(error))) throw error;
      throw new DataFolderError(
        `the data folder ${folder} is in use by another kg; stop it, or choose another folder`,
      );
    }
    return () => sqlite.close();
  });
}
