import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { copyBytes } from "../../src/protocol/bytes.ts";
import { MapStore } from "../../src/store/map_store.ts";
import { type Found, NONE, Result, type Span } from "../../src/store/store.ts";
import { randomOf, text } from "../bytes.ts";

const span = (bytes: Uint8Array): Span => ({ bytes, start: 0, length: bytes.length });

function foundIn(room: number): Found {
  return { bytes: new Uint8Array(room + 2), start: 1, room, length: NONE, expiresAtMs: 0 };
}

function textIn(found: Found): string | null {
  if (found.length === NONE) return null;
  return Buffer.from(copyBytes(found.bytes, 1, 1 + found.length)).toString();
}

interface Kept {
  value: string;
  expiresAtMs: number;
}

/** What a store does, in so many words, with no limit. */
class Model {
  readonly entries = new Map<string, Kept>();

  live(key: string, nowMs: number): Kept | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || entry.expiresAtMs === 0 || entry.expiresAtMs > nowMs) return entry;
    this.entries.delete(key);
    return undefined;
  }
}

test("it agrees with a model over 200,000 operations, with time moving", () => {
  const random = randomOf(5);
  const below = (n: number) => Math.floor(random() * n);
  let nowMs = 1;
  const store = new MapStore({ limitBytes: 1e9, now: () => nowMs });
  const model = new Model();
  const found = foundIn(64);
  for (let i = 0; i < 200_000; i++) {
    if (below(10) === 0) nowMs += below(20);
    const name = `key${below(50)}`;
    const key = span(text(name));
    const expected = model.live(name, nowMs);
    const expiresAtMs = below(2) === 0 ? 0 : nowMs + 1 + below(100);
    const value = below(3) === 0 ? String(below(100)) : "v".repeat(below(60));
    switch (below(7)) {
      case 0: {
        const result = store.get(key, found);
        assertEquals(result === Result.DONE, expected !== undefined);
        assertEquals(textIn(found), expected?.value ?? null);
        if (expected) assertEquals(found.expiresAtMs, expected.expiresAtMs);
        break;
      }
      case 1: {
        const overwrite = below(2) === 0;
        const result = store.set(key, span(text(value)), expiresAtMs, overwrite, found);
        assertEquals(textIn(found), expected?.value ?? null);
        const isStored = overwrite || expected === undefined;
        assertEquals(result, isStored ? Result.DONE : Result.PRESENT);
        if (isStored) model.entries.set(name, { value, expiresAtMs });
        break;
      }
      case 2: {
        assertEquals(store.delete(key, found), expected ? Result.DONE : Result.MISSING);
        assertEquals(textIn(found), expected?.value ?? null);
        model.entries.delete(name);
        break;
      }
      case 3: {
        const isNumber = expected === undefined || /^\d+$/.test(expected.value);
        const result = store.add(key, 7n, expiresAtMs, found);
        assertEquals(result, isNumber ? Result.DONE : Result.NOT_A_NUMBER);
        if (!isNumber) break;
        const sum = String(Number(expected?.value ?? 0) + 7);
        assertEquals(textIn(found), sum);
        model.entries.set(name, { value: sum, expiresAtMs: expected?.expiresAtMs ?? expiresAtMs });
        break;
      }
      case 4: {
        assertEquals(store.touch(key, expiresAtMs), expected ? Result.DONE : Result.MISSING);
        if (expected) expected.expiresAtMs = expiresAtMs;
        break;
      }
      case 5:
        assertEquals(store.exists(key, found), expected ? Result.DONE : Result.MISSING);
        break;
      default:
        store.sweep();
    }
  }
});

test("a value that does not fit the room is told by its length alone", () => {
  const store = new MapStore({ limitBytes: 1e6, now: () => 1 });
  store.set(span(text("k")), span(text("longer")), 0, false, foundIn(9));
  const found = foundIn(5);
  assertEquals(store.get(span(text("k")), found), Result.DONE);
  assertEquals(found.length, 6);
  assert(found.bytes.every((byte) => byte === 0));
});

test("usage never exceeds the limit, and the newest survive", () => {
  const store = new MapStore({ limitBytes: 100_000, now: () => 1 });
  const found = foundIn(2000);
  for (let i = 0; i < 1_000; i++) {
    const value = new Uint8Array(i % 1500);
    assertEquals(store.set(span(text(`k${i}`)), span(value), 0, true, found), Result.DONE);
    assert(store.usedBytes <= store.limitBytes);
    assertEquals(store.get(span(text(`k${i}`)), found), Result.DONE, "just written");
  }
  assert(store.evictions > 0);
  assertEquals(store.count, 1_000 - store.evictions);
  for (let i = 995; i < 1000; i++) store.delete(span(text(`k${i}`)), found);
});

test("an item larger than the limit is refused, and what was there stays", () => {
  const store = new MapStore({ limitBytes: 1_000, now: () => 1 });
  const found = foundIn(2000);
  store.set(span(text("k")), span(text("v")), 0, true, found);
  const tooLarge = span(new Uint8Array(900));
  assertEquals(store.set(span(text("k")), tooLarge, 0, true, found), Result.FULL);
  assertEquals(store.get(span(text("k")), found), Result.DONE);
  assertEquals(textIn(found), "v");
});

test("the memory of keys that nobody reads again comes back", () => {
  let nowMs = 1;
  const store = new MapStore({ limitBytes: 1e8, now: () => nowMs });
  for (let i = 0; i < 5_000; i++) {
    store.set(span(text(`k${i}`)), span(text("v")), 100, true, foundIn(9));
  }
  nowMs = 100;
  for (let step = 0; step < 21; step++) store.sweep();
  assertEquals([store.count, store.usedBytes, store.expirations], [0, 0, 5_000]);
});

test("while keys are rewritten without end, expired ones are still swept", () => {
  let nowMs = 1;
  const store = new MapStore({ limitBytes: 1e8, now: () => nowMs });
  const set = (key: string, expiresAtMs: number) =>
    store.set(span(text(key)), span(text("v")), expiresAtMs, true, foundIn(9));
  for (let i = 0; i < 1_000; i++) set(`old${i}`, 100);
  store.sweep();
  nowMs = 100;
  for (let step = 0; step < 30; step++) {
    for (let i = 0; i < 300; i++) set(`hot${i}`, 0);
    store.sweep();
  }
  assertEquals([store.count, store.expirations], [300, 1_000]);
});

test("keys are bytes: those that are no text differ too", () => {
  const store = new MapStore({ limitBytes: 1e6, now: () => 1 });
  const keys = [[0xff], [0xfe], [0], [0, 0], [0xc3, 0xbf]].map((key) => Uint8Array.from(key));
  for (const [i, key] of keys.entries()) {
    assertEquals(store.set(span(key), span(text(`${i}`)), 0, false, foundIn(9)), Result.DONE);
  }
  const found = foundIn(9);
  for (const [i, key] of keys.entries()) {
    store.get(span(key), found);
    assertEquals(textIn(found), `${i}`);
  }
});
