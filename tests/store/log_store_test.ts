import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { copyBytes } from "../../src/bytes.ts";
import { MAX_LIMIT_BYTES, MIN_LIMIT_BYTES } from "../../src/store/layout.ts";
import { HASH_KEY_BYTES, makeHash } from "../../src/store/hash.ts";
import { Key } from "../../src/store/key.ts";
import { LogStore, type LogStoreOptions } from "../../src/store/log_store.ts";
import { type Found, NONE, Result, type Span } from "../../src/store/store.ts";
import { everyByte, fillRandomOf, randomBytes, randomOf, text } from "../bytes.ts";
import { audit } from "./audit.ts";

const MIB = 2 ** 20;
/** Bun runs everything; the other runtimes are slower, and show that the store works there too. */
const SCALE = "Bun" in globalThis ? 1 : 0.05;

const span = (bytes: Uint8Array): Span => ({ bytes, start: 0, length: bytes.length });

function keyOf(name: string): Key {
  const key = new Key(makeHash(randomBytes(3, HASH_KEY_BYTES)));
  key.read(span(text(name)));
  return key;
}

/** A store with convenient calls. */
class Shop {
  nowMs = 1;
  readonly store: LogStore;
  readonly found: Found = {
    bytes: new Uint8Array(MIB + 2),
    start: 1,
    room: MIB,
    length: NONE,
    expiresAtMs: 0,
  };

  constructor(limitBytes: number, options: Partial<LogStoreOptions> = {}) {
    const fillRandom = fillRandomOf(3);
    this.store = new LogStore({ limitBytes, now: () => this.nowMs, fillRandom, ...options });
  }

  set(key: string, value: Uint8Array, expiresAtMs = 0, overwrite = true): Result {
    return this.store.set(span(text(key)), span(value), expiresAtMs, overwrite, this.found);
  }

  get(key: string): Uint8Array | null {
    const result = this.store.get(span(text(key)), this.found);
    return result === Result.DONE ? copyBytes(this.found.bytes, 1, 1 + this.found.length) : null;
  }

  delete(key: string): Result {
    return this.store.delete(span(text(key)), this.found);
  }

  sweepAll(): void {
    while (this.store.sweep());
  }
}

/** Bytes that identify their value. */
function valueOf(number: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (number * 31 + i * 7) & 255);
}

// Results.

test("of a value that does not fit the given buffer only the length is returned", () => {
  const shop = new Shop(MIB);
  shop.set("k", text("longer"));
  const found = { ...shop.found, bytes: new Uint8Array(9), room: 5 };
  assertEquals(shop.store.get(span(text("k")), found), Result.DONE);
  assertEquals(found.length, 6);
  assert(found.bytes.every((byte) => byte === 0));
});

test("keys are bytes: keys that are not text differ too", () => {
  const { store, found } = new Shop(MIB);
  const keys = [[0xff], [0xfe], [0], [0, 0], [0xc3, 0xbf]].map((key) => Uint8Array.from(key));
  for (const [i, key] of keys.entries()) {
    assertEquals(store.set(span(key), span(text(`${i}`)), 0, false, found), Result.DONE);
  }
  for (const [i, key] of keys.entries()) {
    assertEquals(store.get(span(key), found), Result.DONE);
    assertEquals(found.bytes[1], 48 + i);
  }
});

test("keys of every length, with values of every length modulo a word, come back", () => {
  const shop = new Shop(2 * MIB);
  for (let length = 1; length <= 128; length++) {
    for (const more of [0, 1, 2, 3, 863]) {
      const key = "k".repeat(length - 1) + String.fromCharCode(97 + (more % 26));
      assertEquals(shop.set(key, valueOf(length, more)), Result.DONE);
      assertEquals(shop.get(key), valueOf(length, more));
    }
  }
  audit(shop.store);
});

