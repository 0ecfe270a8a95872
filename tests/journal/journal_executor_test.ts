/** The journaled store against models: what memory holds, readers see, and a restart finds. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Action } from "../../src/execute/executor.ts";
import { Result } from "../../src/store/store.ts";
import { randomOf } from "../bytes.ts";
import { promisesRun, VirtualClock } from "../virtual_clock.ts";
import { openWorld, WALL_OFFSET_MS } from "./journal_world.ts";

test("overwrites, deletes, sums and times to live are as they were after a restart", async () => {
  const world = openWorld();
  world.set("plain", "1");
  world.set("plain", "2");
  world.set("gone", "x");
  world.delete("gone");
  world.add("n", 5n);
  world.add("n", -7n);
  world.set("timed", "t", 60_000);
  world.set("touched", "t", 60_000);
  world.touch("touched", 0);
  world.set("late", "t");
  world.touch("late", 100);
  await world.clock.pass(1);
  world.disk.finish();
  assertEquals(world.disk.items.get("timed")?.expiresAtMs, 61_000 + WALL_OFFSET_MS);

  await world.clock.pass(30_000);
  const again = openWorld({ disk: world.disk, clock: world.clock });
  const values = ["plain", "gone", "n", "timed", "touched", "late"].map(again.get);
  assertEquals(values, ["2", undefined, "-2", "t", "t", undefined]);
  await world.clock.pass(31_000);
  assertEquals(["timed", "touched"].map(again.get), [undefined, "t"]);
});

test("operations that change nothing are not written", async () => {
  const world = openWorld();
  world.set("k", "text");
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
  assertEquals(world.delete("missing"), Result.MISSING);
  assertEquals(world.touch("missing", 5), Result.MISSING);
  assertEquals(world.add("k", 1n), Result.NOT_A_NUMBER);
  assertEquals([world.pending(), world.journal.backlogBytes], [null, 0]);
});

test("a store that refuses answers FULL, and the disk holds what memory holds", async () => {
  const world = openWorld();
  let stored = 0;
  while (world.set(`key ${stored}`, "x".repeat(700)) === Result.DONE) {
    stored++;
    if (stored % 50 === 0) {
      await world.clock.pass(1);
      world.disk.finish();
    }
  }
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
  assertEquals([world.disk.items.size, world.store.count], [stored, stored]);
});

test("a full store loads again into the same memory, however it is hashed", async () => {
  for (const lengthOf of [() => 100, (i: number) => (i % 50) * 20, () => 900]) {
    const world = openWorld({ limitBytes: 2 ** 22 });
    const large = "z".repeat(2 ** 20);
    world.set("z large", large);
    let stored = 0;
    while (world.set(`key ${stored}`, "x".repeat(lengthOf(stored))) === Result.DONE) {
      stored++;
      if (stored % 200 === 0) {
        await world.clock.pass(1);
        world.disk.finish();
      }
    }
    await world.clock.pass(1);
    world.disk.finish();
    await promisesRun();
    const items = [...world.disk.items].sort(([a], [b]) => (a < b ? -1 : 1));
    for (let seed = 10; seed < 16; seed++) {
      const again = openWorld({ limitBytes: 2 ** 22, seed });
      for (const [, item] of items) assertEquals(again.executor.load(item), Result.DONE);
      assertEquals([again.get("z large"), again.store.count], [large, stored + 1]);
    }
  }
});

test("in a full store the changes of a failed commit are taken back, whatever their sizes", async () => {
  const world = openWorld();
  const commit = async () => {
    await world.clock.pass(1);
    world.disk.finish();
    await promisesRun();
  };
  world.set("shrinks", "s".repeat(50_000));
  world.set("grows", "g");
  world.set("large", "l".repeat(300_000));
  await commit();
  let stored = 0;
  while (world.set(`key ${stored}`, "x".repeat(50)) === Result.DONE) stored++;
  await commit();
  world.set("shrinks", "s");
  world.set("grows", "g".repeat(49_000));
  world.delete("large");
  for (let i = 0; world.set(`more ${i}`, "y".repeat(50)) === Result.DONE; i++);
  await world.clock.pass(1);
  world.disk.fail("it fails");
  await promisesRun();
  assertEquals(world.get("shrinks")?.length, 50_000);
  assertEquals([world.get("grows"), world.get("large")?.length], ["g", 300_000]);
  assertEquals([world.store.count, world.get("more 0")], [stored + 3, undefined]);
});

const STEPS = "Bun" in globalThis ? 40_000 : 4_000;
const KEYS = 40;

for (const [mode, syncIntervalMs] of [["confirmed", 0], ["relaxed", 20]] as const) {
  for (const onFull of ["refuse", "evict"] as const) {
    test(`random changes and a disk that fails, ${mode}, ${onFull}: memory and disk agree`, async () => {
      const random = randomOf(syncIntervalMs + onFull.length);
      const below = (n: number) => Math.floor(random() * n);
      // Large enough that a store that evicts has to evict.
      const lengthOf = () => (onFull === "evict" ? below(60_000) : below(300));
      let world = openWorld({ syncIntervalMs, onFull });
      let [failures, restarts] = [0, 0];
      for (let step = 0; step < STEPS; step++) {
        const key = `key ${below(KEYS)}`;
        const kind = below(100);
        if (kind < 40) {
          world.set(key, `${step} `.padEnd(lengthOf()), below(4) === 0 ? below(90) : 0);
        } else if (kind < 55) world.delete(key);
        else if (kind < 65) world.add(`n ${below(5)}`, BigInt(below(100)));
        else if (kind < 72) world.touch(key, below(2) * below(90));
        else if (kind < 90) await world.clock.pass(below(5));
        else if (kind < 97) world.disk.finish(below(world.disk.waiting + 1));
        else if (kind < 99 && world.disk.waiting > 0) {
          failures++;
          world.disk.fail("it fails");
        } else if (below(20) === 0) {
          restarts++;
          await settle(world);
          world.journal.stop();
          world = openWorld({ syncIntervalMs, onFull, disk: world.disk, clock: world.clock });
        }
        await Promise.resolve();
        if (step % 500 === 0) await settle(world);
      }
      await settle(world);
      assert(failures > 20 && restarts > 1, `${failures} failures and ${restarts} restarts`);
    });
  }
}

/** Makes everything durable, and compares. */
async function settle(world: ReturnType<typeof openWorld>): Promise<void> {
  for (let i = 0; i < 10 || world.journal.backlogBytes > 0; i++) {
    assert(i < 1_000, "it ends");
    await world.clock.pass(i < 5 ? 1 : 1_100);
    world.disk.finish();
    await promisesRun();
  }
  const nowMs = world.clock.now() + WALL_OFFSET_MS;
  const living = [...world.disk.items].filter(([, { expiresAtMs }]) =>
    expiresAtMs === 0 || expiresAtMs > nowMs
  );
  for (const [name] of living) {
    assertEquals(world.get(name)?.length, world.disk.text(name)?.length, name);
    assertEquals(world.get(name), world.disk.text(name), name);
    assertEquals(world.durable(name), world.disk.text(name), name);
  }
  const names = Array.from({ length: KEYS }, (_, i) => `key ${i}`);
  const inMemory = names.filter((name) => world.get(name) !== undefined).length;
  assertEquals(inMemory, living.filter(([name]) => name.startsWith("key")).length);
}

