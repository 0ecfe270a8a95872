/** The journaled store against models: what it is in memory, what readers see, what a restart finds. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Result } from "../../src/store/store.ts";
import { randomOf } from "../bytes.ts";
import { promisesRun } from "../virtual_clock.ts";
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

test("what changes nothing is not written", async () => {
  const world = openWorld();
  world.set("k", "text");
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
  assertEquals(world.delete("missing"), Result.MISSING);
  assertEquals(world.touch("missing", 5), Result.MISSING);
  assertEquals(world.add("k", 1n), Result.NOT_A_NUMBER);
  assertEquals([world.store.pending(), world.store.journal.backlogBytes], [null, 0]);
});

test("a store that refuses says FULL, and the disk holds what memory holds", async () => {
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
      for (const [, item] of items) assertEquals(again.store.load(item), Result.DONE);
      assertEquals([again.get("z large"), again.store.count], [large, stored + 1]);
    }
  }
});

test("in a full store what a failed commit changed is taken back, whatever its sizes", async () => {
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
      // So large that a store that evicts has to.
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

/** Has all become durable, and compares. */
async function settle(world: ReturnType<typeof openWorld>): Promise<void> {
  for (let i = 0; i < 10 || world.store.journal.backlogBytes > 0; i++) {
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
