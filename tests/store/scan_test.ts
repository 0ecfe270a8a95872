/** SCAN: every key that is there throughout is told, whatever else happens. */

import { test } from "node:test";
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { LogStore, type LogStoreOptions } from "../../src/store/log_store.ts";
import { NONE, Result, spanOf } from "../../src/store/store.ts";
import { fillRandomOf, randomOf, text } from "../bytes.ts";
import { pageOf, scanAll } from "./scan_all.ts";

const MIB = 2 ** 20;
const found = { bytes: new Uint8Array(0), start: 0, room: NONE, length: NONE, expiresAtMs: 0 };

function open(options: Partial<LogStoreOptions> = {}) {
  const store = new LogStore({
    ...{ limitBytes: 4 * MIB, now: () => 1, fillRandom: fillRandomOf(5) },
    ...options,
  });
  const set = (key: string, length = 10) =>
    store.set(spanOf(text(key)), spanOf(new Uint8Array(length)), 0, true, found);
  const remove = (key: string) => store.delete(spanOf(text(key)), found);
  return { store, set, remove };
}

test("a scan tells each key once while nothing changes, by prefix too", () => {
  const { store, set } = open({ limitBytes: 16 * MIB });
  const keys = Array.from({ length: 20_000 }, (_, i) => `${i % 3 === 0 ? "user:" : "page:"}${i}`);
  for (const key of keys) set(key);
  assertEquals([...scanAll(store, "")].toSorted(), keys.toSorted());
  const users = keys.filter((key) => key.startsWith("user:")).toSorted();
  assertEquals([...scanAll(store, "user:")].toSorted(), users);
  assertEquals(
    [...scanAll(store, "user:12")].length,
    users.filter((k) => /^user:12/.test(k)).length,
  );
  assertEquals([...scanAll(store, "nothing")], []);
});

test("what is there from the first page to the last is told, in any interleaving", () => {
  fc.assert(
    fc.property(
      fc.record({
        seed: fc.integer(),
        keys: fc.integer({ min: 0, max: 1_500 }),
        mostKeys: fc.integer({ min: 1, max: 60 }),
        writes: fc.integer({ min: 0, max: 400 }),
        growth: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      ({ seed, keys, mostKeys, writes, growth }) => {
        const { store, set, remove } = open({ limitBytes: MIB, onFull: "refuse" });
        const random = randomOf(seed);
        const stays = Array.from({ length: keys }, (_, i) => `stays ${i}`);
        for (const key of stays) assertEquals(set(key, random() * 40), Result.DONE);
        // Others come and go: the index grows and shrinks, and items of those that stay move.
        const write = () => {
          for (let i = 0; i < writes; i++) {
            const key = `comes ${Math.floor(random() * 3_000)}`;
            if (random() < growth) set(key, random() * 40);
            else remove(key);
            const rewritten = stays[Math.floor(random() * stays.length)];
            if (rewritten !== undefined) set(rewritten, random() * 60);
          }
          if (random() < 0.1) store.drop(spanOf(text(`comes ${Math.floor(random() * 9)}`)));
          store.sweep();
        };
        const told = new Set(scanAll(store, "", 128, mostKeys, write));
        const missing = stays.filter((key) => !told.has(key));
        assertEquals(missing, []);
      },
    ),
    { numRuns: "Bun" in globalThis ? 60 : 8 },
  );
});

test("keys whose hashes are equal are told together, whatever the page's size", () => {
  const { store, set } = open({ hash: (words, at) => (words[at] & 7) * 0x10000001 });
  const keys = Array.from({ length: 200 }, (_, i) => `${i % 10}${"x".repeat(i % 5)}${i}`);
  for (const key of keys) set(key);
  const told = [...scanAll(store, "", 128, 1)];
  assertEquals(told.toSorted(), keys.toSorted());
});

test("a page that has no room for more says where to go on", () => {
  const { store, set } = open();
  const keys = Array.from({ length: 50 }, (_, i) => `${i}`.padEnd(128, "-"));
  for (const key of keys) set(key);
  const page = { ...pageOf(), room: 863 - 8 };
  const sizes: number[] = [];
  do {
    assertEquals(store.scan(spanOf(text("")), page), Result.DONE);
    sizes.push(page.count);
    assert(page.length <= page.room, `${page.length} bytes`);
  } while (page.cursor !== 0);
  assertEquals(sizes.reduce((sum, each) => sum + each), 50);
  assert(Math.max(...sizes) === 6, "six of the longest keys fit");
});

test("long keys, expired keys and pieces of values are left out", () => {
  let nowMs = 1;
  const { store, set } = open({ now: () => nowMs });
  set("x".repeat(128));
  set("y".repeat(129));
  set("large", 300_000);
  store.set(spanOf(text("timed")), spanOf(text("1")), 5, true, found);
  assertEquals(new Set(scanAll(store, "")), new Set(["x".repeat(128), "large", "timed"]));
  nowMs = 5;
  assertEquals(
    new Set(scanAll(store, "", 129)),
    new Set(["x".repeat(128), "y".repeat(129), "large"]),
  );
});

test("a cursor that is garbage, or of another start, is refused", () => {
  const { store, set } = open();
  const other = open({ fillRandom: fillRandomOf(6) });
  for (let i = 0; i < 500; i++) for (const each of [set, other.set]) each(`${i}`);
  const page = { ...pageOf(), mostKeys: 10 };
  assertEquals(store.scan(spanOf(text("")), page), Result.DONE);
  assert(page.cursor > 2 ** 32 && page.cursor < 2 ** 53, "a cursor names its store");
  const cursors = [1, 2 ** 32 - 1, 2 ** 53 - 1, -2, 0.5, Number.NaN, Number.POSITIVE_INFINITY];
  for (const cursor of cursors) {
    assertEquals(store.scan(spanOf(text("")), { ...page, cursor }), Result.NO_CURSOR);
  }
  assertEquals(other.store.scan(spanOf(text("")), { ...page }), Result.NO_CURSOR);
});

test("a page looks at a bounded number of keys, and may be empty before the last", () => {
  const { store, set } = open({ limitBytes: 16 * MIB });
  for (let i = 0; i < 50_000; i++) set(`${i}`);
  set("rare");
  const page = pageOf();
  let pages = 0;
  let told = 0;
  do {
    store.scan(spanOf(text("r")), page);
    told += page.count;
    pages++;
  } while (page.cursor !== 0);
  assertEquals(told, 1);
  assert(pages > 8 && pages < 40, `${pages} pages`);
});
