/**
 * That one server has a data folder, and no other. It is a lock of the system's on a file of its own,
 * taken through SQLite: it ends with the process, however that ends, and leaves the data open to be
 * read by an export meanwhile.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { atFolder } from "./file.ts";
import { DataFolderError } from "./problem.ts";
import { openSqlite } from "./sqlite.ts";

const LOCK_NAME = "lock";

/** Takes a folder, which is made if there is none. @returns how to give it back */
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
        `the data folder ${folder} is in use by another kg; stop that one, or choose another folder`,
      );
    }
    return () => sqlite.close();
  });
}
