/**
 * The log: items in segments, one after the other. New ones go to the segment at the head; those
 * that die leave dead words behind, until nothing in their segment lives and it is free again.
 *
 * Invariants: a segment of the log is whole items and dead words from its start to its end; its live
 * words are those of its living items, and with none it is free, unless it is the head; no item in
 * it expires before its earliest expiry.
 */

import { assert } from "../assert.ts";
import type { Arena } from "./arena.ts";
import { isDead, wordsOf } from "./item.ts";
import type { Items } from "./items.ts";

/** No segment. */
export const NONE = -1;

/** Runs of dead words that are joined to an item at most, to make it larger. */
const MAX_JOINS = 8;

export class Log {
  readonly #arena: Arena;
  readonly #items: Items;
  /** By segment: when it became the head, counted from 1; 0 where it is not of the log. */
  readonly births: Float64Array;
  /** By segment: the words up to its end, and those of living items. */
  readonly ends: Int32Array;
  readonly lives: Int32Array;
  /** By segment: no item in it expires earlier, in ms. */
  readonly earliest: Float64Array;
  #head = NONE;
  #births = 0;
  #liveWords = 0;

  constructor(arena: Arena, items: Items) {
    this.#arena = arena;
    this.#items = items;
    this.births = new Float64Array(arena.segmentCount);
    this.ends = new Int32Array(arena.segmentCount);
    this.lives = new Int32Array(arena.segmentCount);
    this.earliest = new Float64Array(arena.segmentCount);
  }

  get head(): number {
    return this.#head;
  }

  /** Words of all living items. */
  get liveWords(): number {
    return this.#liveWords;
  }

  /** Words that can still be written without a segment from the arena. */
  get headRoom(): number {
    return this.#head === NONE ? 0 : this.#arena.segmentWords - this.ends[this.#head];
  }

  /** The address of words for a new item, for which there is room. They count as living. */
  append(words: number): number {
    if (this.headRoom < words) this.#beginSegment();
    const segment = this.#head;
    const address = this.#arena.startOf(segment) + this.ends[segment];
    this.ends[segment] += words;
    this.#count(segment, words);
    return address;
  }

  /** Says that the item at an address, of so many words, is dead. */
  bury(address: number, words: number): void {
    this.#items.pad(address, words);
    const segment = this.#arena.segmentOf(address);
    this.#count(segment, -words);
    this.#releaseIfDead(segment);
  }

  /**
   * Makes an item take other words than before, where it lies: dead words behind it are joined to
   * it, and words that it no longer needs become such.
   * @returns false, with nothing changed, if there are not enough
   */
  resize(address: number, words: number, wanted: number): boolean {
    const segment = this.#arena.segmentOf(address);
    const end = this.#arena.startOf(segment) + this.ends[segment];
    let room = words;
    for (let joins = 0; room < wanted; joins++) {
      if (joins === MAX_JOINS || address + room >= end) return false;
      const header = this.#items.header(address + room);
      if (!isDead(header)) return false;
      room += wordsOf(header);
    }
    this.#items.pad(address + wanted, room - wanted);
    this.#count(segment, wanted - words);
    return true;
  }

  /** Says when an item expires; 0 for never. */
  noteExpiry(address: number, expiresAtMs: number): void {
    const segment = this.#arena.segmentOf(address);
    if (expiresAtMs !== 0 && expiresAtMs < this.earliest[segment]) {
      this.earliest[segment] = expiresAtMs;
    }
  }

  /** Dead words, and those behind the last item, of a segment that is not the head. */
  wasteOf(segment: number): number {
    return this.#arena.segmentWords - this.lives[segment];
  }

  #count(segment: number, words: number): void {
    this.lives[segment] += words;
    this.#liveWords += words;
  }

  #beginSegment(): void {
    const last = this.#head;
    this.#head = this.#arena.take();
    this.births[this.#head] = ++this.#births;
    this.ends[this.#head] = 0;
    this.earliest[this.#head] = Infinity;
    assert(this.lives[this.#head] === 0, "nothing lives in a free segment");
    if (last !== NONE) this.#releaseIfDead(last);
  }

  #releaseIfDead(segment: number): void {
    if (this.lives[segment] > 0 || segment === this.#head) return;
    this.births[segment] = 0;
    this.#arena.give(segment);
  }
}
