/** Examines a whole store: every word of its log, every entry of its index, every count. */

import { assert, assertEquals } from "@std/assert";
import { chunkOf, offsetOf } from "../../src/store/arena.ts";
import {
  isDead,
  isLarge,
  isPiece,
  keyLengthOf,
  keyOffsetOf,
  wordsOf,
} from "../../src/store/item.ts";
import { PAGE_ENTRIES, ROW_WORDS, WORD_BYTES } from "../../src/store/layout.ts";
import type { LogStore } from "../../src/store/log_store.ts";

export interface Stored {
  readonly key: string;
  readonly value: Uint8Array;
  readonly expiresAtMs: number;
}

/**
 * Throws where an invariant does not hold.
 * @param spent segments taken by others
 * @returns everything that is stored, including expired items that were not swept, but nothing that
 *   was dropped
 */
export function audit(store: LogStore, spent = 0): Stored[] {
  const { arena, log, index } = store.values;
  const living = new Set<number>();
  let liveWords = 0;
  let logSegments = 0;
  for (let segment = 0; segment < arena.segmentCount; segment++) {
    if (log.births[segment] === 0) continue;
    logSegments++;
    liveWords += auditSegment(store, segment, living);
  }
  assertEquals(log.liveWords, liveWords, "live words of the log");
  const taken = arena.segmentCount - arena.freeCount;
  assertEquals(taken - spent, logSegments + index.pages.segmentCount, "each segment has one use");
  auditIndex(store, living);
  const isLeft = (address: number) => !store.values.drops.cover(address);
  const stored = [...living].filter(isLeft).flatMap((address) => storedAt(store, address) ?? []);
  if (store.drops === 0) auditCounts(store, stored);
  const usedBytes = liveWords * WORD_BYTES + index.pages.usedBytes;
  assertEquals(store.usedBytes, usedBytes, "bytes in use");
  assert(usedBytes <= store.limitBytes, "never more than the limit");
  return stored;
}

function auditCounts(store: LogStore, stored: readonly Stored[]): void {
  assertEquals(store.count, stored.length, "the count of keys");
  const timed = stored.filter(({ expiresAtMs }) => expiresAtMs !== 0);
  assertEquals(store.timed, timed.length, "the count of keys that expire");
  const payloadBytes = stored.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  assertEquals(store.payloadBytes, payloadBytes, "bytes of keys and values");
}

/** Adds the addresses of the living items, and returns how many words they take. */
function auditSegment(store: LogStore, segment: number, living: Set<number>): number {
  const { arena, items, log } = store.values;
  let offset = 0;
  let live = 0;
  while (offset < log.ends[segment]) {
    const address = arena.startOf(segment) + offset;
    const header = items.header(address);
    offset += wordsOf(header);
    if (isDead(header)) continue;
    living.add(address);
    live += wordsOf(header);
    const expiresAtMs = items.expiryOf(address);
    const isEarliest = expiresAtMs === 0 || expiresAtMs >= log.earliest[segment];
    assert(isEarliest || store.sweeper.isIn(segment), "nothing expires before the earliest");
  }
  assertEquals(offset, log.ends[segment], "a segment ends where an item ends");
  assertEquals(live, log.lives[segment], "live words of a segment");
  assert(live > 0 || segment === log.head, "a segment where nothing lives is free");
  return live;
}

function auditIndex(store: LogStore, living: Set<number>): void {
  const { arena, index, items } = store.values;
  const indexed = new Set<number>();
  for (
    const [partition, pages] of Array.from(
      { length: index.pages.rows.length / ROW_WORDS },
      (_, p) => index.pages.countOf(p),
    ).entries()
  ) {
    for (let i = 0; i < pages * PAGE_ENTRIES; i++) {
      const row = partition * ROW_WORDS + 1 + Math.floor(i / PAGE_ENTRIES);
      const entry = index.pages.rows[row] + (i % PAGE_ENTRIES) * 2;
      const address = arena.words[chunkOf(entry)][offsetOf(entry) + 1];
      if (address === 0) continue;
      assert(!indexed.has(address), "an address is in the index once");
      assert(living.has(address), "an item in the index lives");
      indexed.add(address);
    }
  }
  assertEquals(indexed.size, living.size, "a living item is in the index");
  for (const address of living) {
    const found = index.findBy(items.hashOf(address), (candidate) => candidate === address);
    assertEquals(found, address, "an item is found where it is looked for");
  }
}

/** The item that a head or a whole item stands for; null for a piece. */
function storedAt(store: LogStore, address: number): Stored | null {
  const { arena, items } = store.values;
  const header = items.header(address);
  if (isPiece(header)) return null;
  const start = (offsetOf(address) + keyOffsetOf(header)) * WORD_BYTES;
  const bytes = arena.bytes[chunkOf(address)].subarray(start, start + keyLengthOf(header));
  const value = new Uint8Array(store.values.lengthOf(address));
  if (isLarge(header)) store.values.readPieces(items.hashOf(address), address, value, 0);
  else items.readValue(address, value, 0);
  return {
    key: Buffer.from(bytes).toString("latin1"),
    value,
    expiresAtMs: items.expiryOf(address),
  };
}