test("an expired key is not there for GET, SET or ADD", () => {
  const shop = new Shop(MIB);
  for (const key of ["get", "set", "add", "touch", "delete", "exists"]) {
    shop.set(key, text("5"), 100);
  }
  shop.nowMs = 99;
  assertEquals(shop.get("get"), text("5"));
  shop.nowMs = 100;
  assertEquals(shop.get("get"), null);
  assertEquals(shop.set("set", text("new"), 0, false), Result.DONE);
  assertEquals(shop.found.length, NONE);
  assertEquals(shop.store.add(span(text("add")), 7n, 0, shop.found), Result.DONE);
  assertEquals([shop.found.length, shop.found.bytes[1]], [1, 48 + 7]);
  assertEquals(shop.store.touch(span(text("touch")), 200), Result.MISSING);
  assertEquals(shop.delete("delete"), Result.MISSING);
  assertEquals(shop.store.exists(span(text("exists")), shop.found), Result.MISSING);
  assertEquals([shop.store.count, shop.store.expirations], [2, 6]);
});

test("limits out of range, and values that are too large, are refused with a reason", () => {
  for (const limitBytes of [0, MIN_LIMIT_BYTES - 1, MAX_LIMIT_BYTES + 1, NaN]) {
    assertThrows(() => new Shop(limitBytes), RangeError, "1 MiB to 16 GiB");
  }
  const shop = new Shop(4 * MIB);
  assertThrows(() => shop.set("k", new Uint8Array(MIB + 1)), RangeError, "1048576");
  assertEquals(shop.set("k", new Uint8Array(MIB)), Result.DONE);
});

// A hard limit.

test("4,000 items of 1 KiB in 2 MiB: within the limit at every step, the last five there", () => {
  const shop = new Shop(2 * MIB);
  for (let i = 0; i < 4_000; i++) {
    assertEquals(shop.set(`key${i}`, valueOf(i, 1024)), Result.DONE);
    assert(shop.store.usedBytes <= 2 * MIB);
    for (let back = 0; back < Math.min(5, i + 1); back++) {
      assertEquals(shop.get(`key${i - back}`), valueOf(i - back, 1024));
    }
  }
  assert(shop.store.evictions > 0);
  audit(shop.store);
});

test("the last five written are there, whatever was read and wherever they are stored", () => {
  const shop = new Shop(MIB);
  const random = randomOf(9);
  const latest: string[] = [];
  for (let i = 0; i < 60_000 * SCALE; i++) {
    const key = `key${Math.floor(random() * 12_000)}`;
    shop.set(key, valueOf(i, 100 + (i % 3) * 40));
    latest.push(key);
    if (latest.length > 5) latest.shift();
    for (const other of latest) assert(shop.get(other) !== null, "just written, and gone");
    for (let n = 0; n < 3; n++) shop.get(`key${Math.floor(random() * 12_000)}`);
  }
  audit(shop.store);
});

test("200 values of 1 MiB in 2 MiB, each readable after its SET", () => {
  const shop = new Shop(2 * MIB);
  for (let i = 0; i < 200 * Math.max(0.2, SCALE); i++) {
    const value = valueOf(i, MIB);
    assertEquals(shop.set(`large${i % 7}`, value), Result.DONE);
    assert(shop.store.usedBytes <= 2 * MIB);
    assert(Buffer.compare(shop.get(`large${i % 7}`) ?? text(""), value) === 0);
  }
  audit(shop.store);
});

test("a large value among small ones is whole, or it is not there", () => {
  const shop = new Shop(2 * MIB);
  for (let round = 0; round < 20; round++) {
    assertEquals(shop.set("large", valueOf(round, 700_000)), Result.DONE);
    for (let i = 0; i < 3_000; i++) {
      shop.set(`small${i}`, valueOf(i, 200));
      if (i % 500 > 0) continue;
      const large = shop.get("large");
      assert(large === null || Buffer.compare(large, valueOf(round, 700_000)) === 0);
    }
  }
  audit(shop.store);
});

test("a store that refuses replaces 1 MiB by another, and refuses a second", () => {
  const shop = new Shop(2 * MIB, { onFull: "refuse" });
  for (let i = 0; i < 20; i++) assertEquals(shop.set("one", valueOf(i, MIB - i)), Result.DONE);
  assertEquals(shop.set("two", valueOf(1, MIB)), Result.FULL);
  assert(Buffer.compare(shop.get("one") ?? text(""), valueOf(19, MIB - 19)) === 0);
  assertEquals([shop.store.count, shop.store.evictions], [1, 0]);
  assertEquals(shop.delete("one"), Result.DONE);
  assertEquals(shop.set("two", valueOf(1, MIB)), Result.DONE);
  audit(shop.store);
});

