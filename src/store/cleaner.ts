/**
 * The cleaner frees segments of the log so that there is always room for the next item. It moves
 * the items to keep from a victim to the log's head and removes the rest, a little with each
 * operation that writes.
 *
 * Which items are kept. A segment with enough waste is emptied first, and all its living items are
 * kept. Otherwise a store that evicts takes its oldest segment and gives a second chance to items
 * that were read since they came there (Corbató 1968), until it has kept as much as it may. So each
 * victim gives back at least a known share of a segment, and the number of words to walk over for
 * each written word is known.
 *
 * Invariants: after an operation at least one segment is free; a store that refuses begins with a
 * victim only if all its living items have room elsewhere, and keeps that room until it is done.
 */

import type { Arena } from "./arena.ts";
import { isDead, Mark, wasRead, wordsOf } from "./item.ts";
import type { Items } from "./items.ts";
import type { Layout } from "./layout.ts";
import { type Log, NO_SEGMENT } from "./log.ts";
import { NOWHERE } from "./lookup.ts";
import { Run } from "./run.ts";
import type { Values } from "./values.ts";
import { Walk } from "./walk.ts";

/** With this many free segments nothing is cleaned: one each to write, index and move to. */
export const RESERVED_SEGMENTS = 3;

/** The smallest share of a segment that a victim gives back: in a store that evicts … */
const MIN_GAIN = 1 / 16;
/** … and in one that refuses, which may have little waste to work with. */
const MIN_GAIN_REFUSING = 1 / 512;

/** Most words walked over in one go, besides the last item. A run has at most 16 items. */
const MAX_RUN_WORDS = 4_096;

/** Most victims that a single operation empties before it gives up. */
const MAX_VICTIMS = 4;

export class Cleaner {
  readonly #values: Values;
  readonly #arena: Arena;
  readonly #items: Items;
  readonly #log: Log;
  readonly #maxItemWords: number;
  readonly #minGainWords: number;
  readonly #now: () => number;
  readonly #evicts: boolean;
  readonly #onChoose: () => void;
  readonly #walk: Walk;
  readonly #run: Run;
  /** The oldest segment besides the victim, when the victim was chosen. */
  #next = NO_SEGMENT;
  #nextBirth = 0;
  #keepsAll = false;
  /** Words of the victim that may still be kept because they were read. */
  #wordsToKeep = 0;
  /** Words to walk over for each written word, while this victim lasts. */
  #pace = 0;
  /** Words that the last advance walked over. */
  #walked = 0;

  /**
   * @param evicts whether unread items are removed to make room
   * @param onChoose called before a victim is chosen, to mark what readers have read
   */
  constructor(
    values: Values,
    layout: Layout,
    now: () => number,
    evicts: boolean,
    onChoose: () => void,
  ) {
    const { arena, items, log, index } = values;
    this.#values = values;
    this.#arena = arena;
    this.#items = items;
    this.#log = log;
    this.#maxItemWords = layout.maxItemWords;
    this.#minGainWords = Math.ceil(layout.segmentWords * (evicts ? MIN_GAIN : MIN_GAIN_REFUSING));
    this.#now = now;
    this.#evicts = evicts;
    this.#onChoose = onChoose;
    this.#walk = new Walk(arena, items, log);
    this.#run = new Run(items, index);
  }

