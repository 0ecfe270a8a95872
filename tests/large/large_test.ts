/** Values of up to 1 MiB: their form, and what readers see while they change, on a network that loses. */

import { test } from "node:test";
import { readFileSync } from "node:fs";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InvalidArgumentError, NotJsonError, TooLargeError } from "../../src/errors.ts";
import {
  HEAD_BYTES,
  inlineHead,
  isPieces,
  MAX_LARGE_BYTES,
  MAX_LARGE_KEY_BYTES,
  PIECE_BYTES,
  pieceKeys,
  piecesHead,
  readHead,
} from "../../src/large/head.ts";
import { type LargeOptions, largeValues, PiecesError } from "../../src/large/large.ts";
import { spanOf } from "../../src/store/store.ts";
import { fillRandomOf, text } from "../bytes.ts";
import { oneClient } from "../world.ts";

/** Bytes that no compression makes shorter. */
function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  fillRandomOf(seed)(bytes);
  return bytes;
}

const JSON_OF_3_KB = JSON.stringify(
  Array.from({ length: 42 }, (_, i) => ({
    id: i * 7_919,
    name: `user ${i}`,
    mail: `u${i}@example.com`,
    isActive: i % 3 === 0,
  })),
);

async function begin(options?: LargeOptions) {
  const world = await oneClient();
  const kv = world.client.within(20_000);
  return { ...world, kv, large: largeValues(kv, options) };
}

test("every size and kind of value comes back, and costs as few datagrams as it can", async () => {
  const { large, run, requests, server } = await begin();
  const cases: [Uint8Array | string, number][] = [
    ["", 1],
    ["short", 1],
    [noise(863), 1],
    [noise(864), 3],
    // A page of text fits one datagram when it is compressed.
    ["<p>a line of a page</p>\n".repeat(500), 1],
    [JSON_OF_3_KB, 1],
    [noise(2 * PIECE_BYTES), 3],
    [noise(2 * PIECE_BYTES + 1), 4],
    [noise(100_000), 118],
  ];
  for (const [i, [value, most]] of cases.entries()) {
    const key = `k${i}`;
    assertEquals(await run(large.set(key, value, { overwrite: true })), true);
    const before = requests.length;
    const bytes = typeof value === "string" ? text(value) : value;
    assertEquals(await run(large.get(key)), bytes, key);
    assert(requests.length - before <= most, `${key}: ${requests.length - before} datagrams`);
    assertEquals(await run(large.delete(key)), true);
    assertEquals(await run(large.get(key)), undefined);
    assertEquals(server.store.count, 0, `${key} leaves pieces`);
  }
  assertEquals(await run(large.delete("k0")), false);
});

test("that JSON has 3 KB", () => {
  assert(JSON_OF_3_KB.length > 2_900 && JSON_OF_3_KB.length < 3_300, `${JSON_OF_3_KB.length}`);
});

test("one mebibyte is the most, and 117 bytes of key", async () => {
  const { large, run, server } = await begin({ compress: false });
  const value = new Uint8Array(500_000).fill(7);
  assertEquals(await run(large.set("big", value)), true);
  assertEquals(await run(large.get("big")), value);
  await assertRejects(
    () => large.set("k", new Uint8Array(MAX_LARGE_BYTES + 1)),
    InvalidArgumentError,
    "at most 1048576",
  );
  const long = "k".repeat(MAX_LARGE_KEY_BYTES);
  assertEquals(await run(large.set(long, noise(2_000))), true);
  assertEquals(await run(large.get(long)), noise(2_000));
  await assertRejects(
    () => run(large.set(`${long}x`, noise(2_000))),
    InvalidArgumentError,
    "at most 117",
  );
  assertEquals(await run(large.set("k".repeat(128), "short")), true);
  assert(server.store.count > 580);
});

test("an existing key stays without overwrite, and a replaced value leaves no pieces", async () => {
  const { large, kv, run, server } = await begin();
  assertEquals(await run(large.set("k", noise(5_000, 1))), true);
  const count = server.store.count;
  assertEquals(await run(large.set("k", noise(5_000, 2))), false);
  assertEquals(await run(large.set("k", "short")), false);
  assertEquals(server.store.count, count);
  assertEquals(await run(large.set("k", noise(5_000, 3), { overwrite: true })), true);
  assertEquals(server.store.count, count);
  assertEquals(await run(large.get("k")), noise(5_000, 3));
  assertEquals(await run(large.set("k", "short", { overwrite: true })), true);
  assertEquals(server.store.count, 1);
  assertEquals(await run(kv.getText("k")), "short");
});

