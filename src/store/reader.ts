/**
 * A reader of a store that another thread writes. It changes nothing there; it leaves hints of what
 * it has read. What it can't answer it leaves to the writer: keys that are held, values in pieces, and
 * a partition that keeps changing.
 */

import { Arena } from "./arena.ts";
import { Drops } from "./drops.ts";
import { makeHash } from "./hash.ts";
import { HintRing } from "./hints.ts";
import { isHeld } from "./holds.ts";
import { isLarge, valueLengthOf, wasRead } from "./item.ts";
import { Items } from "./items.ts";
import { Key } from "./key.ts";
import { layoutOf } from "./layout.ts";
import { Lookup, NOWHERE } from "./lookup.ts";
import type { SharedStore } from "./memory.ts";
import { type Found, NONE, Result, type Span } from "./store.ts";
import { isOdd, VersionReader } from "./versions.ts";

/** Attempts to read a key: a writer that lost its processor in a change may be gone for long. */
const MAX_ATTEMPTS = 64;

/** The outcome of an attempt that came to nothing. */
const TORN = -1;

/** A power of two. */
const HINTED = 512;
export class StoreReader {
  /** Attempts that came to nothing, because a version was odd or had changed. */
  repeats = 0;
  readonly #holds: Int32Array;
  readonly #items: Items;
  readonly #drops: Drops;
  readonly #lookup: Lookup;
  readonly #versions: VersionReader;
  /** Null for a store that refuses, where it does not matter what was read. */
  readonly #hints: HintRing | null;
  /** Addresses for which hints are in the ring, so that one item does not fill it. */
  readonly #hinted = new Int32Array(HINTED);
  #hintsTaken = 0;
  readonly #key: Key;

  /** @param reader its number, from 0 */
  constructor({ memory, limitBytes, hashKey }: SharedStore, reader: number) {
    const layout = layoutOf(limitBytes);
    const hash = makeHash(hashKey);
    const arena = new Arena(memory, layout);
    this.#holds = memory.holds;
    this.#items = new Items(arena, hash);
    this.#drops = new Drops(arena, this.#items, memory);
    this.#lookup = new Lookup(arena, this.#items, memory.rows, layout);
    this.#versions = new VersionReader(memory, reader);
    this.#hints = memory.hints.length > 0 ? new HintRing(memory.hints[reader]) : null;
    this.#key = new Key(hash);
  }

  /** As `Store.get`; null leaves it to the writer. @param nowMs on the store's clock */
  get(key: Span, found: Found, nowMs: number): Result | null {
    return this.#read(key, found, nowMs, true);
  }

  /** As `Store.exists`; null leaves it to the writer. */
  exists(key: Span, found: Found, nowMs: number): Result | null {
    return this.#read(key, found, nowMs, false);
  }

  #read(key: Span, found: Found, nowMs: number, wantsValue: boolean): Result | null {
    this.#key.read(key);
    const partition = this.#lookup.partitionOf(this.#key.hash);
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const version = this.#versions.begin(partition);
      if (!isOdd(version)) {
        const result = this.#attempt(partition, version, found, nowMs, wantsValue);
        if (result !== TORN) return result;
      }
      this.repeats++;
    }
    return null;
  }

  #attempt(
    partition: number,
    version: number,
    found: Found,
    nowMs: number,
    wantsValue: boolean,
  ): Result | null | typeof TORN {
    const address = this.#lookup.find(this.#key);
    const header = address === NOWHERE ? 0 : this.#items.header(address);
    const expiresAtMs = address === NOWHERE ? 0 : this.#items.expiryOf(address, header);
    const isLeft = isLarge(header) || isHeld(this.#holds, this.#key.hash);
    const isGone = this.#isGone(address, header);
    // What was read so far may be anything, so nothing is done with it before this check.
    if (isGone === TORN || !this.#versions.isUnchanged(partition, version)) return TORN;
    if (isLeft) return null;
    const isMissing = isGone || (expiresAtMs !== 0 && expiresAtMs <= nowMs);
    found.length = NONE;
    found.expiresAtMs = isMissing ? 0 : expiresAtMs;
    if (isMissing) return Result.MISSING;
    if (wantsValue) {
      found.length = valueLengthOf(header);
      if (found.length <= found.room) {
        this.#items.readValue(address, found.bytes, found.start, header);
        if (!this.#versions.isUnchanged(partition, version)) return TORN;
      }
    }
    if (!wasRead(header)) this.#hint(address);
    return Result.DONE;
  }

  /**
   * Whether there is no item, or it was dropped. Drops that are all over when this looks have removed
   * their entries before, and one that begins later may be taken to come after the read.
   */
  #isGone(address: number, header: number): boolean | typeof TORN {
    if (address === NOWHERE || this.#drops.count === 0) return address === NOWHERE;
    const { ofDrops } = this.#versions;
    const version = this.#versions.begin(ofDrops);
    const isGone = this.#drops.cover(address, header);
    return !isOdd(version) && this.#versions.isUnchanged(ofDrops, version) ? isGone : TORN;
  }

  #hint(address: number): void {
    if (this.#hints === null) return;
    const { taken } = this.#hints;
    if (taken !== this.#hintsTaken) this.#hinted.fill(NOWHERE);
    this.#hintsTaken = taken;
    const place = address & (HINTED - 1);
    if (this.#hinted[place] === address) return;
    this.#hinted[place] = address;
    this.#hints.put(this.#key.hash, address);
  }
}
