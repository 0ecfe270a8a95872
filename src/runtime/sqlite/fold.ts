/**
 * Folds batches into the table of items, a step at a time. First it gathers the state that the
 * batches give to the keys they change, then it removes the items in ranges that they drop, then it puts
 * the keys that they change into the items in key order, then it removes the batches, the oldest
 * first. So at any time the batches over the items give the state of every key.
 */

import type { DataFile } from "./file.ts";
import { State } from "./format.ts";
import type { Statement } from "./sqlite.ts";

/** A step gathers or removes FACTOR batches for each one committed meanwhile, and LEAST more. */
const GATHER_FACTOR = 4;
const GATHER_LEAST = 4;
const REMOVE_FACTOR = 8;
const REMOVE_LEAST = 16;
/** A new expiry rewrites the row: a step rewrites values of this many bytes, and one more value. */
const TOUCH_BYTES = 1024 * 1024;
/** Items of a dropped range lie side by side, so a step removes this many times the keys it would put. */
const CLEAR_FACTOR = 4;

export class Fold {
  /** Bytes of the batches being folded. */
  bytes = 0;
  readonly #file: DataFile;
  /** The last batch to fold, the last one gathered, and the last key put into the items. */
  #lastBatch = 0;
  #gathered = 0;
  #from: Uint8Array = new Uint8Array(0);
  readonly #next: Statement;
  readonly #put: Statement;
  readonly #remove: Statement;
  readonly #forget: Statement;
  readonly #touch: Statement;
  readonly #range: Statement;
  readonly #clearRange: Statement;
  readonly #forgetRange: Statement;
  readonly #removeBatches: Statement;

  /**
   * Begins a fold of the oldest batches.
   * @param mostBytes of these batches; the last one may exceed it
   */
  constructor(file: DataFile, mostBytes = Number.MAX_SAFE_INTEGER) {
    const { sqlite } = file;
    this.#file = file;
    const batches = sqlite.prepare("SELECT id, length(changes) AS bytes FROM batch ORDER BY id");
    for (const { id, bytes } of batches.iterate()) {
      this.#lastBatch = Number(id);
      this.bytes += Number(bytes);
      if (this.bytes >= mostBytes) break;
    }
    this.#next = sqlite.prepare(
      `SELECT latest.key, iif(state = ${State.TOUCHED}, length(item.value), 0) AS touched ` +
        "FROM latest LEFT JOIN item USING (key) WHERE latest.key > ? ORDER BY latest.key LIMIT ?",
    );
    this.#put = sqlite.prepare(
      "INSERT INTO item SELECT key, value, expires FROM latest WHERE key > ? AND key <= ? " +
        `AND state = ${State.STORED} ORDER BY key ` +
        "ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires",
    );
    this.#remove = sqlite.prepare(
      "DELETE FROM item WHERE key IN " +
        `(SELECT key FROM latest WHERE key > ? AND key <= ? AND state = ${State.DELETED})`,
    );
    this.#touch = sqlite.prepare(
      "UPDATE item SET expires = latest.expires FROM latest WHERE item.key = latest.key " +
        `AND latest.key > ? AND latest.key <= ? AND state = ${State.TOUCHED}`,
    );
    this.#forget = sqlite.prepare("DELETE FROM latest WHERE key > ? AND key <= ?");
    this.#range = sqlite.prepare("SELECT low, high FROM dropped LIMIT 1");
    this.#clearRange = sqlite.prepare(
      "DELETE FROM item WHERE key IN (SELECT key FROM item " +
        "WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) LIMIT ?3)",
    );
    this.#forgetRange = sqlite.prepare("DELETE FROM dropped WHERE low = ?");
    this.#removeBatches = sqlite.prepare(
      "DELETE FROM batch WHERE id IN (SELECT id FROM batch WHERE id <= ? ORDER BY id LIMIT ?)",
    );
  }

  /**
   * Gathers some batches, or removes items of dropped ranges, or puts some keys into the items, or
   * removes some batches.
   * @param keys the most to put
   * @param batches the number committed since the last step
   * @returns whether there is more to do
   */
  step(keys: number, batches: number): boolean {
    const { sqlite } = this.#file;
    // Folded changes are already durable, as batches.
    sqlite.exec("PRAGMA synchronous = NORMAL");
    try {
      return this.#file.atomically(() =>
        this.#gather(batches) || this.#clearRanges(keys) || this.#putItems(keys) ||
        this.#removeSome(batches)
      );
    } finally {
      sqlite.exec("PRAGMA synchronous = FULL");
    }
  }

  #gather(batches: number): boolean {
    if (this.#gathered >= this.#lastBatch) return false;
    // A newer batch may be among them: folding it twice does no harm.
    this.#gathered = this.#file.gather(
      this.#gathered,
      GATHER_FACTOR * batches + GATHER_LEAST,
    );
    return true;
  }

  #clearRanges(keys: number): boolean {
    const range = this.#range.get();
    if (range === undefined) return false;
    const { low, high } = range;
    const most = CLEAR_FACTOR * keys;
    if (Number(this.#clearRange.run(low, high, most).changes) < most) this.#forgetRange.run(low);
    return true;
  }

  #putItems(keys: number): boolean {
    const end = this.#endOfStep(keys);
    if (end === null) return false;
    this.#put.run(this.#from, end);
    this.#remove.run(this.#from, end);
    this.#touch.run(this.#from, end);
    this.#forget.run(this.#from, end);
    this.#from = end;
    return true;
  }

  /** The last key of the next step; null if all keys were put. */
  #endOfStep(keys: number): Uint8Array | null {
    let end: Uint8Array | null = null;
    let touchedBytes = 0;
    for (const { key, touched } of this.#next.iterate(this.#from, keys)) {
      end = key as Uint8Array;
      touchedBytes += Number(touched ?? 0);
      if (touchedBytes >= TOUCH_BYTES) break;
    }
    return end;
  }

  #removeSome(batches: number): boolean {
    const most = REMOVE_FACTOR * batches + REMOVE_LEAST;
    return Number(this.#removeBatches.run(this.#lastBatch, most).changes) === most;
  }
}
