/** When changes go to the disk, what waits for them, and what happens to them when it fails. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { SETTLED } from "../../src/execute/executor.ts";
import { Result } from "../../src/store/store.ts";
import { promisesRun } from "../virtual_clock.ts";
import { openWorld } from "./journal_world.ts";

/** What a promise resolved with, or "waits". */
async function stateOf(promise: Promise<string | null> | null): Promise<string | null> {
  if (promise === null) return "nothing to wait for";
  let state: string | null = "waits";
  void promise.then((problem) => {
    state = problem;
  });
  await promisesRun();
  return state;
}

test("confirmed: a change waits for its commit, and changes of one turn share a commit", async () => {
  const world = openWorld();
  assertEquals(world.executor.newest, SETTLED);
  world.set("a", "1");
  world.set("b", "2");
  const pending = world.pending();
  assertEquals(await stateOf(pending), "waits");
  await world.clock.pass(1);
  assertEquals([world.disk.waiting, await stateOf(pending)], [1, "waits"]);
  world.disk.finish();
  assertEquals(await stateOf(pending), null);
  assertEquals(world.disk.sizes, [2]);
  assertEquals(world.executor.newest, SETTLED);
});

test("changes made while the disk was busy wait for their own commit", async () => {
  const world = openWorld();
  world.set("a", "1");
  const first = world.pending();
  await world.clock.pass(1);
  world.set("a", "2");
  const second = world.pending();
  await world.clock.pass(1);
  world.disk.finish(1);
  assertEquals([await stateOf(first), await stateOf(second)], [null, "waits"]);
  assertEquals(world.disk.text("a"), "1");
  world.disk.finish();
  assertEquals([await stateOf(second), world.disk.text("a")], [null, "2"]);
});

test("a disk that does not answer is given eight batches, and the ninth collects the rest", async () => {
  const world = openWorld();
  for (let i = 0; i < 20; i++) {
    world.set(`key ${i}`, "x");
    await world.clock.pass(1);
  }
  assertEquals(world.disk.waiting, 8);
  world.disk.finish();
  await world.clock.pass(1);
  world.disk.finish();
  assertEquals(world.disk.sizes, [1, 1, 1, 1, 1, 1, 1, 1, 12]);
});

test("readers see the durable state, and operations the state to come", async () => {
  const world = openWorld();
  world.set("n", "1");
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
  world.add("n", 5n);
  await world.clock.pass(1);
  world.add("n", 1n);
  world.set("new", "x");
  assertEquals([world.get("n"), world.durable("n")], ["7", "1"]);
  assertEquals([world.get("new"), world.durable("new")], ["x", undefined]);
  world.disk.finish(1);
  await promisesRun();
  assertEquals([world.get("n"), world.durable("n")], ["7", "6"]);
  world.delete("n");
  assertEquals([world.get("n"), world.durable("n")], [undefined, "6"]);
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
  assertEquals([world.durable("n"), world.durable("new")], [undefined, "x"]);
});

test("a value that readers still see expires on time", async () => {
  const world = openWorld();
  world.set("k", "old", 50);
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
  world.set("k", "new");
  await world.clock.pass(20);
  assertEquals(world.durable("k"), "old");
  await world.clock.pass(40);
  assertEquals([world.durable("k"), world.get("k")], [undefined, "new"]);
});

test("a failed commit takes back its batch and the changes built on it, and gives the reason", async () => {
  const world = openWorld();
  world.set("kept", "1");
  world.set("deleted", "2", 1_000_000);
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
  world.set("kept", "changed");
  world.delete("deleted");
  const first = world.pending();
  await world.clock.pass(1);
  world.set("kept", "changed again");
  world.set("new", "3");
  const second = world.pending();
  world.disk.fail("the disk is full");
  assertEquals([await stateOf(first), await stateOf(second)], [
    "the disk is full",
    "the disk is full",
  ]);
  assertEquals([world.get("kept"), world.get("deleted"), world.get("new")], ["1", "2", undefined]);
  assertEquals([world.durable("kept"), world.journal.backlogBytes], ["1", 0]);
  assertEquals(world.problems, ["the disk is full"]);
  world.set("kept", "5");
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
  assertEquals([world.disk.text("kept"), world.disk.text("new")], ["5", undefined]);
  assertEquals(world.problems, ["the disk is full", null]);
});

test("relaxed: nobody waits, and a change reaches the disk within half the interval", async () => {
  const world = openWorld({ syncIntervalMs: 100 });
  world.set("a", "1");
  assertEquals(world.pending(), null);
  assertEquals(world.durable("a"), "1");
  await world.clock.pass(30);
  world.set("b", "2");
  assertEquals(world.disk.waiting, 0);
  await world.clock.pass(21);
  assertEquals(world.disk.waiting, 1);
  world.set("c", "3");
  await world.clock.pass(51);
  assertEquals(world.disk.waiting, 2);
  world.disk.finish();
  assertEquals(world.disk.sizes, [2, 1]);
});

