/**
 * Folds batches into the table of items, a step at a time: first it gathers what they make of the keys
 * that they change, then it puts that with the items in the order of the keys, then it removes the
 * batches, the oldest first. So at any time the batches over the items give what every key is.
 */

import type { DataFile } from "./file.ts";
import { numberOf } from "./format.ts";
import type { Statement } from "./sqlite.ts";

/** For each batch that was committed meanwhile a step gathers so many, or removes so many, and some. */
const GATHER_FACTOR = 4;
const GATHER_LEAST = 4;
const REMOVE_FACTOR = 8;
const REMOVE_LEAST = 16;
/** What of that which expired is removed with a step: so many for each key that it folds, and a few. */
const PURGE_FACTOR = 2;
const PURGE_LEAST = 16;

export class Fold {
  readonly #file: DataFile;
  /** The last batch that is folded, the last that was gathered, and the last key with the items. */
  readonly #lastBatch: number;
  #gathered = 0;
  #from: Uint8Array = new Uint8Array(0);
  readonly #end: Statement;
  readonly #put: Statement;
  readonly #remove: Statement;
  readonly #forget: Statement;
  readonly #purge: Statement;
  readonly #removeBatches: Statement;

  /** Begins a fold of all that was committed. */
  constructor(file: DataFile) {
    const { sqlite } = file;
    this.#file = file;
    this.#lastBatch = numberOf(sqlite, "SELECT coalesce(max(id), 0) AS n FROM batch");
    this.#end = sqlite.prepare(
      "SELECT max(key) AS key, count(*) AS n FROM " +
        "(SELECT key FROM latest WHERE key > ? ORDER BY key LIMIT ?)",
    );
    this.#put = sqlite.prepare(
      "INSERT INTO item SELECT key, value, expires FROM latest WHERE key > ? AND key <= ? " +
        "AND value IS NOT NULL ORDER BY key " +
        "ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires",
    );
    this.#remove = sqlite.prepare(
      "DELETE FROM item WHERE key IN " +
        "(SELECT key FROM latest WHERE key > ? AND key <= ? AND value IS NULL)",
    );
    this.#forget = sqlite.prepare("DELETE FROM latest WHERE key > ? AND key <= ?");
    this.#purge = sqlite.prepare(
      "DELETE FROM item WHERE key IN (SELECT key FROM item WHERE expires <= ? LIMIT ?)",
    );
    this.#removeBatches = sqlite.prepare(
      "DELETE FROM batch WHERE id IN (SELECT id FROM batch WHERE id <= ? ORDER BY id LIMIT ?)",
    );
  }

  /**
   * Gathers some batches, or puts so many keys with the items, or removes some batches.
   * @param batches that were committed since the last step
   * @param wallNowMs since 1970: what has expired by then may be removed
   * @returns whether there is more to do
   */
  step(keys: number, batches: number, wallNowMs: number): boolean {
    const { sqlite } = this.#file;
    // What is folded is durable already as a batch; a commit asks for more by itself.
    sqlite.exec("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE");
    try {
      const isMore = this.#gather(batches) || this.#putItems(keys, wallNowMs) ||
        this.#removeSome(batches);
      sqlite.exec("COMMIT");
      return isMore;
    } catch (error) {
      this.#file.rollBack();
      throw error;
    }
  }

  #gather(batches: number): boolean {
    if (this.#gathered >= this.#lastBatch) return false;
    // A newer one may be among them: to fold it twice does no harm.
    this.#gathered = this.#file.gather(
      this.#gathered,
      GATHER_FACTOR * batches + GATHER_LEAST,
    );
    return true;
  }

  #putItems(keys: number, wallNowMs: number): boolean {
    const { key: end, n } = this.#end.get(this.#from, keys) ?? {};
    if (!(end instanceof Uint8Array)) return false;
    this.#put.run(this.#from, end);
    this.#remove.run(this.#from, end);
    this.#purge.run(wallNowMs, PURGE_FACTOR * Number(n) + PURGE_LEAST);
    this.#forget.run(this.#from, end);
    this.#from = end;
    return true;
  }

  #removeSome(batches: number): boolean {
    const most = REMOVE_FACTOR * batches + REMOVE_LEAST;
    return Number(this.#removeBatches.run(this.#lastBatch, most).changes) === most;
  }
}