  /** Whether an item written to a segment may be moved or evicted by the next few operations. */
  isNear(segment: number): boolean {
    if (segment === this.#walk.segment) return true;
    return this.#evicts && segment === this.#next &&
      this.#log.births[segment] === this.#nextBirth;
  }

  /**
   * Makes room for an item, and for a segment of the index if one is needed too. Items may move.
   * @param inOrder evicts strictly by age, and keeps no item because it was read
   * @returns whether there is room
   */
  makeRoom(words: number, needsIndexSegment: boolean, inOrder = false): boolean {
    if (this.#arena.freeCount >= RESERVED_SEGMENTS) return true;
    this.#payFor(words, inOrder);
    for (let victims = 0; !this.#hasRoom(words, needsIndexSegment);) {
      if (this.#walk.segment === NO_SEGMENT && victims++ === MAX_VICTIMS) return false;
      if (!this.#advance(inOrder)) return false;
    }
    return true;
  }

  /** Removes the value of some key that is looked up in the same place as a hash. */
  evictNear(hash: number): boolean {
    const address = this.#values.index.neighbourOf(hash);
    if (address === NOWHERE) return false;
    return this.#values.evict(this.#items.hashOf(address), address) > 0;
  }

  /** Walks over as many words as the pace asks for the words written, or a run of items more. */
  #payFor(words: number, inOrder: boolean): void {
    let debtWords = words * Math.max(1, this.#pace);
    while (debtWords > 0 && this.#arena.freeCount < RESERVED_SEGMENTS) {
      if (!this.#advance(inOrder)) return;
      debtWords -= this.#walked;
    }
  }

  #hasRoom(words: number, needsIndexSegment: boolean): boolean {
    const opens = this.#log.headRoom < words;
    const free = this.#arena.freeCount - (needsIndexSegment ? 1 : 0) - (opens ? 1 : 0);
    if (free < 1) return false;
    const victim = this.#walk.segment;
    if (victim === NO_SEGMENT || this.#evicts) return true;
    const headRoom = opens ? this.#arena.segmentWords : this.#log.headRoom;
    return this.#canEmpty(victim, free * this.#arena.segmentWords + headRoom - words);
  }

  /** Whether all living items of a segment fit the given words, wherever segments end. */
  #canEmpty(segment: number, words: number): boolean {
    return this.#log.lives[segment] + this.#maxItemWords <= words;
  }

  /** Continues with the victim, or chooses one. @returns false if there is none */
  #advance(inOrder: boolean): boolean {
    if (this.#walk.segment === NO_SEGMENT && !this.#choose(inOrder)) return false;
    const run = this.#run;
    const before = this.#walk.offset;
    run.count = 0;
    while (!run.isFull && this.#walk.offset - before < MAX_RUN_WORDS) {
      const address = this.#walk.next();
      if (address === NOWHERE) break;
      run.add(address);
    }
    this.#walked = this.#walk.offset - before;
    const nowMs = this.#now();
    for (let i = 0; i < run.count; i++) {
      this.#judge(run.hashes[i], run.addresses[i], nowMs, inOrder);
    }
    return true;
  }

  #judge(hash: number, address: number, nowMs: number, inOrder: boolean): void {
    const header = this.#items.header(address);
    // A value's pieces die with it, and some of them may be in the same run.
    if (isDead(header)) return;
    const words = wordsOf(header);
    const hasRoom = this.#log.headRoom >= words || this.#arena.freeCount > 0;
    if (this.#values.drops.cover(address, header)) {
      this.#values.remove(hash, address);
    } else if (this.#items.isExpired(address, nowMs)) {
      this.#values.expire(hash, address);
    } else if (this.#keepsAll && hasRoom) {
      this.#values.move(hash, address);
    } else if (!inOrder && hasRoom && wasRead(header) && words <= this.#wordsToKeep) {
      this.#wordsToKeep -= words;
      this.#items.setHeader(address, header & ~Mark.READ);
      this.#values.move(hash, address);
    } else if (this.#evicts) {
      const isGone = this.#values.evict(hash, address) > 0;
      if (!isGone && hasRoom) this.#values.move(hash, address);
    }
  }

  /** Looks at every segment once: there are at most 16,384. */
  #choose(inOrder: boolean): boolean {
    this.#onChoose();
    const { births, head } = this.#log;
    let oldest = NO_SEGMENT;
    let next = NO_SEGMENT;
    let emptiest = NO_SEGMENT;
    for (let segment = 0; segment < births.length; segment++) {
      if (births[segment] === 0 || segment === head) continue;
      if (emptiest === NO_SEGMENT || this.#log.lives[segment] < this.#log.lives[emptiest]) {
        emptiest = segment;
      }
      if (oldest === NO_SEGMENT || births[segment] < births[oldest]) {
        next = oldest;
        oldest = segment;
      } else if (next === NO_SEGMENT || births[segment] < births[next]) {
        next = segment;
      }
    }
    if (emptiest === NO_SEGMENT) return false;
    const waste = this.#log.wasteOf(emptiest);
    if (waste >= this.#minGainWords && !inOrder && this.#hasRoomFor(emptiest)) {
      this.#begin(emptiest, waste, oldest === emptiest ? next : oldest);
      this.#keepsAll = true;
    } else {
      if (!this.#evicts) return false;
      this.#begin(oldest, this.#minGainWords, next);
      this.#keepsAll = false;
    }
    return true;
  }

  #hasRoomFor(victim: number): boolean {
    const free = this.#arena.freeCount * this.#arena.segmentWords;
    return this.#canEmpty(victim, free + this.#log.headRoom);
  }

  #begin(victim: number, gainWords: number, next: number): void {
    this.#walk.begin(victim);
    this.#next = next;
    this.#nextBirth = next === NO_SEGMENT ? 0 : this.#log.births[next];
    this.#wordsToKeep = this.#arena.segmentWords - this.#minGainWords;
    this.#pace = Math.ceil(this.#arena.segmentWords / gainWords);
  }
}
