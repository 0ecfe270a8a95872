/**
 * The file of a data folder, a SQLite database. A commit appends its changes as one row to the
 * table `batch` and is synced before it returns. Now and then the batches are folded into the table
 * `item`, which has a row for each key, in steps that leave the file complete at any time: a reader
 * reads `item`, and the batches over it.
 *
 * So a commit writes little more than the changes. Writing them to `item` at once takes three to
 * five times as long, since nearly every change has a page of its own there.
 * Source: sqlite.org/wal.html, sqlite.org/pragma.html (synchronous, application_id, user_version).
 */

import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Change, Kind, readChanges } from "../../journal/change.ts";
import type { StoredItem } from "../../journal/journal_executor.ts";
import {
  FILE_NAME,
  IS_LEFT,
  makeFormat,
  MARK_FORMAT,
  numberOf,
  recognize,
  SETTINGS,
  State,
} from "./format.ts";
import { DataFolderError, problemOf } from "./problem.ts";
import { openSqlite, openSqliteToRead, type Row, type Sqlite, type Statement } from "./sqlite.ts";

/** No limit, in SQLite. */
const ALL = -1;
const LOG_NAME = `${FILE_NAME}-wal`;

export class DataFile {
  readonly sqlite: Sqlite;
  /** Whether SQLite's log may still hold a transaction that failed. */
  #hasRefused = false;
  readonly #append: Statement;
  readonly #note: Statement;
  readonly #noteTouched: Statement;
  readonly #noteDropped: readonly Statement[];
  #purge: Statement | null = null;

