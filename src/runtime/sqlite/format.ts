/** The format of a data file: its tables, and how a file is recognized as one. */

import type { Sqlite } from "./sqlite.ts";

export const FILE_NAME = "kilogram.db";
/** «kg01», which marks the file as ours. */
const APPLICATION_ID = 0x6b673031;
/**
 * A file with a higher version is not touched. Version 1 had no change of an expiry alone, and version 2
 * no drops and no keys over 128 bytes.
 */
const VERSION = 3;
/** Files of all versions say the same in the same way, as far as they say it. */
const OLDEST_VERSION = 1;
/** What SQLite reports for a file that is new. */
const NO_VERSION = 0;
/** The value of `synchronous` with which a commit is on disk when it returns. */
const FULL = 2;

/** The `state` of a key in `latest`. */
export const State = {
  DELETED: 0,
  STORED: 1,
  /** The value is that in `item`, and the expiry that in `latest`. */
  TOUCHED: 2,
} as const;

/**
 * Settings of a connection. Its own table `latest` has the state that batches give to keys, and
 * `dropped` the ranges of keys that they drop: of what lies in one, only what is in `latest` is
 * left. The ranges do not overlap; the last one may have no end.
 */
export const SETTINGS = `
  PRAGMA busy_timeout = 1000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA temp_store = MEMORY;
  CREATE TEMP TABLE latest
    (key BLOB NOT NULL PRIMARY KEY, state INTEGER NOT NULL, value BLOB, expires INTEGER)
    WITHOUT ROWID;
  CREATE TEMP TABLE dropped (low BLOB NOT NULL PRIMARY KEY, high BLOB) WITHOUT ROWID;`;

/** That a column `key` lies in a dropped range, and that it does not. */
export const IS_DROPPED =
  "EXISTS (SELECT 1 FROM dropped WHERE item.key >= low AND (high IS NULL OR item.key < high))";
export const IS_LEFT = `NOT ${IS_DROPPED}`;

/** A batch holds changes as journal/change.ts writes them. An expiry is in ms since 1970. */
const SCHEMA = `
  BEGIN IMMEDIATE;
  CREATE TABLE item (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL, expires INTEGER)
    STRICT, WITHOUT ROWID;
  CREATE INDEX item_expires ON item (expires) WHERE expires IS NOT NULL;
  CREATE TABLE batch (id INTEGER PRIMARY KEY AUTOINCREMENT, changes BLOB NOT NULL) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
  COMMIT;`;

/** Changes one page of the file and nothing of what it says. */
export const MARK_FORMAT = `PRAGMA user_version = ${VERSION}`;

/**
 * Reads what a file is, and changes nothing.
 * @returns its version
 * @throws Error if it is not ours, or of an unknown version
 */
export function recognize(sqlite: Sqlite): number {
  const version = numberOf(sqlite, "SELECT user_version AS n FROM pragma_user_version");
  const id = numberOf(sqlite, "SELECT application_id AS n FROM pragma_application_id");
  const tables = numberOf(sqlite, "SELECT count(*) AS n FROM sqlite_schema");
  if (version === NO_VERSION && id === 0 && tables === 0) return version;
  if (id !== APPLICATION_ID) throw new Error(`its ${FILE_NAME} is not a kg file`);
  if (version < OLDEST_VERSION || version > VERSION) {
    throw new Error(
      `its ${FILE_NAME} has format ${version}, and this kg knows ${VERSION}; use a newer kg`,
    );
  }
  return version;
}

/** Makes a new file ours, and an old one new: all that it says means the same there. */
export function makeFormat(sqlite: Sqlite, version: number): void {
  if (version === NO_VERSION) sqlite.exec(SCHEMA);
  else if (version !== VERSION) sqlite.exec(MARK_FORMAT);
  if (numberOf(sqlite, "SELECT synchronous AS n FROM pragma_synchronous") !== FULL) {
    throw new Error("SQLite does not sync its commits here");
  }
}

export function numberOf(sqlite: Sqlite, query: string): number {
  return Number(sqlite.prepare(query).get()?.n);
}