/** Makes the changes durable. */
async function commit(world: ReturnType<typeof openWorld>): Promise<void> {
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
}

const LARGE = "x".repeat(2 ** 20);

test("small requests against a large value cost nothing in proportion to it", async () => {
  const world = openWorld({ limitBytes: 2 ** 23 });
  world.set("big", LARGE);
  await commit(world);
  let copied = 0;
  const small: (() => unknown)[] = [
    () => world.set("big", "y", 0, false),
    () => world.add("big", 1n),
    () => world.touch("big", 1_000_000),
    () => world.touch("big", 2_000_000),
    () => world.touch("big", 0),
    () => world.perform(Action.PEEK, "big"),
    () => world.durable("big"),
  ];
  for (let round = 0; round < 100; round++) {
    for (const change of small) {
      change();
      copied += world.job.copiedBytes;
    }
    if (round % 10 === 9) await world.clock.pass(1);
  }
  assertEquals([copied, world.store.count], [0, 1]);
  assert(world.journal.backlogBytes < 20_000, `${world.journal.backlogBytes} bytes in the journal`);
  world.disk.finish();
  await commit(world);
  assertEquals([world.disk.text("big")?.length, world.durable("big")?.length], [2 ** 20, 2 ** 20]);
});

test("replacing or removing a large value copies it once, and is charged for the copy", async () => {
  const world = openWorld({ limitBytes: 2 ** 23 });
  world.set("big", LARGE);
  await commit(world);
  const costs = [
    () => world.touch("big", 1_000),
    () => world.set("big", "small"),
    () => world.set("big", "smaller"),
    () => world.delete("big"),
    () => world.delete("big"),
  ].map((change) => {
    change();
    return world.job.copiedBytes;
  });
  assertEquals(costs, [0, LARGE.length, 0, 0, 0]);
  await world.clock.pass(1);
  world.disk.fail("it fails");
  await promisesRun();
  assertEquals(world.get("big")?.length, LARGE.length);
});

