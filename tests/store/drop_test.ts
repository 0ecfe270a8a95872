/** Drops: what is gone, what stays, and how the memory comes back. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { MAX_DROPS, MAX_PREFIX_BYTES } from "../../src/store/layout.ts";
import { LogStore, type LogStoreOptions } from "../../src/store/log_store.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { NONE, Result, type Span } from "../../src/store/store.ts";
import { fillRandomOf, text } from "../bytes.ts";
import { audit } from "./audit.ts";
import { scanAll } from "./scan_all.ts";

const MIB = 2 ** 20;
const span = (key: string): Span => ({ bytes: text(key), start: 0, length: text(key).length });

function open(options: Partial<LogStoreOptions> = {}) {
  let nowMs = 1;
  const store = new LogStore({
    ...{ limitBytes: 4 * MIB, now: () => nowMs, fillRandom: fillRandomOf(9) },
    ...options,
  });
  const bytes = new Uint8Array(MIB);
  const found = { bytes, start: 0, room: MIB, length: NONE, expiresAtMs: 0 };
  const set = (key: string, value = `value of ${key}`, expiresAtMs = 0) =>
    store.set(span(key), span(value), expiresAtMs, true, found);
  const get = (key: string) =>
    store.get(span(key), found) === Result.DONE
      ? new TextDecoder().decode(bytes.subarray(0, found.length))
      : undefined;
  const fill = (prefix: string, count: number, value?: string) => {
    for (let i = 0; i < count; i++) assertEquals(set(`${prefix}${i}`, value), Result.DONE);
  };
  const sweepAll = () => {
    while (store.sweep());
  };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { store, found, set, get, fill, sweepAll, pass, drop: (p: string) => store.drop(span(p)) };
}

test("a drop removes the keys of its prefix at once, and their memory comes back", () => {
  const { store, fill, get, drop, sweepAll } = open();
  fill("session:", 9_000);
  fill("sessions", 10);
  const usedBytes = store.usedBytes;
  drop("session:");
  assertEquals(store.drops, 1);
  assertEquals([get("session:7"), get("session:8999")], [undefined, undefined]);
  assertEquals(get("sessions3"), "value of sessions3");
  assertEquals([...scanAll(store, "session:")], []);
  sweepAll();
  assertEquals([store.count, store.drops], [10, 0]);
  assert(store.usedBytes < usedBytes / 10, `${store.usedBytes} of ${usedBytes} bytes`);
  audit(store);
});

test("what is written after a drop stays, wherever it is written", () => {
  const { store, fill, set, get, drop, sweepAll, found } = open();
  fill("a", 8_000);
  drop("a");
  // The old items are still there: new values of the same size must not take their places.
  fill("a", 3_000);
  assertEquals(store.add(span("a5000"), 7n, 0, found), Result.DONE);
  assertEquals(store.delete(span("a5001"), found), Result.MISSING);
  assertEquals(store.touch(span("a5002"), 0), Result.MISSING);
  assertEquals(store.setIfEqual(span("a5003"), span("value of a5003"), span("x"), 0, found), 1);
  assertEquals(store.set(span("a5004"), span("new"), 0, false, found), Result.DONE);
  sweepAll();
  assertEquals([get("a5000"), get("a5004"), get("a5002")], ["7", "new", undefined]);
  for (let i = 0; i < 3_000; i++) assertEquals(get(`a${i}`), `value of a${i}`);
  assertEquals(store.count, 3_002);
  set("b");
  audit(store);
});

test("a drop of everything counts nothing any more", () => {
  const { store, fill, set, drop, sweepAll } = open();
  fill("a", 9_000);
  for (let i = 0; i < 50; i++) set(`timed ${i}`, "x", 1_000);
  assertEquals(store.timed, 50);
  drop("");
  assertEquals([store.count, store.payloadBytes, store.timed], [0, 0, 0]);
  set("new", "1", 1_000);
  set("a7", "22");
  assertEquals([store.count, store.payloadBytes, store.timed], [2, 8, 1]);
  sweepAll();
  assertEquals([store.count, store.payloadBytes, store.timed], [2, 8, 1]);
  audit(store);
});

test("a prefix of any length and any bytes, of an empty store too", () => {
  const { store, set, get, drop, sweepAll, fill } = open();
  drop("");
  drop("x");
  assertEquals([store.drops, store.count], [0, 0]);
  fill("keep", 8_000);
  for (let length = 1; length <= MAX_PREFIX_BYTES; length++) {
    const key = "é".repeat(64).slice(0, 64);
    const prefix = Buffer.from(key).subarray(0, length).toString("latin1");
    const bytes = Buffer.from(prefix, "latin1");
    set(key);
    set(`${key.slice(1)}other`);
    store.drop({ bytes, start: 0, length });
    assertEquals(get(key), undefined);
    sweepAll();
  }
  assertEquals(get("keep7"), "value of keep7");
});

test("drops under way are bounded; one that covers others takes their place", () => {
  const { store, fill, set, drop, get, sweepAll } = open({ limitBytes: 32 * MIB });
  fill("fill", 150_000);
  const prefixes = Array.from({ length: MAX_DROPS }, (_, i) => `p${String.fromCharCode(97 + i)}`);
  for (const prefix of prefixes) {
    set(`${prefix}1`);
    drop(prefix);
  }
  assertEquals(store.drops, MAX_DROPS);
  assert(
    !store.admitsDrop(span("q")) && store.admitsDrop(span("pa")) && store.admitsDrop(span("")),
  );
  for (const prefix of prefixes) {
    assertEquals(get(`${prefix}1`), undefined);
    set(`${prefix}2`);
  }
  drop("pc");
  assertEquals([store.drops, get("pc2"), get("pd2")], [MAX_DROPS, undefined, "value of pd2"]);
  drop("p");
  assertEquals([store.drops, get("pd2"), get("fill9")], [1, undefined, "value of fill9"]);
  let ends = 0;
  store.onDropEnd = () => ends++;
  sweepAll();
  assertEquals([store.drops, ends, store.count], [0, 1, 150_000]);
  audit(store);
});

test("values in pieces go whole, wherever their pieces lie", () => {
  const { store, set, get, drop, sweepAll } = open();
  for (let i = 0; i < 8; i++) set(`large${i}`, `${i}`.repeat(150_000));
  for (let i = 0; i < 8; i++) set(`other${i}`, `${i}`.repeat(90_000));
  drop("large");
  assertEquals(get("large3"), undefined);
  set("large3", "x".repeat(120_000));
  sweepAll();
  assertEquals(get("large3"), "x".repeat(120_000));
  assertEquals(get("other5"), "5".repeat(90_000));
  assertEquals(store.count, 9);
  audit(store);
});

test("a store that is full has room again right after a drop", () => {
  for (const onFull of ["refuse", "evict"] as const) {
    const { store, set, get, drop } = open({ onFull, limitBytes: MIB });
    let stored = 0;
    while (set(`a${stored}`) === Result.DONE && store.evictions === 0) stored++;
    drop("a");
    for (let i = 0; i < stored / 2; i++) assertEquals(set(`b${i}`), Result.DONE);
    assertEquals(get("b0"), "value of b0");
    audit(store);
  }
});

test("a store of values in pieces has room for as many again after a drop", () => {
  const { store, set, drop } = open({ limitBytes: 8 * MIB, onFull: "refuse" });
  const fillUp = () => {
    let stored = 0;
    while (stored < 100 && set(`large${stored}`, "x".repeat(300_000)) === Result.DONE) stored++;
    return stored;
  };
  const stored = fillUp();
  drop("");
  assert(fillUp() >= stored - 1, "at once");
  audit(store);
});

test("the cleaner carries nothing over a drop", () => {
  const { store, fill, get, drop, set } = open({ limitBytes: MIB });
  fill("old", 4_000);
  for (let i = 0; i < 4_000; i++) get(`old${i}`);
  drop("old");
  // All items were read, so the cleaner would keep them; and they are all before the drop.
  for (let i = 0; i < 20_000; i++) set(`new${i % 3_000}`, "x".repeat(40 + (i % 60)));
  for (let i = 0; i < 4_000; i++) assertEquals(get(`old${i}`), undefined);
  audit(store);
});

test("what was dropped does not expire: nobody is told of it", () => {
  const removed: string[] = [];
  const { fill, set, drop, pass, sweepAll, store } = open({
    onRemove: ({ bytes, start, length }) => {
      removed.push(Buffer.from(bytes.subarray(start, start + length)).toString());
    },
  });
  fill("fill", 9_000);
  set("timed", "x", 10);
  set("kept", "x", 10);
  drop("t");
  pass(20);
  sweepAll();
  assertEquals([removed, store.expirations], [["kept"], 1]);
});

test("readers find nothing of a drop either, from the moment it is made", () => {
  const { store, fill, set, drop, sweepAll, found } = open({ readers: 1 });
  fill("a", 9_000);
  const reader = new StoreReader(store.shared, 0);
  const read = (key: string) => reader.get(span(key), found, 1);
  assertEquals(read("a8"), Result.DONE);
  drop("a");
  assertEquals([read("a8"), read("a8999")], [Result.MISSING, Result.MISSING]);
  set("a8");
  assertEquals(read("a8"), Result.DONE);
  sweepAll();
  assertEquals([read("a8"), read("a9")], [Result.DONE, Result.MISSING]);
});