test("in a full store that refuses, a large value is replaced or stays", () => {
  const random = randomOf(2);
  let refusals = 0;
  for (let round = 0; round < 40 * Math.max(0.2, SCALE); round++) {
    const shop = new Shop(3 * MIB, { onFull: "refuse" });
    const length = 40_000 + Math.floor(random() * 60_000);
    shop.set("large", valueOf(1, length));
    for (let i = 0; shop.set(`small${i}`, valueOf(i, 500 + (round * 13) % 480)) === Result.DONE;) {
      i++;
    }
    const result = shop.set("large", valueOf(2, length));
    if (result === Result.FULL) refusals++;
    assertEquals(shop.get("large"), valueOf(result === Result.FULL ? 1 : 2, length));
  }
  assert(refusals > 0, "it was full");
});

test("one key rewritten in ever different sizes: the space that it leaves is reused", () => {
  for (const onFull of ["evict", "refuse"] as const) {
    const shop = new Shop(MIB, { onFull });
    const random = randomOf(4);
    shop.set("beside", text("stays"));
    const bytes = everyByte(2_000);
    const value = span(bytes);
    const key = span(text("k"));
    for (let i = 0; i < 1_000_000 * SCALE; i++) {
      value.length = Math.floor(random() * 2_000);
      const result = shop.store.set(key, value, 0, true, shop.found);
      if (result !== Result.DONE) assertEquals(result, Result.DONE, `write ${i}, ${onFull}`);
    }
    assertEquals(shop.get("k"), copyBytes(bytes, 0, value.length));
    if (onFull === "refuse") assertEquals(shop.get("beside"), text("stays"));
    assert(shop.store.usedBytes < 10_000 + 16 * 1024);
    audit(shop.store);
  }
});

// Refusing.

for (const [keyBytes, valueBytes] of [[16, 20], [16, 100], [24, 300], [32, 450]]) {
  test(`refusing, values of ${valueBytes}: full at no less than payload + 24 bytes an item`, () => {
    const limitBytes = 64 * MIB;
    const shop = new Shop(limitBytes, { onFull: "refuse" });
    const value = valueOf(1, valueBytes);
    let items = 0;
    while (shop.set(String(items).padStart(keyBytes), value) === Result.DONE) items++;
    const reckoned = items * (keyBytes + valueBytes + 24);
    assert(reckoned >= limitBytes, `full at ${reckoned / limitBytes} of the limit`);
    assertEquals(shop.store.count, items);
    for (let i = 0; i < items; i += 97) assert(shop.get(String(i).padStart(keyBytes)) !== null);
  });
}

test("refusing, values of all sizes, rewritten and deleted: no FULL while there is room", () => {
  const limitBytes = 16 * MIB;
  const shop = new Shop(limitBytes, { onFull: "refuse" });
  const random = randomOf(8);
  const sizes = new Map<string, number>();
  let reckoned = 0;
  let refusals = 0;
  for (let i = 0; i < 400_000 * SCALE; i++) {
    const key = `key:${Math.floor(random() * 120_000)}`;
    const before = sizes.has(key) ? key.length + (sizes.get(key) ?? 0) + 24 : 0;
    if (random() < 0.1) {
      assertEquals(shop.delete(key) === Result.DONE, before > 0);
      sizes.delete(key);
      reckoned -= before;
      continue;
    }
    const length = Math.floor(random() * 400);
    const after = key.length + length + 24;
    const result = shop.set(key, valueOf(i, length));
    if (result === Result.FULL) {
      refusals++;
      assert(reckoned - before + after > limitBytes, `FULL at ${reckoned / limitBytes}`);
    } else {
      sizes.set(key, length);
      reckoned += after - before;
    }
  }
  assert(SCALE < 1 || refusals > 0, "it was full at times");
  assertEquals(audit(shop.store).length, sizes.size);
});

