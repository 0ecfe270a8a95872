/** Reads and writes items in place. item.ts defines their format. */

import { TWO_TO_THE_32 } from "../bytes.ts";
import type { Arena } from "./arena.ts";
import { chunkOf, offsetOf } from "./arena.ts";
import { copyRun } from "./copy.ts";
import type { Hash } from "./hash.ts";
import {
  deadHeaderOf,
  isTimed,
  KEY_MARKS_MASK,
  keyLengthOf,
  keyOffsetOf,
  LARGE_WORDS,
  Mark,
  valueLengthOf,
  wasRead,
} from "./item.ts";
import type { Key } from "./key.ts";
import { WORD_BYTES } from "./layout.ts";
import type { Span } from "./store.ts";

export class Items {
  readonly #arena: Arena;
  readonly #hash: Hash;

  constructor(arena: Arena, hash: Hash) {
    this.#arena = arena;
    this.#hash = hash;
  }

  header(address: number): number {
    return this.#arena.words[chunkOf(address)][offsetOf(address)];
  }

  setHeader(address: number, header: number): void {
    this.#arena.words[chunkOf(address)][offsetOf(address)] = header;
  }

  /** Marks words as dead, so that a walk skips them. */
  pad(address: number, words: number): void {
    if (words > 0) this.setHeader(address, deadHeaderOf(words));
  }

  markRead(address: number): void {
    const header = this.header(address);
    // A cache line that is not written to need not be written back.
    if (!wasRead(header)) this.setHeader(address, header | Mark.READ);
  }

  hasKey(address: number, key: Key): boolean {
    const words = this.#arena.words[chunkOf(address)];
    const at = offsetOf(address);
    const header = words[at];
    return (header & KEY_MARKS_MASK) === key.marks && key.equals(words, at + keyOffsetOf(header));
  }

  hashOf(address: number): number {
    const words = this.#arena.words[chunkOf(address)];
    const at = offsetOf(address);
    const header = words[at];
    return this.#hash(words, at + keyOffsetOf(header), keyLengthOf(header));
  }

  /** A word of the key, by its number. */
  keyWord(address: number, number: number): number {
    const at = address + keyOffsetOf(this.header(address)) + number;
    return this.#arena.words[chunkOf(at)][offsetOf(at)];
  }

  /** Shows the key in place. Read it before anything is written. */
  showKey(address: number, span: Span): void {
    const header = this.header(address);
    span.bytes = this.#arena.bytes[chunkOf(address)];
    span.start = (offsetOf(address) + keyOffsetOf(header)) * WORD_BYTES;
    span.length = keyLengthOf(header);
  }

  /** When the item expires, in ms; 0 for never. */
  expiryOf(address: number, header = this.header(address)): number {
    if (!isTimed(header)) return 0;
    const words = this.#arena.words[chunkOf(address)];
    const at = offsetOf(address);
    return (words[at + 1] >>> 0) + words[at + 2] * TWO_TO_THE_32;
  }

  isExpired(address: number, nowMs: number): boolean {
    const expiresAtMs = this.expiryOf(address);
    return expiresAtMs !== 0 && expiresAtMs <= nowMs;
  }

  /** Only for an item that is TIMED. */
  setExpiry(address: number, expiresAtMs: number): void {
    const words = this.#arena.words[chunkOf(address)];
    const at = offsetOf(address);
    words[at + 1] = expiresAtMs | 0;
    words[at + 2] = Math.floor(expiresAtMs / TWO_TO_THE_32);
  }

  /** Writes header, expiry and key; the value, or the words of a LARGE item, are written later. */
  writeHead(address: number, header: number, key: Key, expiresAtMs: number): void {
    this.setHeader(address, header);
    if (isTimed(header)) this.setExpiry(address, expiresAtMs);
    const words = this.#arena.words[chunkOf(address)];
    const at = offsetOf(address) + keyOffsetOf(header);
    const keyWords = (key.length + WORD_BYTES - 1) >> 2;
    for (let i = 0; i < keyWords; i++) words[at + i] = key.words[i];
  }

  /** Writes the value of an item whose head is written. */
  writeValue(address: number, bytes: Uint8Array, start: number): void {
    const header = this.header(address);
    const to = this.#valueAt(address, header);
    copyRun(bytes, start, this.#arena.bytes[chunkOf(address)], to, valueLengthOf(header));
  }

  /** Copies the value out and returns its length. */
  readValue(
    address: number,
    bytes: Uint8Array,
    start: number,
    header = this.header(address),
  ): number {
    const length = valueLengthOf(header);
    const from = this.#valueAt(address, header);
    copyRun(this.#arena.bytes[chunkOf(address)], from, bytes, start, length);
    return length;
  }

  /** Shows the value in place. Read it before anything is written. */
  showValue(address: number, span: Span): void {
    const header = this.header(address);
    span.bytes = this.#arena.bytes[chunkOf(address)];
    span.start = this.#valueAt(address, header);
    span.length = valueLengthOf(header);
  }

  #valueAt(address: number, header: number): number {
    return (offsetOf(address) + keyOffsetOf(header)) * WORD_BYTES + keyLengthOf(header);
  }

  /** One of the three words of a LARGE item: the value's length, its id, its count of pieces. */
  largeWord(address: number, number: number): number {
    const at = this.#largeAt(address) + number;
    return this.#arena.words[chunkOf(at)][offsetOf(at)];
  }

  setLargeWords(address: number, length: number, id: number, pieces: number): void {
    const at = this.#largeAt(address);
    const words = this.#arena.words[chunkOf(at)];
    words[offsetOf(at)] = length;
    words[offsetOf(at) + 1] = id;
    words[offsetOf(at) + 2] = pieces;
  }

  #largeAt(address: number): number {
    const header = this.header(address);
    return address + keyOffsetOf(header) - LARGE_WORDS;
  }
}