test("a value that looks like a head is not taken for one", async () => {
  const { large, kv, run } = await begin();
  const value = piecesHead({
    ...{ id: new Uint8Array(8), storedBytes: 5, sizeBytes: 5, isDeflated: false },
    sum: new Uint8Array(16),
  });
  assertEquals(await run(large.set("k", value)), true);
  assertEquals(await run(large.get("k")), value);
  assertEquals(
    await run(large.set("inline", inlineHead({ bytes: text("x"), isDeflated: true }))),
    true,
  );
  assertEquals(await run(large.get("inline")), inlineHead({ bytes: text("x"), isDeflated: true }));
  // Stored by another client as it is, it names pieces that are not there: a miss.
  await run(kv.set("raw", value));
  assertEquals(await run(large.get("raw")), undefined);
  for (const bad of [[0], [9], [1, 255], [2], [3, ...noise(40)]]) {
    await run(kv.set("bad", Uint8Array.of(0x00, 0x6b, 0x67, 0x4c, ...bad), { overwrite: true }));
    const found = await run(large.get("bad"));
    assertEquals(found, bad[0] === 0 ? new Uint8Array(0) : undefined, String(bad));
  }
});

test("pieces live as long as their key, and a missing or altered one is a miss", async () => {
  const { large, kv, run, clock, server } = await begin();
  await run(large.set("k", noise(3_000), { ttl: 60_000 }));
  await clock.pass(59_000);
  assertEquals(await run(large.get("k")), noise(3_000));
  assertEquals(await run(large.touch("k", { ttl: 60_000 })), true);
  await clock.pass(59_000);
  assertEquals(await run(large.get("k")), noise(3_000));
  await clock.pass(2_000);
  assertEquals(await run(large.get("k")), undefined);
  assertEquals(await run(large.touch("k", { ttl: 1 })), false);
  await clock.pass(20_000);

  await run(large.set("k", noise(3_000)));
  assertEquals(await run(large.touch("k", { ttl: 5_000 })), true);
  assertEquals(await run(large.touch("k")), true);
  await clock.pass(100_000);
  assertEquals(await run(large.get("k")), noise(3_000));
  const head = readHead(await run(kv.get("k")) ?? text(""));
  assert(isPieces(head));
  const [first] = pieceKeys(text("k"), head);
  await run(kv.set(first, new Uint8Array(PIECE_BYTES), { overwrite: true }));
  assertEquals(await run(large.get("k")), undefined);
  await run(kv.delete(first));
  assertEquals(await run(large.get("k")), undefined);
  assert(server.store.count > 0);
});

test("a touch that fails anywhere leaves no key without its value", async () => {
  for (const [before, after] of [[3_600_000, 1_000], [1_000, 3_600_000]]) {
    for (let arriving = 1; arriving <= 6; arriving++) {
      const { large, kv, link, run, clock } = await begin();
      await run(large.set("k", noise(3_000), { ttl: before }));
      let sent = 0;
      link.onRequest = () => ++sent > arriving ? 0 : 1;
      await run(large.touch("k", { ttl: after, timeout: 300 }).catch(() => {}));
      link.onRequest = () => 1;
      await clock.pass(60_000);
      const isThere = await run(kv.exists("k")) !== undefined;
      const value = await run(large.get("k"));
      assertEquals(value, isThere ? noise(3_000) : undefined, `${before} ${arriving}`);
    }
  }
});

test("pieces outlive a head that comes late", async () => {
  const { large, kv, link, run, clock } = await begin();
  await run(kv.exists("k"));
  let isLost = true;
  const isStored = large.set("k", noise(2_000), { ttl: 2_000, timeout: 60_000, overwrite: true });
  let sent = 0;
  // All three pieces arrive, and nothing for a while.
  link.onRequest = () => ++sent > 3 && isLost ? 0 : 1;
  await clock.pass(15_000);
  isLost = false;
  assertEquals(await run(isStored), true);
  assertEquals(await run(large.get("k")), noise(2_000));
});

test("readers see the value before or the value after, on a network that loses and doubles", async () => {
  const { large, link, run, server } = await begin();
  const random = fillRandomOf(9);
  const chance = new Uint8Array(1);
  const fate = () => {
    random(chance);
    return chance[0] < 20 ? 0 : chance[0] < 40 ? 2 : 1;
  };
  link.onRequest = link.onReply = fate;
  const values = Array.from({ length: 6 }, (_, i) => noise(4_000 + i, i));
  await run(large.set("k", values[0]));
  const reads: Promise<Uint8Array | undefined>[] = [];
  const writes = (async () => {
    for (const value of values.slice(1)) {
      await large.set("k", value, { overwrite: true, timeout: 60_000 });
    }
  })();
  for (let i = 0; i < 30; i++) {
    const read = large.get("k", { timeout: 60_000 });
    reads.push(read);
    await run(read);
  }
  await run(writes);
  for (const read of reads) {
    const seen = await read;
    assert(values.some((value) => seen !== undefined && Buffer.from(value).equals(seen)));
  }
  assertEquals(await run(large.get("k")), values[5]);
  assertEquals(server.store.count, 1 + Math.ceil(values[5].length / PIECE_BYTES));
});

