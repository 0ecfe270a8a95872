/**
 * Values: the index and the log working together. The value of a key is one item or, if it is too
 * large for that, a head and pieces. The pieces are items of their own, under keys made of the
 * head's hash, the value's id and the piece's number, so that they are moved and found like other
 * items.
 *
 * Invariants: every living item is in the index, except while it is being written; every piece has
 * a head, except while its value is being written; `tally` counts all items but the pieces, and `gone`
 * those of them that everything dropped has left behind.
 */

import { assert } from "../assert.ts";
import { Arena } from "./arena.ts";
import { Drops } from "./drops.ts";
import type { Hash } from "./hash.ts";
import { HashIndex } from "./hash_index.ts";
import {
  headerOf,
  isLarge,
  isPiece,
  isTimed,
  keyLengthOf,
  valueLengthOf,
  wordsOf,
} from "./item.ts";
import { Items } from "./items.ts";
import { Key } from "./key.ts";
import type { Layout } from "./layout.ts";
import { Log, type LogEnd } from "./log.ts";
import { NOWHERE } from "./lookup.ts";
import type { StoreMemory } from "./memory.ts";

/** The words of a head that describe its pieces. */
const LENGTH = 0;
const ID = 1;
const PIECES = 2;
/** The words of a piece's key that identify its head: the head's hash, and ID. */
const HEAD_HASH = 0;

/** How many keys there are, how many of them expire, and the bytes of them and their values. */
class Tally {
  keys = 0;
  timed = 0;
  payloadBytes = 0;
}

export class Values {
  /** All keys, and those of them that were there when last everything was dropped. */
  readonly #all = new Tally();
  readonly #gone = new Tally();
  #goneBefore: LogEnd = { birth: 0, offset: 0 };
  /** Keys whose value was removed because it had expired, and keys removed to make room. */
  expirations = 0;
  evictions = 0;
  readonly arena: Arena;
  readonly items: Items;
  readonly index: HashIndex;
  readonly log: Log;
  readonly drops: Drops;
  readonly #pieceKey: Key;
  #lastId = 0;
  #wantedId = 0;
  readonly #isWanted = (address: number) =>
    isLarge(this.items.header(address)) && this.items.largeWord(address, ID) === this.#wantedId;

  readonly #onRemove?: (hash: number, head: number) => void;

  /**
   * @param onRemove called with the hash and the first item of a value that is about to expire or
   *   be evicted
   */
  constructor(
    memory: StoreMemory,
    layout: Layout,
    hash: Hash,
    onRemove?: (hash: number, head: number) => void,
  ) {
    this.#onRemove = onRemove;
    this.arena = new Arena(memory, layout);
    this.items = new Items(this.arena, hash);
    this.index = new HashIndex(this.arena, this.items, memory, layout);
    this.log = new Log(this.arena, this.items, memory.births);
    this.drops = new Drops(this.arena, this.items, memory);
    this.#pieceKey = new Key(hash);
  }

  /** Keys that have a value; those of a prefix that is being dropped count until they are removed. */
  get count(): number {
    return this.#all.keys - this.#gone.keys;
  }

  /** Those of them that expire. */
  get timed(): number {
    return this.#all.timed - this.#gone.timed;
  }

  /** Bytes of those keys and their values, without overhead. */
  get payloadBytes(): number {
    return this.#all.payloadBytes - this.#gone.payloadBytes;
  }

  /** All keys that have a value have been dropped. */
  noteAllGone(end: LogEnd): void {
    this.#goneBefore = end;
    Object.assign(this.#gone, this.#all);
  }

  /** Counts a key with the item at an address: 1 if it came, −1 if it goes. */
  #count(address: number, sign: 1 | -1): void {
    this.#countIn(this.#all, address, sign);
    if (sign < 0 && this.drops.isBefore(address, this.#goneBefore)) {
      this.#countIn(this.#gone, address, sign);
    }
  }

  #countIn(tally: Tally, address: number, sign: 1 | -1): void {
    tally.keys += sign;
    tally.payloadBytes += sign * this.#payloadOf(address);
    if (this.items.expiryOf(address) !== 0) tally.timed += sign;
  }

  /**
   * A key keeps its place in the counts, and gets another expiry.
   * @param before its expiry until now
   * @param change the difference of its value's length
   */
  noteRewrite(before: number, expiresAtMs: number, change: number): void {
    this.#all.timed += Number(expiresAtMs !== 0) - Number(before !== 0);
    this.#all.payloadBytes += change;
  }

  lengthOf(address: number): number {
    const header = this.items.header(address);
    return isLarge(header) ? this.items.largeWord(address, LENGTH) : valueLengthOf(header);
  }