test("after most small values were deleted, larger ones fill the store", () => {
  const limitBytes = 32 * MIB;
  const shop = new Shop(limitBytes, { onFull: "refuse" });
  const random = randomOf(6);
  const small = valueOf(1, 40);
  let items = 0;
  while (shop.set(`small:${items}`, small) === Result.DONE) items++;
  let payload = 0;
  for (let i = 0; i < items; i++) {
    if (random() < 0.9) shop.delete(`small:${i}`);
    else payload += `small:${i}`.length + 40;
  }
  const large = valueOf(2, 200);
  for (let i = 0; shop.set(`large:${i}`, large) === Result.DONE; i++) {
    payload += `large:${i}`.length + 200;
  }
  assert(payload >= 0.8 * limitBytes, `filled to ${payload / limitBytes}`);
  audit(shop.store);
});

test("a store full of expired items takes new keys at once", () => {
  const shop = new Shop(MIB, { onFull: "refuse" });
  let items = 0;
  while (shop.set(`old:${items}`, valueOf(1, 100), 500) === Result.DONE) items++;
  shop.nowMs = 500;
  for (let i = 0; i < items; i++) assertEquals(shop.set(`new:${i}`, valueOf(1, 100)), Result.DONE);
  assertEquals(shop.store.evictions, 0);
  shop.nowMs = 1_000;
  for (let i = 0; i < items; i++) shop.store.touch(span(text(`new:${i}`)), 1_001);
  shop.nowMs = 1_001;
  assertEquals(shop.set("large", valueOf(1, 100_000)), Result.DONE);
  audit(shop.store);
});

// Memory.

test("a key costs at most 16 bytes beyond key and value, and 24 with a time to live", () => {
  const limitBytes = SCALE === 1 ? 64 * MIB : 8 * MIB;
  for (const [expiresAtMs, most] of [[0, 16], [1e6, 24]]) {
    const shop = new Shop(limitBytes, { onFull: "refuse" });
    const value = valueOf(1, 100);
    let items = 0;
    while (shop.set(String(items).padStart(16), value, expiresAtMs) === Result.DONE) items++;
    const overhead = shop.store.usedBytes / items - 116;
    assert(overhead <= most, `${overhead} bytes`);
  }
});

test("an emptied store uses next to nothing, and fills again", () => {
  const shop = new Shop(4 * MIB);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 20_000; i++) shop.set(`key${i}`, valueOf(i, 60));
    for (let i = 0; i < 20_000; i++) assertEquals(shop.delete(`key${i}`), Result.DONE);
    assertEquals(shop.store.count, 0);
    // A page of the index for each partition stays.
    assert(shop.store.usedBytes <= 16 * 4096);
    audit(shop.store);
  }
});

test("addresses with the highest bit set work like others", () => {
  const shop = new Shop(MAX_LIMIT_BYTES);
  const { arena } = shop.store.values;
  // All segments except the last are taken by the test: nothing is written there.
  while (arena.freeCount > 100) arena.take();
  const spent = arena.segmentCount - arena.freeCount;
  for (let i = 0; i < 20_000; i++) shop.set(`key${i}`, valueOf(i, 100), i % 3 === 0 ? 500 : 0);
  shop.set("large", valueOf(1, MIB));
  for (let i = 0; i < 20_000; i += 7) assertEquals(shop.get(`key${i}`), valueOf(i, 100));
  shop.nowMs = 500;
  shop.sweepAll();
  assertEquals(shop.store.expirations, Math.ceil(20_000 / 3));
  assert(Buffer.compare(shop.get("large") ?? text(""), valueOf(1, MIB)) === 0);
  assert(shop.store.values.index.find(keyOf("key1")) < 0, "such an address");
  assertEquals(audit(shop.store, spent).length, shop.store.count);
});

// Expiry.

test("when everything expires at once, the sweep frees a little at a time", () => {
  const shop = new Shop(16 * MIB);
  const items = 50_000;
  for (let i = 0; i < items; i++) shop.set(`key${i}`, valueOf(i, 60), 1_000 + (i % 5));
  for (let i = 0; i < 100; i++) shop.set(`stays${i}`, valueOf(i, 60), i % 2 === 0 ? 0 : 9_999);
  assertEquals(shop.store.sweep(), false, "nothing is due");
  shop.nowMs = 1_005;
  let steps = 0;
  let before = 0;
  for (let more = true; more; steps++) {
    more = shop.store.sweep();
    assert(shop.store.expirations - before <= 128 + 16, "a step is short");
    before = shop.store.expirations;
  }
  assertEquals([shop.store.count, shop.store.expirations], [100, items]);
  assert(steps >= items / 144);
  assert(shop.store.usedBytes < 600_000);
  audit(shop.store);
});

