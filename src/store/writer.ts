/**
 * Writes values: in place if the current item can take the size, otherwise at the head of the log,
 * after making room. A store that refuses decides whether there will be room before it changes
 * anything.
 */

import { type Cleaner, RESERVED_SEGMENTS } from "./cleaner.ts";
import { NOWHERE } from "./lookup.ts";
import {
  EXPIRY_WORDS,
  headerOf,
  isLarge,
  keyMarksOf,
  Mark,
  valueLengthOf,
  wordsOf,
} from "./item.ts";
import { type Key, PIECE_KEY_BYTES } from "./key.ts";
import { type Layout, WORD_BYTES } from "./layout.ts";
import type { Span } from "./store.ts";
import type { Sweeper } from "./sweeper.ts";
import type { Values } from "./values.ts";

/** In a store that refuses, live items may take this share; the rest is for the cleaner. */
const MAX_LIVE = 255 / 256;
/** With a large value, this share: its pieces may leave a sixteenth of a segment empty. */
const MAX_LIVE_LARGE = 7 / 8;
/** With a reserve, this share of that: items take more in another order or under another hash. */
const RESERVED_LIVE = 63 / 64;
/** The share of a store that evicts which a single value may take. */
const MAX_SHARE = 3 / 4;
/** A larger value evicts in order: keeping read items would gain too little at a time. */
const MAX_SHARE_OUT_OF_ORDER = 1 / 64;

export interface WriterOptions {
  readonly values: Values;
  readonly cleaner: Cleaner;
  readonly sweeper: Sweeper;
  readonly layout: Layout;
  /** Whether unread items are removed to make room. */
  readonly evicts: boolean;
  /** Whether a store that refuses leaves room so that all its items can be restored elsewhere. */
  readonly keepsReserve: boolean;
}

export class Writer {
  /** Whether writes may take the room that a store which refuses leaves free. */
  isRestoring = false;
  readonly #values: Values;
  readonly #cleaner: Cleaner;
  readonly #sweeper: Sweeper;
  readonly #evicts: boolean;
  readonly #maxShare: number;
  readonly #segmentWords: number;
  readonly #storeWords: number;
  readonly #maxItemWords: number;
  readonly #maxPieceBytes: number;

  constructor({ values, cleaner, sweeper, layout, evicts, keepsReserve }: WriterOptions) {
    const { segmentWords, segmentCount, maxItemWords } = layout;
    this.#values = values;
    this.#cleaner = cleaner;
    this.#sweeper = sweeper;
    this.#evicts = evicts;
    this.#maxShare = keepsReserve ? RESERVED_LIVE : 1;
    this.#segmentWords = segmentWords;
    this.#storeWords = (segmentCount - RESERVED_SEGMENTS) * segmentWords;
    this.#maxItemWords = maxItemWords;
    this.#maxPieceBytes = (maxItemWords - 1) * WORD_BYTES - PIECE_KEY_BYTES;
  }

