/** Drops in a durable store: what they do to memory and to the disk, and when. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Action, Job } from "../../src/execute/executor.ts";
import { Result } from "../../src/store/store.ts";
import { scanAll } from "../store/scan_all.ts";
import { FakeDisk } from "./fake_disk.ts";
import { makeFound, openWorld, spanOf } from "./journal_world.ts";

type World = ReturnType<typeof openWorld>;

/** Carries out a job of its own, which may have to wait. */
function begin({ executor }: World, action: Action, key: string, changed: Partial<Job> = {}) {
  const job = Object.assign(new Job(), { action, found: makeFound(), ...changed });
  Object.assign(job.key, spanOf(key));
  const begun = { job, isDone: false };
  begun.isDone = executor.execute(job, () => {
    begun.isDone = true;
  });
  return begun;
}

function beginSet(world: World, key: string, value: string) {
  const job = { overwrite: true, value: spanOf(value) };
  return begin(world, Action.SET, key, job);
}

const drop = (world: World, prefix: string) => begin(world, Action.DROP, prefix);

const stored = ({ disk }: World): string[] => [...disk.items.keys()].toSorted();
const told = ({ store }: World): string[] => [...scanAll(store, "")].toSorted();

async function settle(world: World): Promise<void> {
  await world.clock.pass(1);
  world.disk.finish();
  await world.clock.pass(1);
}

async function fill(world: World, ...keys: string[]): Promise<void> {
  for (const key of keys) world.set(key, `old ${key}`);
  await settle(world);
}

test("a drop takes effect when it is durable, and not before", async () => {
  const world = openWorld();
  await fill(world, "a1", "a2", "b1");
  const { job } = drop(world, "a");
  assertEquals([job.result, told(world)], [Result.DONE, ["a1", "a2", "b1"]]);
  assertEquals([world.get("a1"), world.durable("a1")], ["old a1", "old a1"]);
  assertEquals(world.executor.barrier, job.settlesWith);
  await settle(world);
  assertEquals([told(world), stored(world), world.get("a1")], [["b1"], ["b1"], undefined]);
  assertEquals([world.executor.barrier, world.store.count], [0, 1]);
});

test("changes of dropped keys wait, and come after the drop in memory and on the disk", async () => {
  const world = openWorld();
  await fill(world, "a1", "a2", "b1");
  drop(world, "a");
  const [covered, other] = [beginSet(world, "a1", "new"), beginSet(world, "b2", "new")];
  const removed = begin(world, Action.DELETE, "a2");
  const sum = begin(world, Action.ADD, "a3", { delta: 5n });
  assertEquals([covered.isDone, other.isDone, removed.isDone], [false, true, false]);
  await settle(world);
  assertEquals([covered.isDone, covered.job.result], [true, Result.DONE]);
  assertEquals([removed.isDone, removed.job.result], [true, Result.MISSING]);
  assertEquals([sum.isDone, sum.job.result], [true, Result.DONE]);
  await settle(world);
  assertEquals(told(world), ["a1", "a3", "b1", "b2"]);
  assertEquals(stored(world), told(world));
  assertEquals([world.get("a1"), world.disk.text("a1")], ["new", "new"]);
});

test("what a stream changes after a change that waits comes after it", async () => {
  const world = openWorld();
  await fill(world, "a1", "b1");
  const set = (key: string, stream: number) =>
    begin(world, Action.SET, key, { overwrite: true, value: spanOf("new"), stream });
  drop(world, "a");
  const [covered, later, others] = [set("a1", 7), set("b1", 7), set("b2", 8)];
  assertEquals([covered.isDone, later.isDone, others.isDone], [false, false, true]);
  await settle(world);
  assertEquals([covered.isDone, later.isDone], [true, true]);
  assertEquals([world.get("a1"), world.get("b1")], ["new", "new"]);
});

test("between two batches with drops there is a moment without one, for those that can't wait", async () => {
  const world = openWorld();
  await fill(world, "a1", "b1");
  const drops = [drop(world, "a")];
  for (let commits = 0; commits < 3; commits++) {
    let barrier = -1;
    world.executor.whenSettled(world.executor.barrier, () => {
      barrier = world.executor.barrier;
    });
    drops.push(drop(world, `b${commits}`));
    assertEquals(drops.at(-1)?.isDone, false);
    await settle(world);
    assertEquals([barrier, drops.at(-1)?.isDone], [0, true]);
  }
});

test("a drop that can't be made durable changes nothing, and nothing waits for it", async () => {
  const world = openWorld();
  await fill(world, "a1", "b1");
  drop(world, "");
  const ended = world.executor.newest;
  let problem: string | null = null;
  world.executor.whenSettled(ended, (refusal) => {
    problem = refusal?.problem ?? null;
  });
  const covered = beginSet(world, "a1", "new");
  await world.clock.pass(1);
  world.disk.fail("full");
  await world.clock.pass(1);
  assertEquals([problem, told(world), covered.isDone], ["full", ["a1", "b1"], true]);
  await settle(world);
  assertEquals([world.get("a1"), world.get("b1")], ["new", "old b1"]);
  assertEquals(stored(world), ["a1", "b1"]);
});

test("a crash finds all of a drop or nothing of it", async () => {
  for (const carriedOut of [0, 1]) {
    const disk = new FakeDisk();
    const world = openWorld({ disk });
    await fill(world, "a1", "a2", "b1");
    drop(world, "a");
    await world.clock.pass(1);
    world.journal.stop();
    disk.crash(carriedOut);
    const again = openWorld({ disk, seed: 4 });
    assertEquals(told(again), carriedOut === 0 ? ["a1", "a2", "b1"] : ["b1"]);
  }
});

test("relaxed: a drop is at once, and comes again before what followed if the disk failed", async () => {
  const world = openWorld({ syncIntervalMs: 100 });
  await fill(world, "a1", "a2", "b1");
  await world.clock.pass(100);
  await settle(world);
  const { job } = drop(world, "a");
  world.set("a2", "new");
  assertEquals([job.settlesWith, told(world)], [0, ["a2", "b1"]]);
  await world.clock.pass(60);
  world.disk.fail("full");
  await world.clock.pass(2_000);
  world.disk.finish();
  await world.clock.pass(1);
  assertEquals([told(world), stored(world)], [["a2", "b1"], ["a2", "b1"]]);
  assertEquals(world.disk.text("a2"), "new");
});

test("a drop waits for the one before it, and for room to be noted; each is carried out once", async () => {
  const world = openWorld();
  await fill(world, ...Array.from({ length: 20 }, (_, i) => `${String.fromCharCode(97 + i)}1`));
  const drops = Array.from({ length: 18 }, (_, i) => drop(world, String.fromCharCode(97 + i)));
  assertEquals(drops.filter(({ isDone }) => isDone).length, 1);
  for (let i = 0; i < 18; i++) {
    await settle(world);
    while (world.store.sweep());
  }
  assertEquals(drops.filter(({ isDone }) => isDone).length, 18);
  assertEquals([told(world), stored(world)], [["s1", "t1"], ["s1", "t1"]]);
});

test("SCAN waits for the changes that it may tell of", async () => {
  const world = openWorld();
  await fill(world, "a1");
  world.set("a2", "new");
  const { job, isDone } = begin(world, Action.SCAN, "");
  assertEquals([isDone, job.settlesWith], [true, world.executor.newest]);
  assert(job.settlesWith !== 0, "a2 is not durable yet");
});