test("a step of the sweep is as short where few live items lie among many dead ones", () => {
  const shop = new Shop(16 * MIB);
  const items = 100_000 * Math.max(0.2, SCALE);
  for (let i = 0; i < items; i++) shop.set(`key${i}`, text(""), i % 1_000 === 0 ? 9_000 : 100);
  for (let i = 0; i < items; i++) if (i % 1_000 > 0) shop.delete(`key${i}`);
  shop.nowMs = 100;
  let steps = 0;
  while (shop.store.sweep()) steps++;
  assert(steps >= items / 16_384, `${steps} steps for ${items} dead items`);
  assertEquals(shop.store.count, Math.ceil(items / 1_000));
});

test("large values expire a few at a time, and all of them", () => {
  const shop = new Shop(16 * MIB);
  for (let i = 0; i < 100; i++) shop.set(`large${i}`, valueOf(i, 60_000), 100);
  shop.nowMs = 100;
  for (let before = 0, more = true; more; before = shop.store.expirations) {
    more = shop.store.sweep();
    // Each has 60 pieces; a step ends with the value at which it has removed 128.
    assert(shop.store.expirations - before <= 4, "a step is short");
  }
  assertEquals([shop.store.count, shop.store.expirations], [0, 100]);
  audit(shop.store);
});

test("while keys are rewritten endlessly, expired ones are still swept", () => {
  const shop = new Shop(4 * MIB);
  for (let i = 0; i < 1_000; i++) shop.set(`old${i}`, valueOf(i, 50), 100);
  shop.store.sweep();
  shop.nowMs = 100;
  for (let step = 0; step < 30; step++) {
    for (let i = 0; i < 300; i++) shop.set(`hot${i}`, valueOf(i, (i * step) % 90));
    shop.store.sweep();
  }
  assertEquals([shop.store.count, shop.store.expirations], [300, 1_000]);
});

test("a time to live that comes and goes leaves the value as it is", () => {
  const shop = new Shop(MIB, { onFull: "refuse" });
  const touch = (key: string, atMs: number) => shop.store.touch(span(text(key)), atMs);
  shop.set("large", valueOf(1, 50_000));
  shop.set("small", valueOf(2, 50));
  for (let i = 0; i < 1_000; i++) {
    for (const key of ["large", "small"]) {
      assertEquals(touch(key, i % 3 === 0 ? 0 : 5_000 + i), Result.DONE);
      if (i % 7 === 0) shop.set("small", valueOf(2, 50), i % 2 === 0 ? 0 : 7_000);
    }
  }
  assertEquals([shop.get("large"), shop.get("small")], [valueOf(1, 50_000), valueOf(2, 50)]);
  touch("large", 5_000);
  shop.nowMs = 5_000;
  shop.sweepAll();
  assertEquals(shop.get("large"), null);
  audit(shop.store);
});

// Bounded work.

test("no operation of a full store looks at more than a few dozen items", () => {
  for (const limitBytes of [MIB, 16 * MIB]) {
    let hashes = 0;
    const hash = makeHash(randomBytes(5, HASH_KEY_BYTES));
    const shop = new Shop(limitBytes, {
      hash: (words, at, length) => {
        hashes++;
        return hash(words, at, length);
      },
    });
    const random = randomOf(3);
    let most = 0;
    const count = Math.ceil((limitBytes / 100) * 3 * SCALE);
    for (let i = 0; i < count; i++) {
      const number = 1e6 + Math.floor(random() * count);
      hashes = 0;
      shop.set(`${number}`, valueOf(i, 60 + (i % 4)));
      most = Math.max(most, hashes);
      // With everything read, the cleaner has to keep as much as it ever can.
      for (let n = 0; n < 4; n++) shop.get(`${1e6 + Math.floor(random() * count)}`);
    }
    assert(SCALE < 1 || shop.store.evictions > 0);
    assert(most <= 64, `${most} items in one operation of a store of ${limitBytes} bytes`);
  }
});

