/**
 * A sequence lock for each partition of the index: how threads read what one thread writes, without
 * waiting for each other. A partition's version is odd while something in it changes, and even
 * otherwise. A reader takes an even version, reads, and checks that the version is still the same;
 * if it is not, what was read may be torn and counts for nothing.
 *
 * What a partition covers: its row and pages, and the items whose entries are in them, except the
 * mark READ. Nothing of this is written outside of a change. An item is complete before its entry is
 * made, and is overwritten only after its entry is gone.
 *
 * The notes of drops (drops.ts) have a version too, after those of the partitions. A segment's birth, which
 * tells an item's age, is written before anything in the segment is found, and again only after
 * everything in it is gone from the index.
 *
 * Why a check is reliable, by JavaScript's memory model (ECMA-262, «Memory Model»), in which ordinary
 * reads and writes may be reordered, but atomic ones have one order that all threads agree on:
 *
 * 1. If a reader's `begin` sees the version of a finished change, everything written up to its end
 *    happens before what the reader reads next. So the reader sees nothing older.
 * 2. It might see something newer: a write W after a later `begin` of the writer. Between its
 *    atomic store to the version and W, the writer atomically loads each reader's line; between
 *    reading and loading the version again, the reader atomically stores to its line. In the one
 *    order of atomics, if the reader's store comes first, then the writer's load saw it, or a later one
 *    of this reader, so what was read happened before W and can't have seen W. If the writer's load
 *    comes first, then so does its store to the version, and the reader finds another version.
 *
 * Each line is written by one thread alone. ECMA-262 does not describe the native copy of longer values
 * (copy.ts); it is a call, which no engine moves across an atomic operation, and by which the processor's reads come in
 * order too.
 *
 * So a reader whose check succeeds has seen the partition as it was after one finished change. (With the
 * version loads alone, 2 would not hold: an ordinary read may be carried out after a later atomic load;
 * Boehm, «Can seqlocks get along with programming language memory models?», 2012.) A version wraps after
 * 2^31 changes: a reader would have to stand still for just as many, half an hour at a million a second.
 */

import { WORD_BYTES } from "./layout.ts";

/** Each reader's words are apart from the others', so that no two write to one cache line. */
const LINE_BYTES = 64;
export const LINE_WORDS = LINE_BYTES / WORD_BYTES;

/** The writer's side. Without readers it does nothing. */
export class Versions {
  readonly #versions: Int32Array;
  readonly #lines: Int32Array;
  /** What was loaded from the lines means nothing, but must be loaded. */
  loaded = 0;

  constructor({ versions, lines }: { versions: Int32Array; lines: Int32Array }) {
    this.#versions = versions;
    this.#lines = lines;
  }

  /** The number of the version that belongs to the notes of drops. */
  get ofDrops(): number {
    return this.#versions.length - 1;
  }

  /**
   * Call this before the first write of a change, and `end` after the last.
   * @returns whether this call began the change; false if it is part of another, or without readers
   */
  begin(partition: number): boolean {
    if (this.#versions.length === 0) return false;
    const version = this.#versions[partition];
    if (isOdd(version)) return false;
    Atomics.store(this.#versions, partition, version + 1);
    for (let at = 0; at < this.#lines.length; at += LINE_WORDS) {
      this.loaded ^= Atomics.load(this.#lines, at);
    }
    return true;
  }

  /** Ends a change that `begin` began. */
  end(partition: number): void {
    Atomics.store(this.#versions, partition, this.#versions[partition] + 1);
  }
}

/** A reader's side. */
export class VersionReader {
  readonly #versions: Int32Array;
  readonly #lines: Int32Array;
  readonly #line: number;
  #checks = 0;

  /** @param reader counted from 0 */
  constructor(
    { versions, lines }: { versions: Int32Array; lines: Int32Array },
    reader: number,
  ) {
    this.#versions = versions;
    this.#lines = lines;
    this.#line = reader * LINE_WORDS;
  }

  /** The number of the version that belongs to the notes of drops. */
  get ofDrops(): number {
    return this.#versions.length - 1;
  }

  /** The version of a partition. While it is odd, there is nothing to read. */
  begin(partition: number): number {
    return Atomics.load(this.#versions, partition);
  }

  /** Whether what was read since `begin` returned this version was in place all the while. */
  isUnchanged(partition: number, version: number): boolean {
    this.#checks = (this.#checks + 1) | 0;
    Atomics.store(this.#lines, this.#line, this.#checks);
    return Atomics.load(this.#versions, partition) === version;
  }
}

export const isOdd = (version: number): boolean => (version & 1) !== 0;
