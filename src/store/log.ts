/**
 * The log: items in segments, one after the other. New items go to the segment at the head. Items
 * that die leave dead words behind, until nothing in their segment lives and the segment is free.
 *
 * Invariants: a segment of the log is whole items and dead words from its start to its end; its
 * live words are those of its living items; a segment with none is free, unless it is the head; no
 * item in a segment expires before the segment's earliest expiry.
 */

import { assert } from "../assert.ts";
import type { Arena } from "./arena.ts";
import { isDead, wordsOf } from "./item.ts";
import type { Items } from "./items.ts";

/** A place in the log, by the age of its segment. */
export interface LogEnd {
  /** When the last segment became the head; 0 for an empty log. */
  readonly birth: number;
  /** Words up to its end. */
  readonly offset: number;
}

/** No segment. */
export const NO_SEGMENT = -1;

/** Most runs of dead words that are joined to an item to enlarge it. */
const MAX_JOINS = 8;

export class Log {
  readonly #arena: Arena;
  readonly #items: Items;
  /** By segment: when it became the head, counted from 1; 0 if it is not in the log. */
  readonly births: Float64Array;
  /** By segment: the words up to its end, and the words of its living items. */
  readonly ends: Int32Array;
  readonly lives: Int32Array;
  /** By segment: no item in it expires earlier, in ms. */
  readonly earliest: Float64Array;
  #head = NO_SEGMENT;
  #births = 0;
  #liveWords = 0;

  constructor(arena: Arena, items: Items, births: Float64Array) {
    this.#arena = arena;
    this.#items = items;
    this.births = births;
    this.ends = new Int32Array(arena.segmentCount);
    this.lives = new Int32Array(arena.segmentCount);
    this.earliest = new Float64Array(arena.segmentCount);
  }

  get head(): number {
    return this.#head;
  }

  /** What is before this place is older than what is written from now on. */
  get end(): LogEnd {
    if (this.#head === NO_SEGMENT) return { birth: 0, offset: 0 };
    return { birth: this.births[this.#head], offset: this.ends[this.#head] };
  }

  /** Words of all living items. */
  get liveWords(): number {
    return this.#liveWords;
  }

  /** Words that can still be written without taking a segment from the arena. */
  get headRoom(): number {
    return this.#head === NO_SEGMENT ? 0 : this.#arena.segmentWords - this.ends[this.#head];
  }

  /** The address of words for a new item. There must be room; the words count as living. */
  append(words: number): number {
    if (this.headRoom < words) this.#beginSegment();
    const segment = this.#head;
    const address = this.#arena.startOf(segment) + this.ends[segment];
    this.ends[segment] += words;
    this.#count(segment, words);
    return address;
  }

  /** Marks the item at an address, with the given number of words, as dead. */
  bury(address: number, words: number): void {
    this.#items.pad(address, words);
    const segment = this.#arena.segmentOf(address);
    this.#count(segment, -words);
    this.#releaseIfDead(segment);
  }

  /**
   * Resizes an item in place: dead words behind it are joined to it, and words that it no longer
   * needs become dead.
   * @returns false, with nothing changed, if there are not enough dead words
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

  /** Records when an item expires; 0 for never. */
  noteExpiry(address: number, expiresAtMs: number): void {
    const segment = this.#arena.segmentOf(address);
    if (expiresAtMs !== 0 && expiresAtMs < this.earliest[segment]) {
      this.earliest[segment] = expiresAtMs;
    }
  }

  /** Dead words, and words behind the last item, of a segment that is not the head. */
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
    if (last !== NO_SEGMENT) this.#releaseIfDead(last);
  }

  #releaseIfDead(segment: number): void {
    if (this.lives[segment] > 0 || segment === this.#head) return;
    this.births[segment] = 0;
    this.#arena.give(segment);
  }
}