// A useless hash.

test("with all hashes colliding the store is slow, and right", () => {
  for (const onFull of ["evict", "refuse"] as const) {
    const shop = new Shop(2 * MIB, { onFull, hash: () => 0x7fffffff });
    const keys = 2_000 * Math.max(0.2, SCALE);
    for (let i = 0; i < keys; i++) {
      assertEquals(shop.set(`key${i}`, valueOf(i, i % 50)), Result.DONE);
    }
    for (let i = 0; i < keys; i += 2) assertEquals(shop.delete(`key${i}`), Result.DONE);
    for (let i = 0; i < keys; i++) {
      assertEquals(shop.get(`key${i}`), i % 2 === 0 ? null : valueOf(i, i % 50));
    }
    assertEquals(shop.set("large", valueOf(1, 100_000)), Result.DONE);
    assertEquals(shop.get("large"), valueOf(1, 100_000));
    audit(shop.store);
  }
});

test("a part of the index that can't grow evicts or refuses, and loses nothing else", () => {
  const keys = 18_000;
  for (const onFull of SCALE === 1 ? ["evict", "refuse"] as const : ["refuse"] as const) {
    // One partition, where the search for each key begins at a different place.
    const hash = (words: Int32Array, at: number) => (words[at] * 14_913) & 0xfffffff;
    const shop = new Shop(4 * MIB, { onFull, hash });
    const key = { bytes: new Uint8Array(4), start: 0, length: 4 };
    const results = new Map<Result, number>();
    for (let i = 0; i < keys; i++) {
      new DataView(key.bytes.buffer).setInt32(0, i, true);
      const result = shop.store.set(key, span(text("v")), 0, true, shop.found);
      results.set(result, (results.get(result) ?? 0) + 1);
      assertEquals(
        shop.store.get(key, shop.found),
        result === Result.DONE ? result : Result.MISSING,
      );
    }
    const most = (79 * 256 * 7) / 8;
    assertEquals(shop.store.count, most);
    assertEquals(shop.store.evictions, onFull === "evict" ? keys - most : 0);
    assertEquals(results.get(Result.FULL) ?? 0, onFull === "evict" ? 0 : keys - most);
    audit(shop.store);
  }
});

test("a key that a SET found and left alone counts as read", () => {
  const { store, set, found } = makeSmall("evict");
  set("met");
  set("not met");
  for (let i = 0; i < 5_000; i++) {
    set(`key ${i}`);
    if (i % 100 === 0) store.set(span(text("met")), span(text("other")), 0, false, found);
  }
  assertEquals(store.peek(span(text("not met")), found), Result.MISSING);
  assertEquals([store.peek(span(text("met")), found), found.length], [Result.DONE, 400]);
});

test("the index gives its segments back with its pages, and keeps one to spare", () => {
  const { store, set, found } = makeSmall("refuse");
  const { pages } = store.values.index;
  const empty = pages.segmentCount;
  const segmentBytes = store.values.arena.segmentWords * 4;
  let stored = 0;
  while (set(`${stored}`) === Result.DONE) stored++;
  assert(pages.segmentCount > empty + 4, `${pages.segmentCount} segments`);
  for (let i = 0; i < stored; i++) {
    store.delete(span(text(`${i}`)), found);
    const spareBytes = pages.segmentCount * segmentBytes - pages.usedBytes;
    assert(spareBytes <= segmentBytes, `${spareBytes} bytes to spare`);
  }
});

function makeSmall(onFull: "evict" | "refuse") {
  const fillRandom = fillRandomOf(21);
  const store = new LogStore({ limitBytes: 2 ** 20, now: () => 1, fillRandom, onFull });
  const found = { bytes: new Uint8Array(512), start: 0, room: 512, length: 0, expiresAtMs: 0 };
  const value = new Uint8Array(onFull === "evict" ? 400 : 0);
  const set = (key: string) => store.set(span(text(key)), span(value), 0, true, found);
  return { store, set, found };
}
