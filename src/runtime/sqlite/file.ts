/**
 * The file of a data folder, a SQLite database. A commit appends its changes as one row to the table
 * `batch` and is synced before it returns. Now and then the batches are folded into the table `item`,
 * which has a row for each key, in steps that leave the file complete at any time: whoever reads it
 * reads `item`, and the batches over it.
 *
 * So a commit writes little more than what was changed. Written to `item` at once it takes three to
 * five times as long, since nearly every change has a page of its own there.
 * Source: sqlite.org/wal.html, sqlite.org/pragma.html (synchronous, application_id, user_version).
 */

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Change, readChanges } from "../../journal/change.ts";
import { checkFormat, FILE_NAME, numberOf, SETTINGS } from "./format.ts";
import { DataFolderError, problemOf } from "./problem.ts";
import { openSqlite, type Row, type Sqlite, type Statement } from "./sqlite.ts";

/** No limit, to SQLite. */
const ALL = -1;

/** What a key is in the file. */
export type Item = Omit<Change, "isKept">;

export class DataFile {
  readonly sqlite: Sqlite;
  readonly #append: Statement;
  readonly #note: Statement;

  private constructor(sqlite: Sqlite) {
    this.sqlite = sqlite;
    this.#append = sqlite.prepare("INSERT INTO batch (changes) VALUES (?)");
    this.#note = sqlite.prepare("INSERT OR REPLACE INTO latest VALUES (?, ?, ?)");
  }

  /**
   * Opens the file of a folder; makes both, readable by their owner alone, where there are none.
   * @throws DataFolderError
   */
  static open(folder: string): DataFile {
    return atFolder(folder, () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const sqlite = openSqlite(join(folder, FILE_NAME));
      try {
        sqlite.exec(SETTINGS);
        checkFormat(sqlite);
        return new DataFile(sqlite);
      } catch (error) {
        sqlite.close();
        throw error;
      }
    });
  }

  /** Opens the file of a folder that has one. @throws DataFolderError */
  static openExisting(folder: string): DataFile {
    if (existsSync(join(folder, FILE_NAME))) return DataFile.open(folder);
    throw new DataFolderError(`${folder} is no data folder: it has no ${FILE_NAME}`);
  }

  /** Makes batches durable, all or none: once it returns they outlive a loss of power. */
  commit(batches: readonly Uint8Array[]): void {
    // A fold may have left it otherwise.
    this.sqlite.exec("PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
    try {
      for (const changes of batches) this.#append.run(changes);
      this.sqlite.exec("COMMIT");
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  rollBack(): void {
    try {
      this.sqlite.exec("ROLLBACK");
    } catch {
      // After some errors SQLite has rolled back by itself.
    }
  }

  /**
   * Notes in `latest` what the batches behind one change, so many of them.
   * @returns the last of these; the same again if there are none
   */
  gather(batch: number, most: number): number {
    const rows = this.sqlite.prepare(
      "SELECT id, changes FROM batch WHERE id > ? ORDER BY id LIMIT ?",
    );
    let last = batch;
    for (const { id, changes } of rows.iterate(batch, most)) {
      for (const { key, value, expiresAtMs } of readChanges(changes as Uint8Array)) {
        this.#note.run(key, value, expiresAtMs === 0 ? null : expiresAtMs);
      }
      last = Number(id);
    }
    return last;
  }

  /** Bytes of all batches. */
  batchBytes(): number {
    return numberOf(this.sqlite, "SELECT coalesce(sum(length(changes)), 0) AS n FROM batch");
  }

  /**
   * All that there is now: how many keys, and each of them, those that have expired included.
   * To be asked once, of a file that is not committed to.
   */
  contents(): { readonly total: number; readonly items: Generator<Item> } {
    this.sqlite.exec("BEGIN");
    this.gather(0, ALL);
    const query = "SELECT (SELECT count(*) FROM item) " +
      "- (SELECT count(*) FROM latest JOIN item USING (key)) " +
      "+ (SELECT count(*) FROM latest WHERE value IS NOT NULL) AS n";
    return { total: numberOf(this.sqlite, query), items: this.#items() };
  }

  *#items(): Generator<Item> {
    const rows = this.sqlite.prepare(
      "SELECT key, value, expires FROM item WHERE key NOT IN (SELECT key FROM latest) " +
        "UNION ALL SELECT key, value, expires FROM latest WHERE value IS NOT NULL",
    );
    for (const row of rows.iterate()) yield itemOf(row);
    this.sqlite.exec("COMMIT");
  }

  close(): void {
    this.sqlite.close();
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

function itemOf({ key, value, expires }: Row): Item {
  return {
    key: key as Uint8Array,
    value: value as Uint8Array | null,
    expiresAtMs: Number(expires ?? 0),
  };
}