  #payloadOf(address: number): number {
    return keyLengthOf(this.items.header(address)) + this.lengthOf(address);
  }

  /** A copy of the value that begins with an item. */
  copyOf(hash: number, head: number): Uint8Array {
    const bytes = new Uint8Array(this.lengthOf(head));
    if (isLarge(this.items.header(head))) this.readPieces(hash, head, bytes, 0);
    else this.items.readValue(head, bytes, 0);
    return bytes;
  }

  /** Copies out a value that is in pieces. */
  readPieces(hash: number, head: number, bytes: Uint8Array, start: number): void {
    const id = this.items.largeWord(head, ID);
    const pieces = this.items.largeWord(head, PIECES);
    let at = start;
    for (let n = 0; n < pieces; n++) {
      const piece = this.index.find(this.pieceKey(hash, id, n));
      assert(piece !== NOWHERE, "a value has all of its pieces");
      this.items.markRead(piece);
      at += this.items.readValue(piece, bytes, at);
    }
  }

  /** The key of a piece. All pieces share one object. */
  pieceKey(headHash: number, id: number, number: number): Key {
    this.#pieceKey.readPiece(headHash, id, number);
    return this.#pieceKey;
  }

  /** An id that no other value with the same hash has. */
  makeId(): number {
    this.#lastId = (this.#lastId + 1) | 0;
    return this.#lastId;
  }

  /** Writes a piece where there is room for it. */
  writePiece(key: Key, value: Uint8Array, start: number, length: number): void {
    const header = headerOf(key.marks, length);
    const address = this.log.append(wordsOf(header));
    this.items.writeHead(address, header, key, 0);
    this.items.writeValue(address, value, start);
    this.index.insert(key.hash, address);
  }

  /** Makes the item at an address the value of a key, replacing any earlier value. */
  put(key: Key, address: number): void {
    const before = this.index.find(key);
    this.#count(address, 1);
    if (before === NOWHERE) {
      this.index.insert(key.hash, address);
      return;
    }
    this.#count(before, -1);
    const header = this.items.header(before);
    if (isLarge(header)) this.#removePieces(key.hash, before);
    this.index.replace(key.hash, before, address);
    this.log.bury(before, wordsOf(header));
  }

  /**
   * Removes the value that an item belongs to.
   * @returns the number of items removed; 0 for a piece of a value that is still being written
   */
  remove(hash: number, address: number): number {
    const header = this.items.header(address);
    if (isPiece(header)) {
      const head = this.#headOf(address);
      return head === NOWHERE ? 0 : this.remove(this.items.keyWord(address, HEAD_HASH), head);
    }
    this.#count(address, -1);
    const pieces = isLarge(header) ? this.#removePieces(hash, address) : 0;
    this.#removeItem(hash, address);
    return pieces + 1;
  }

  /** Ends the life of a key whose value is one item, and whose entry the caller removes. */
  bury(address: number): void {
    this.#count(address, -1);
    this.log.bury(address, wordsOf(this.items.header(address)));
  }

  /** As `remove`, for the first item of a value. */
  expire(hash: number, address: number): number {
    this.#onRemove?.(hash, address);
    this.expirations++;
    return this.remove(hash, address);
  }

  /** As `remove`, to make room. */
  evict(hash: number, address: number): number {
    const isPart = isPiece(this.items.header(address));
    const head = isPart ? this.#headOf(address) : address;
    if (head === NOWHERE) return 0;
    this.#onRemove?.(isPart ? this.items.keyWord(address, HEAD_HASH) : hash, head);
    this.evictions++;
    return this.remove(hash, address);
  }

  /** Removes the first pieces of a value that has no head. */
  removePieces(headHash: number, id: number, count: number): void {
    for (let n = 0; n < count; n++) {
      const key = this.pieceKey(headHash, id, n);
      const piece = this.index.find(key);
      assert(piece !== NOWHERE, "a value has all of its pieces");
      this.#removeItem(key.hash, piece);
    }
  }

  /** Moves an item to the head of the log, where there is room for it. */
  move(hash: number, address: number): void {
    const header = this.items.header(address);
    const words = wordsOf(header);
    const to = this.log.append(words);
    this.arena.copy(address, to, words);
    if (isTimed(header)) this.log.noteExpiry(to, this.items.expiryOf(to));
    this.index.replace(hash, address, to);
    this.log.bury(address, words);
  }

  #removePieces(hash: number, head: number): number {
    const pieces = this.items.largeWord(head, PIECES);
    this.removePieces(hash, this.items.largeWord(head, ID), pieces);
    return pieces;
  }

  #removeItem(hash: number, address: number): void {
    this.index.remove(hash, address);
    this.log.bury(address, wordsOf(this.items.header(address)));
  }

  #headOf(piece: number): number {
    this.#wantedId = this.items.keyWord(piece, ID);
    return this.index.findBy(this.items.keyWord(piece, HEAD_HASH), this.#isWanted);
  }
}