test("relaxed: a large batch does not wait for the interval", async () => {
  const world = openWorld({ syncIntervalMs: 60_000, limitBytes: 2 ** 24 });
  for (let i = 0; i < 300; i++) world.set(`key ${i}`, "x".repeat(1_000));
  await world.clock.pass(1);
  assertEquals(world.disk.waiting, 1);
});

test("relaxed: past the backlog a change waits for the disk", async () => {
  const world = openWorld({ syncIntervalMs: 100, limitBytes: 2 ** 25 });
  for (let i = 0; i < 9; i++) world.set(`key ${i}`, "x".repeat(2 ** 20));
  const before = world.pending();
  world.set("one more", "y");
  const pending = world.pending();
  assert(before !== null && pending !== null);
  assertEquals([world.get("one more"), world.durable("one more")], ["y", undefined]);
  await world.clock.pass(1);
  world.disk.finish();
  assertEquals(await stateOf(pending), null);
  world.set("another", "z");
  assertEquals(world.pending(), null);
});

test("beyond the memory limit a change finds no room", async () => {
  const world = openWorld({ limitBytes: 2 ** 28 });
  const large = "x".repeat(2 ** 20);
  let stored = 0;
  while (world.set(`key ${stored}`, large) === Result.DONE) stored++;
  assertEquals(stored, 64);
  assertEquals(world.delete("key 0"), Result.FULL);
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
  assertEquals(world.set("another", large), Result.DONE);
});

test("relaxed: a batch that nobody waited for is retried, and nothing is confirmed meanwhile", async () => {
  const world = openWorld({ syncIntervalMs: 100 });
  world.set("a", "1");
  await world.clock.pass(60);
  world.disk.fail("the disk fails");
  await promisesRun();
  assertEquals(world.get("a"), "1");
  world.set("a", "2");
  const refused = world.pending();
  await world.clock.pass(1);
  world.disk.fail("the disk fails");
  assertEquals(await stateOf(refused), "the disk fails");
  assertEquals([world.get("a"), world.durable("a")], ["1", "1"]);
  await world.clock.pass(1_100);
  world.disk.finish();
  await promisesRun();
  assertEquals(world.disk.text("a"), "1");
  world.set("a", "3");
  assertEquals(world.pending(), null);
});

test("draining ends even if changes keep coming", async () => {
  const world = openWorld();
  let isOver = false;
  let more = 0;
  world.disk.onCommit = () => {
    if (!isOver) world.set(`key ${more++}`, "x");
    void promisesRun().then(() => world.disk.finish(1));
  };
  world.set("a", "1");
  const drained = world.journal.drain();
  for (let i = 0; i < 50; i++) await world.clock.pass(1);
  isOver = true;
  assertEquals(await drained, null);
  assert(more > 10);
});

test("draining makes everything durable, or reports why not", async () => {
  const world = openWorld({ syncIntervalMs: 60_000 });
  world.set("a", "1");
  world.disk.onCommit = () => void promisesRun().then(() => world.disk.finish());
  assertEquals([await world.journal.drain(), world.disk.text("a")], [null, "1"]);
  world.set("a", "2");
  world.disk.onCommit = () => void promisesRun().then(() => world.disk.fail("the disk is full"));
  assertEquals(await world.journal.drain(), "the disk is full");
});

test("an evicted key is removed from the disk, also after a first failure", async () => {
  const world = openWorld({ onFull: "evict" });
  let i = 0;
  while (world.store.evictions === 0) {
    world.set(`key ${i++}`, "x".repeat(800));
    await world.clock.pass(1);
    world.disk.finish();
    await promisesRun();
  }
  for (let more = 0; more < 100; more++) world.set(`more ${more}`, "x".repeat(800));
  await world.clock.pass(1);
  world.disk.fail("the disk fails");
  await promisesRun();
  assertEquals(world.get("more 99"), undefined);
  await world.clock.pass(1_100);
  world.disk.finish();
  await promisesRun();
  const gone = [...world.disk.items.keys()].filter((key) => world.get(key) === undefined);
  assertEquals(gone, []);
  assertEquals(world.store.count, world.disk.items.size);
});

test("a key evicted while loading stays on the disk until the journal starts", async () => {
  const world = openWorld({ limitBytes: 2 ** 22 });
  for (let i = 0; i < 3_000; i++) world.set(`key ${i}`, "x".repeat(800));
  await world.clock.pass(1);
  world.disk.finish();
  await promisesRun();
  const small = openWorld({ disk: world.disk, onFull: "evict", isStarted: false });
  assert(small.store.evictions > 1_000);
  await small.clock.pass(5_000);
  assertEquals([small.disk.waiting, small.disk.items.size], [0, 3_000]);
  small.executor.start();
  await small.clock.pass(1);
  small.disk.finish();
  assertEquals(small.disk.items.size, small.store.count);
});
