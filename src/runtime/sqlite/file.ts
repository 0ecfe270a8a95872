/**
 * The file of a data folder: a SQLite database with one table, of what every key is. A commit goes to
 * SQLite's write-ahead log and is synced there before it returns.
 * Source: sqlite.org/wal.html, sqlite.org/pragma.html (synchronous, application_id, user_version).
 */

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Change } from "../../journal/change.ts";
import { DataFolderError, problemOf } from "./problem.ts";
import { openSqlite, type Row, type Sqlite, type Statement } from "./sqlite.ts";

export const FILE_NAME = "kilogram.db";
/** «kg01», which says that the file is ours. */
const APPLICATION_ID = 0x6b673031;
/** Of the format. One that is newer than this is not touched. */
const VERSION = 1;
/** What is with each commit removed of that which has expired: so many for each change, and a few. */
const PURGE_FACTOR = 2;
const PURGE_LEAST = 16;

const SETTINGS = `
  PRAGMA busy_timeout = 1000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = 67108864;`;

/** The expiry is in ms since 1970; without one a key never expires. */
const SCHEMA = `
  BEGIN IMMEDIATE;
  CREATE TABLE item (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL, expires INTEGER)
    STRICT, WITHOUT ROWID;
  CREATE INDEX item_expires ON item (expires) WHERE expires IS NOT NULL;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
  COMMIT;`;

/** What a key is in the file. */
export type Item = Omit<Change, "isKept"> & { readonly value: Uint8Array };

export class DataFile {
  readonly #sqlite: Sqlite;
  readonly #put: Statement;
  readonly #remove: Statement;
  readonly #purge: Statement;

  private constructor(sqlite: Sqlite) {
    this.#sqlite = sqlite;
    this.#put = sqlite.prepare(
      "INSERT INTO item VALUES (?, ?, ?) ON CONFLICT DO UPDATE " +
        "SET value = excluded.value, expires = excluded.expires",
    );
    this.#remove = sqlite.prepare("DELETE FROM item WHERE key = ?");
    this.#purge = sqlite.prepare(
      "DELETE FROM item WHERE key IN (SELECT key FROM item WHERE expires <= ? LIMIT ?)",
    );
  }

  /**
   * Opens the file of a folder; makes both, readable by their owner alone, where there are none.
   * @throws DataFolderError
   */
  static open(folder: string): DataFile {
    return atFolder(folder, () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return DataFile.#prepare(folder);
    });
  }

  /** Opens the file of a folder that has one. @throws DataFolderError */
  static openExisting(folder: string): DataFile {
    if (existsSync(join(folder, FILE_NAME))) return DataFile.open(folder);
    throw new DataFolderError(`${folder} is no data folder: it has no ${FILE_NAME}`);
  }

  static #prepare(folder: string): DataFile {
    const sqlite = openSqlite(join(folder, FILE_NAME));
    try {
      sqlite.exec(SETTINGS);
      checkFormat(sqlite);
      return new DataFile(sqlite);
    } catch (error) {
      sqlite.close();
      throw error;
    }
  }

  /** Keys in it, those that have expired included. */
  count(): number {
    return numberOf(this.#sqlite, "SELECT count(*) AS n FROM item");
  }

  /** Every key, in the order of their bytes, as they were when this began. */
  *items(): Generator<Item> {
    const rows = this.#sqlite.prepare("SELECT key, value, expires FROM item").iterate();
    for (const row of rows) yield itemOf(row);
  }

  /** Carries changes out, all or none; once it returns they outlive a loss of power. */
  commit(changes: Iterable<Omit<Change, "isKept">>, wallNowMs: number): void {
    this.#sqlite.exec("BEGIN IMMEDIATE");
    try {
      let count = 0;
      for (const change of changes) {
        this.#carryOut(change);
        count++;
      }
      this.#purge.run(Math.floor(wallNowMs), PURGE_FACTOR * count + PURGE_LEAST);
      this.#sqlite.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  close(): void {
    this.#sqlite.close();
  }

  #carryOut({ key, value, expiresAtMs }: Omit<Change, "isKept">): void {
    if (value === null) this.#remove.run(key);
    else this.#put.run(key, value, expiresAtMs === 0 ? null : expiresAtMs);
  }

  #rollBack(): void {
    try {
      this.#sqlite.exec("ROLLBACK");
    } catch {
      // After some errors SQLite has rolled back by itself.
    }
  }
}

/** Runs something with a folder, and says which one it was if it fails. */
export function atFolder<T>(folder: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    throw new DataFolderError(`can't use the data folder ${folder}: ${problemOf(error)}`);
  }
}

/** Makes a new file ours, and refuses one that is not, or of another version. */
function checkFormat(sqlite: Sqlite): void {
  const version = numberOf(sqlite, "SELECT user_version AS n FROM pragma_user_version");
  const id = numberOf(sqlite, "SELECT application_id AS n FROM pragma_application_id");
  if (
    version === 0 && id === 0 && numberOf(sqlite, "SELECT count(*) AS n FROM sqlite_schema") === 0
  ) {
    sqlite.exec(SCHEMA);
  } else if (id !== APPLICATION_ID) {
    throw new Error(`its ${FILE_NAME} is no file of kg`);
  } else if (version !== VERSION) {
    throw new Error(
      `its ${FILE_NAME} has format ${version}, and this kg knows ${VERSION}; use a newer kg`,
    );
  }
  const synchronous = numberOf(sqlite, "SELECT synchronous AS n FROM pragma_synchronous");
  if (synchronous !== 2) throw new Error("SQLite does not sync its commits here");
}

function numberOf(sqlite: Sqlite, query: string): number {
  return Number(sqlite.prepare(query).get()?.n);
}

function itemOf({ key, value, expires }: Row): Item {
  return { key: key as Uint8Array, value: value as Uint8Array, expiresAtMs: Number(expires ?? 0) };
}