  /**
   * Gives a key a value.
   * @param address of the key's current item, or NOWHERE
   * @returns false if there is no room; a store that refuses has then changed nothing
   */
  write(key: Key, address: number, value: Span, expiresAtMs: number): boolean {
    const roomBytes = (this.#maxItemWords - 1 - EXPIRY_WORDS) * WORD_BYTES;
    return key.length + value.length <= roomBytes
      ? this.#writeItem(key, address, value, expiresAtMs)
      : this.#writeLarge(key, address, value, expiresAtMs);
  }

  /** Adds an expiry to an item without one, by rewriting it. @returns false if there is no room */
  makeTimed(key: Key, address: number, expiresAtMs: number): boolean {
    const { items, index, log, arena } = this.#values;
    const before = wordsOf(items.header(address));
    const words = before + EXPIRY_WORDS;
    if (!this.#admits(words, before, MAX_LIVE)) return false;
    if (!this.#makeRoom(key.hash, false, words, false)) return false;
    const from = index.find(key);
    if (from === NOWHERE) return true; // It was evicted, as it might have been a moment later.
    this.#values.noteRewrite(0, expiresAtMs, 0);
    const to = log.append(words);
    arena.copy(from + 1, to + 1 + EXPIRY_WORDS, before - 1);
    items.setHeader(to, items.header(from) | Mark.TIMED);
    items.setExpiry(to, expiresAtMs);
    log.noteExpiry(to, expiresAtMs);
    index.replace(key.hash, from, to);
    log.bury(from, before);
    return true;
  }

  #writeItem(key: Key, address: number, value: Span, expiresAtMs: number): boolean {
    const { items, log } = this.#values;
    const old = address === NOWHERE ? 0 : items.header(address);
    const marks = key.marks | timedMark(expiresAtMs) | (old & Mark.READ);
    const header = headerOf(marks, value.length);
    const words = wordsOf(header);
    const before = address === NOWHERE ? 0 : items.expiryOf(address);
    if (address !== NOWHERE && this.#resize(address, words)) {
      this.#values.noteRewrite(before, expiresAtMs, value.length - valueLengthOf(old));
      this.#fill(address, header | Mark.READ, key, value, expiresAtMs);
      return true;
    }
    if (!this.#admits(words, this.#wordsAt(address), MAX_LIVE)) return false;
    if (!this.#makeRoom(key.hash, address === NOWHERE, words, false)) return false;
    const to = log.append(words);
    this.#fill(to, header, key, value, expiresAtMs);
    this.#values.put(key, to);
    return true;
  }

  /** Resizes an item in place, if that is possible and the item will not soon be evicted. */
  #resize(address: number, wanted: number): boolean {
    const { items, log, arena } = this.#values;
    const header = items.header(address);
    const segment = arena.segmentOf(address);
    if (isLarge(header) || this.#cleaner.isNear(segment)) return false;
    const words = wordsOf(header);
    if (words === wanted) return true;
    return !this.#sweeper.isIn(segment) && log.resize(address, words, wanted);
  }

  #fill(address: number, header: number, key: Key, value: Span, expiresAtMs: number): void {
    const { items, log } = this.#values;
    items.writeHead(address, header, key, expiresAtMs);
    items.writeValue(address, value.bytes, value.start);
    log.noteExpiry(address, expiresAtMs);
  }

  #writeLarge(key: Key, address: number, value: Span, expiresAtMs: number): boolean {
    const { items, log } = this.#values;
    const header = headerOf(key.marks | Mark.LARGE | timedMark(expiresAtMs), 0);
    const words = this.#wordsOfPieces(value.length) + wordsOf(header);
    if (!this.#admits(words, this.#wordsAt(address), MAX_LIVE_LARGE)) return false;
    if (address !== NOWHERE) this.#values.remove(key.hash, address);
    const inOrder = this.#evicts && words > this.#storeWords * MAX_SHARE_OUT_OF_ORDER;
    const id = this.#values.makeId();
    const pieces = this.#writePieces(key.hash, id, value, inOrder);
    if (pieces === 0 || !this.#makeRoom(key.hash, true, wordsOf(header), inOrder)) {
      this.#values.removePieces(key.hash, id, pieces);
      return false;
    }
    const to = log.append(wordsOf(header));
    items.writeHead(to, header, key, expiresAtMs);
    items.setLargeWords(to, value.length, id, pieces);
    log.noteExpiry(to, expiresAtMs);
    this.#values.put(key, to);
    return true;
  }

  /** @returns the number of pieces written, or 0 if there is no room */
  #writePieces(headHash: number, id: number, value: Span, inOrder: boolean): number {
    let pieces = 0;
    for (let at = 0; at < value.length; at += this.#maxPieceBytes) {
      const length = Math.min(this.#maxPieceBytes, value.length - at);
      const { hash } = this.#values.pieceKey(headHash, id, pieces);
      if (!this.#makeRoom(hash, true, this.#maxItemWords, inOrder)) {
        this.#values.removePieces(headHash, id, pieces);
        return 0;
      }
      const key = this.#values.pieceKey(headHash, id, pieces++);
      this.#values.writePiece(key, value.bytes, value.start + at, length);
    }
    return pieces;
  }

  /** Whether a value of the given words may replace one that had `before` words. */
  #admits(words: number, before: number, share: number): boolean {
    if (this.#evicts) return words <= this.#storeWords * MAX_SHARE;
    if (this.isRestoring) return true;
    const { index, log } = this.#values;
    // One segment more than the index has, since its next page may need one.
    const logWords = this.#storeWords - (index.pages.segmentCount + 1) * this.#segmentWords;
    // A value in one piece is written before the old one is removed, so admitting it does no harm.
    if (share === MAX_LIVE && words <= before) return true;
    return log.liveWords + words - before <= logWords * share * this.#maxShare;
  }

  #makeRoom(hash: number, isNew: boolean, words: number, inOrder: boolean): boolean {
    const { index } = this.#values;
    const needsIndexSegment = isNew && index.needsSegment(hash);
    if (!this.#cleaner.makeRoom(words, needsIndexSegment, inOrder)) return false;
    if (!isNew || index.reserve(hash)) return true;
    return this.#evicts && this.#cleaner.evictNear(hash) && index.reserve(hash);
  }

  /** Words of the value that an item stands for. */
  #wordsAt(address: number): number {
    if (address === NOWHERE) return 0;
    const header = this.#values.items.header(address);
    const pieces = isLarge(header) ? this.#wordsOfPieces(this.#values.lengthOf(address)) : 0;
    return wordsOf(header) + pieces;
  }

  #wordsOfPieces(length: number): number {
    const whole = Math.floor(length / this.#maxPieceBytes);
    const last = headerOf(keyMarksOf(PIECE_KEY_BYTES), length - whole * this.#maxPieceBytes);
    return whole * this.#maxItemWords + wordsOf(last);
  }
}

const timedMark = (expiresAtMs: number): number => (expiresAtMs === 0 ? 0 : Mark.TIMED);