test("an expiry that was not made durable is taken back, and meanwhile readers see the old one", async () => {
  const world = openWorld();
  world.set("k", "v", 100_000);
  await commit(world);
  const expiryOf = (readsSettled: boolean) => {
    world.perform(Action.EXISTS, "k", { readsSettled });
    return world.job.found.expiresAtMs;
  };
  const before = expiryOf(false);
  world.touch("k", 200_000);
  assertEquals([expiryOf(true), expiryOf(false) > before], [before, true]);
  await world.clock.pass(1);
  world.touch("k", 0);
  assertEquals([expiryOf(true), expiryOf(false)], [before, 0]);
  world.set("k", "w");
  assertEquals([world.durable("k"), expiryOf(true)], ["v", before]);
  world.disk.fail("it fails");
  await promisesRun();
  assertEquals([world.get("k"), expiryOf(false)], ["v", before]);
});

test("a key touched to expire at once is there again if the touch was not made durable", async () => {
  const world = openWorld();
  world.set("k", "v");
  await commit(world);
  world.touch("k", 5);
  await world.clock.pass(10);
  assertEquals([world.get("k"), world.durable("k")], [undefined, "v"]);
  world.disk.fail("it fails");
  await promisesRun();
  assertEquals(world.get("k"), "v");
});

test("a value that expires or is evicted before its new expiry is durable comes back if that fails", async () => {
  for (const ttlMs of [61_000, 600_000]) {
    for (const value of ["small", LARGE]) {
      const world = openWorld({ limitBytes: 2 ** 22, onFull: "evict" });
      world.set("k", value);
      await commit(world);
      world.touch("k", ttlMs);
      await world.clock.pass(61_000);
      for (let i = 0; ttlMs > 61_000 && world.get("k") !== undefined && i < 9; i++) {
        world.set(`other ${i}`, LARGE);
      }
      assertEquals(world.get("k"), undefined);
      assertEquals(world.durable("k"), value);
      world.disk.fail("it fails");
      await promisesRun();
      assertEquals(world.get("k"), value);
      await commit(world);
      assertEquals(world.disk.items.get("k")?.expiresAtMs, 0);
    }
  }
});

test("an expired key is removed from the disk when memory removes it, whatever the clocks say", async () => {
  let wallOffsetMs = WALL_OFFSET_MS;
  const clock = new VirtualClock();
  const world = openWorld({ clock, wallNow: () => clock.now() + wallOffsetMs });
  world.set("lives", "v", 60_000);
  world.set("expires", "v", 50);
  await commit(world);
  // A step forward that is later taken back.
  wallOffsetMs += 3_600_000;
  await clock.pass(100);
  while (world.store.sweep());
  assertEquals(world.get("expires"), undefined);
  await clock.pass(100);
  await commit(world);
  assertEquals([...world.disk.items.keys()], ["lives"]);
  wallOffsetMs -= 3_600_000;
  await clock.pass(1_000);
  const again = openWorld({ clock, disk: world.disk, wallNow: () => clock.now() + wallOffsetMs });
  assertEquals(again.get("lives"), "v");
});

test("a changed key does not count as read: only a read does", async () => {
  const world = openWorld({ onFull: "evict" });
  const names = Array.from({ length: 5_000 }, (_, i) => `key ${i}`);
  for (const [i, name] of names.entries()) {
    world.set(name, "x".repeat(400));
    // These are read, and get their second chance; TYPE and TTL look without reading.
    if (i > 0 && i % 100 === 0) world.get("key 0");
    world.perform(Action.PEEK, "key 1");
    if (i % 50 === 0) await commit(world);
  }
  assertEquals([world.get("key 0")?.length, world.get("key 1")], [400, undefined]);
});