test("two writers at once: one value wins whole, and the other leaves nothing", async () => {
  const { large, run, server } = await begin();
  const values = Array.from({ length: 8 }, (_, i) => noise(3_000, i));
  await run(Promise.all(values.map((value) => large.set("k", value, { overwrite: true }))));
  const seen = await run(large.get("k"));
  assert(values.some((value) => seen !== undefined && Buffer.from(value).equals(seen)));
  assertEquals(server.store.count, 1 + Math.ceil(3_000 / PIECE_BYTES));
});

test("when pieces can't be stored the value before stays, and the error says so", async () => {
  const { large, link, run, server } = await begin();
  await run(large.set("k", noise(3_000, 1)));
  const count = server.store.count;
  // Only the SETs of this test's second value have this many datagrams behind them.
  let sent = 0;
  link.onRequest = () => ++sent > 3 ? 0 : 1;
  const error = await run(
    assertRejects(
      () => large.set("k", noise(9_000, 2), { overwrite: true, timeout: 300 }),
      PiecesError,
      "not all pieces could be stored",
    ),
  ) as PiecesError;
  assertEquals([error.effect, error.key], ["none", "k"]);
  link.onRequest = () => 1;
  assertEquals(await run(large.get("k")), noise(3_000, 1));
  assert(server.store.count >= count);
});

test("text, JSON, a door's value, and options that there are not", async () => {
  const { large, kv, run, server } = await begin();
  const data = { rows: Array.from({ length: 2_000 }, (_, i) => ({ i, name: `row ${i * 7919}` })) };
  await run(large.setJson("json", data, { ttl: 60_000 }));
  assertEquals(await run(large.getJson("json")), data);
  await run(large.set("text", "ä".repeat(3_000)));
  assertEquals(await run(large.getText("text")), "ä".repeat(3_000));
  await assertRejects(() => run(large.getJson("text")), NotJsonError);
  await run(kv.set("plain", "by set"));
  assertEquals(await run(large.getText("plain")), "by set");
  const found = { bytes: text(""), start: 0, room: -1, length: -1, expiresAtMs: 0 };
  server.store.set(spanOf(text("door")), spanOf(noise(5_000)), 0, true, found);
  await assertRejects(() => run(large.get("door")), TooLargeError);
  assertEquals(await run(large.touch("door", { ttl: 1_000 })), true);
  assertEquals(await run(large.set("door", "mine", { overwrite: true })), true);
  server.store.set(spanOf(text("door")), spanOf(noise(5_000)), 0, true, found);
  assertEquals(await run(large.delete("door")), true);
  // deno-lint-ignore no-explicit-any -- wrong on purpose
  const untyped = large as any;
  await assertRejects(() => untyped.set("k", "v", { ttlMs: 1 }), InvalidArgumentError, "ttl");
  await assertRejects(() => untyped.set("k", 5), InvalidArgumentError, "not number");
  await assertRejects(() => large.set("k", "v", { ttl: 0 }), InvalidArgumentError, "ttl");
});

interface Vectors {
  readonly stored: readonly {
    readonly key: string;
    readonly value: string;
    readonly form: string;
    readonly items: readonly (readonly [key: string, value: string])[];
  }[];
}

test("the vectors of docs/WIRE.md, section 8, are read, and plain pieces are made the same", async () => {
  const { large, kv, run } = await begin();
  const { stored } = JSON.parse(readFileSync("tests/vectors/large1.json", "utf8")) as Vectors;
  const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
  assert(stored.length >= 4);
  for (const { key, value, form, items } of stored) {
    for (const [itemKey, itemValue] of items) {
      assertEquals((await run(kv.set(bytes(itemKey), bytes(itemValue)))).stored, true);
    }
    assertEquals(await run(large.get(bytes(key))), bytes(value), form);
    const head = readHead(bytes(items[items.length - 1][1]));
    if (isPieces(head)) {
      const keys = pieceKeys(bytes(key), head).map((each) => Buffer.from(each).toString("hex"));
      assertEquals(items.slice(0, -1).map(([itemKey]) => itemKey), keys);
      assertEquals(piecesHead(head).length, HEAD_BYTES);
    }
    assertEquals(await run(large.delete(bytes(key))), true);
  }
});
