/**
 * Values: the index and the log working together. The value of a key is one item or, if it is too
 * large for that, a head and pieces. The pieces are items of their own, under keys made of the
 * head's hash, the value's id and the piece's number, so that they are moved and found like other
 * items.
 *
 * Invariants: every living item is in the index, except while it is being written; every piece has
 * a head, except while its value is being written; `count` is the number of items less the pieces.
 */

import { assert } from "../assert.ts";
import { Arena } from "./arena.ts";
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
import { Log } from "./log.ts";
import { NOWHERE } from "./lookup.ts";
import type { StoreMemory } from "./memory.ts";

/** The words of a head that describe its pieces. */
const LENGTH = 0;
const ID = 1;
const PIECES = 2;
/** The words of a piece's key that identify its head: the head's hash, and ID. */
const HEAD_HASH = 0;

export class Values {
  /** Keys that have a value. */
  count = 0;
  /** Bytes of those keys and their values, without overhead. */
  payloadBytes = 0;
  /** Keys whose value was removed because it had expired, and keys removed to make room. */
  expirations = 0;
  evictions = 0;
  readonly arena: Arena;
  readonly items: Items;
  readonly index: HashIndex;
  readonly log: Log;
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
    this.log = new Log(this.arena, this.items);
    this.#pieceKey = new Key(hash);
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
    this.payloadBytes += this.#payloadOf(address);
    if (before === NOWHERE) {
      this.index.insert(key.hash, address);
      this.count++;
      return;
    }
    this.payloadBytes -= this.#payloadOf(before);
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
    this.payloadBytes -= this.#payloadOf(address);
    const pieces = isLarge(header) ? this.#removePieces(hash, address) : 0;
    this.#drop(hash, address);
    this.count--;
    return pieces + 1;
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
      this.#drop(key.hash, piece);
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

  #drop(hash: number, address: number): void {
    this.index.remove(hash, address);
    this.log.bury(address, wordsOf(this.items.header(address)));
  }

  #headOf(piece: number): number {
    this.#wantedId = this.items.keyWord(piece, ID);
    return this.index.findBy(this.items.keyWord(piece, HEAD_HASH), this.#isWanted);
  }
}