  private constructor(sqlite: Sqlite) {
    this.sqlite = sqlite;
    this.#append = sqlite.prepare("INSERT INTO batch (changes) VALUES (?)");
    this.#note = sqlite.prepare("INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?)");
    this.#noteTouched = sqlite.prepare(
      `INSERT INTO latest VALUES (?, ${State.TOUCHED}, NULL, ?) ON CONFLICT DO UPDATE ` +
        `SET expires = excluded.expires WHERE state != ${State.DELETED}`,
    );
    this.#noteDropped = [
      "DELETE FROM latest WHERE key >= ?1 AND (?2 IS NULL OR key < ?2)",
      "DELETE FROM dropped WHERE low >= ?1 AND (?2 IS NULL OR low < ?2)",
      "INSERT INTO dropped SELECT ?1, ?2 WHERE NOT EXISTS " +
      "(SELECT 1 FROM dropped WHERE low <= ?1 AND (high IS NULL OR ?1 < high))",
    ].map((statement) => sqlite.prepare(statement));
  }

  /**
   * Opens the file of a folder; makes both, readable only by their owner, if they are missing.
   * @throws DataFolderError
   */
  static open(folder: string): DataFile {
    return atFolder(folder, () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      refuseLoneLog(folder);
      const sqlite = openSqlite(join(folder, FILE_NAME));
      try {
        const version = recognize(sqlite);
        sqlite.exec(SETTINGS);
        makeFormat(sqlite, version);
        return new DataFile(sqlite);
      } catch (error) {
        sqlite.close();
        throw error;
      }
    });
  }

  /** Opens the file of a folder that has one, to be read. @throws DataFolderError */
  static openExisting(folder: string): DataFile {
    const path = join(folder, FILE_NAME);
    if (!existsSync(path)) {
      throw new DataFolderError(`${folder} is not a data folder: it has no ${FILE_NAME}`);
    }
    if (mayWrite(folder) && mayWrite(path)) return DataFile.open(folder);
    return atFolder(folder, () => {
      const sqlite = openSqliteToRead(path, !isInUse(folder));
      try {
        recognize(sqlite);
        sqlite.exec(SETTINGS);
        return new DataFile(sqlite);
      } catch (error) {
        sqlite.close();
        throw error;
      }
    });
  }

  /** Makes batches durable, all or none: once this returns they survive a loss of power. */
  commit(batches: readonly Uint8Array[]): void {
    this.atomically(() => {
      for (const changes of batches) this.#append.run(changes);
    });
  }

  /** Runs a function as one transaction. */
  atomically<T>(run: () => T): T {
    this.sqlite.exec("BEGIN IMMEDIATE");
    try {
      const result = run();
      this.sqlite.exec("COMMIT");
      this.#hasRefused = false;
      return result;
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  /**
   * Overwrites what a failed transaction left in SQLite's log. If its sync failed, it is complete
   * there, and the next process would restore it. The next transaction is written over it, and one
   * that changes nothing will do.
   * @returns whether that succeeded, or nothing was to be done
   */
  overwriteRefused(): boolean {
    if (!this.#hasRefused) return true;
    try {
      this.sqlite.exec(MARK_FORMAT);
      this.#hasRefused = false;
    } catch {
      // Even if its sync fails too, it is written over the first of the other's frames.
    }
    return !this.#hasRefused;
  }

  /** Ends a transaction that failed, so that no crash brings it back. */
  rollBack(): void {
    try {
      this.sqlite.exec("ROLLBACK");
    } catch {
      // After some errors SQLite has rolled back by itself.
    }
    this.#hasRefused = true;
    this.overwriteRefused();
  }

  /**
   * Notes in `latest` what the batches after `batch` change, at most `most` of them.
   * @returns the last of these; `batch` if there are none
   */
  gather(batch: number, most: number): number {
    const rows = this.sqlite.prepare(
      "SELECT id, changes FROM batch WHERE id > ? ORDER BY id LIMIT ?",
    );
    let last = batch;
    for (const { id, changes } of rows.iterate(batch, most)) {
      for (const change of readChanges(changes as Uint8Array)) this.#noteChange(change);
      last = Number(id);
    }
    return last;
  }

  #noteChange({ kind, key, value, expiresAtMs }: Change): void {
    const expires = expiresAtMs === 0 ? null : expiresAtMs;
    if (kind === Kind.DROPPED) {
      const [low, high] = rangeOf(key);
      for (const note of this.#noteDropped) note.run(low, high);
    } else if (kind === Kind.TOUCHED) this.#noteTouched.run(key, expires);
    else if (kind === Kind.STORED) this.#note.run(key, State.STORED, value, expires);
    else this.#note.run(key, State.DELETED, null, null);
  }

  /** Bytes of all batches. */
  batchBytes(): number {
    return numberOf(this.sqlite, "SELECT coalesce(sum(length(changes)), 0) AS n FROM batch");
  }

  /**
   * The contents now: the number of keys, and each item, expired ones included.
   * Call this once, on a file that is not being committed to.
   */
  contents(): { readonly total: number; readonly items: Generator<StoredItem> } {
    this.sqlite.exec("BEGIN");
    this.gather(0, ALL);
    const query = `SELECT (SELECT count(*) FROM item WHERE ${IS_LEFT}) ` +
      "- (SELECT count(*) FROM latest JOIN item USING (key) " +
      `WHERE state != ${State.TOUCHED} AND ${IS_LEFT}) ` +
      `+ (SELECT count(*) FROM latest WHERE state = ${State.STORED}) AS n`;
    return { total: numberOf(this.sqlite, query), items: this.#items() };
  }

  *#items(): Generator<StoredItem> {
    const rows = this.sqlite.prepare(
      "SELECT key, item.value, iif(state IS NULL, item.expires, latest.expires) AS expires " +
        "FROM item LEFT JOIN latest USING (key) " +
        `WHERE (state IS NULL OR state = ${State.TOUCHED}) AND ${IS_LEFT} ` +
        `UNION ALL SELECT key, value, expires FROM latest WHERE state = ${State.STORED}`,
    );
    for (const row of rows.iterate()) yield itemOf(row);
    this.sqlite.exec("COMMIT");
  }

  /**
   * Removes some expired items. Call this before anything is served, since only then does the
   * machine's clock decide what has expired.
   * @returns whether there may be more
   */
  purge(nowMs: number, most: number): boolean {
    this.#purge ??= this.sqlite.prepare(
      "DELETE FROM item WHERE key IN (SELECT key FROM item WHERE expires <= ? " +
        "AND key NOT IN (SELECT key FROM latest) LIMIT ?)",
    );
    return Number(this.#purge.run(nowMs, most).changes) === most;
  }

  close(): void {
    this.sqlite.close();
  }
}

/** Runs a function on a folder, and names the folder in the error if it fails. */
export function atFolder<T>(folder: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    throw new DataFolderError(`can't use the data folder ${folder}: ${problemOf(error)}`);
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** SQLite would treat a log beside a missing or empty database as worthless, and destroy it. */
function refuseLoneLog(folder: string): void {
  if (sizeIn(folder, FILE_NAME) > 0 || !hasLog(folder)) return;
  throw new DataFolderError(
    `${folder} has changes in ${LOG_NAME}, but its ${FILE_NAME} is missing or empty. Nothing was ` +
      `changed. Restore ${FILE_NAME} from a copy; to start over without those changes, move ` +
      `${LOG_NAME} away`,
  );
}

/** Whether SQLite's log has changes that are not in the file yet. */
function hasLog(folder: string): boolean {
  return sizeIn(folder, LOG_NAME) > 0;
}

/** Whether SQLite has a file open here, or had until its process was killed. */
function isInUse(folder: string): boolean {
  return hasLog(folder) || existsSync(join(folder, `${FILE_NAME}-shm`));
}

function sizeIn(folder: string, name: string): number {
  return statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
}

/** The least key that begins with a prefix, and the least that is above all those; null if none is. */
function rangeOf(prefix: Uint8Array): [low: Uint8Array, high: Uint8Array | null] {
  // No bytes at all sort before every key.
  const low = prefix;
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last === -1) return [low, null];
  const high = prefix.slice(0, last + 1);
  high[last]++;
  return [low, high];
}

function itemOf({ key, value, expires }: Row): StoredItem {
  return {
    key: key as Uint8Array,
    value: value as Uint8Array,
    expiresAtMs: Number(expires ?? 0),
  };
}
