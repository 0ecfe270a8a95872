/** What a server and the doors answer, and when, with durable changes. */

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { FullError, RequestError } from "../../src/errors.ts";
import { promisesRun } from "../virtual_clock.ts";
import { makeClient, makeLink, makeServer, outcome, watch, WorldClock } from "../world.ts";
import { openWorld, type WorldOptions } from "./journal_world.ts";

async function openAll(options: WorldOptions = {}) {
  const clock = new WorldClock();
  const world = openWorld({ ...options, clock });
  const server = await makeServer(clock, { executor: world.executor, isFresh: false });
  const link = makeLink(server);
  const client = await makeClient(clock, link);
  const run = <T>(promise: Promise<T>) => outcome(clock, promise);
  // A client's first mutation asks for the epoch.
  await run(client.client.ping({ timeout: 1_000 }));
  return { ...world, ...client, server, link, kv: client.client.within(1_000), run };
}

test("a reply is sent when the change is durable, and no read waits for that", async () => {
  const { kv, clock, disk, run } = await openAll();
  const stored = watch(kv.set("k", "1"));
  await clock.pass(5);
  assertEquals([stored.state, disk.waiting], ["waits", 1]);
  assertEquals(await run(kv.get("k")), undefined);
  disk.finish();
  await clock.pass(1);
  assertEquals(stored.state, "answered");
  assertEquals(await run(kv.getText("k")), "1");
});

test("a mutation that changed nothing waits for the change that it saw", async () => {
  const { kv, clock, disk } = await openAll();
  void kv.set("k", "1");
  await clock.pass(5);
  const other = watch(kv.set("k", "2"));
  await clock.pass(5);
  assertEquals(other.state, "waits");
  disk.finish();
  await clock.pass(5);
  assertEquals((await other.promise).stored, false);
});

test("copies of a mutation that waits are met with silence, and later ones with its reply", async () => {
  const { kv, clock, disk, server, requests, run } = await openAll();
  const sum = watch(kv.add("n", 1));
  await clock.pass(300);
  const copies = requests.length;
  assert(copies > 3, `${copies} requests`);
  assertEquals(server.server.counters.replaysAnswered, 0);
  disk.finish();
  await run(sum.promise);
  const replies = await Promise.all(requests.slice(1).map((request) => server.ask(request)));
  assert(replies.every((reply) => reply !== null));
  assertEquals(await run(kv.getText("n")), "1");
});

test("a change that could not be made durable is refused, took no effect, and stays refused", async () => {
  const { kv, clock, disk, server, requests, run } = await openAll();
  const before = requests.length;
  const stored = kv.set("k", "1");
  const watched = watch(stored);
  await clock.pass(5);
  disk.fail("the disk is full");
  await clock.pass(5);
  assertEquals(watched.state, "REQUEST");
  const error = await assertRejects(() => stored, RequestError, "the disk is full");
  assertEquals(error.effect, "none");
  assertEquals(await run(kv.get("k")), undefined);
  // A late copy gets the same reply, and stores nothing.
  assert((await server.ask(requests[before])) !== null);
  assertEquals([disk.waiting, await run(kv.get("k"))], [0, undefined]);
  const again = kv.set("k", "2");
  await clock.pass(5);
  disk.finish();
  await run(again);
  assertEquals(disk.text("k"), "2");
});

test("a store that has no room answers FULL at once", async () => {
  const { kv, clock, disk, run } = await openAll();
  disk.onCommit = () => void promisesRun().then(() => disk.finish());
  let stored = 0;
  try {
    while (stored < 5_000) await run(kv.set(`key ${stored++}`, "x".repeat(800)));
  } catch (error) {
    assert(error instanceof FullError);
  }
  assert(stored > 500 && stored < 5_000, String(stored));
  assertEquals(clock.now() > 0, true);
});

test("relaxed: a reply does not wait, until the disk fails", async () => {
  const { kv, clock, disk, run } = await openAll({ syncIntervalMs: 100 });
  await run(kv.set("k", "1"));
  assertEquals(disk.waiting, 0);
  await clock.pass(60);
  disk.fail("the disk fails");
  await clock.pass(1);
  const refused = kv.set("k", "2", { overwrite: true });
  const watched = watch(refused);
  await clock.pass(2);
  disk.fail("the disk fails");
  await clock.pass(5);
  assertEquals(watched.state, "REQUEST");
  assertEquals(await run(kv.getText("k")), "1");
});

test("STATS reports the journal", async () => {
  const { kv, clock, disk, run } = await openAll();
  void kv.set("a", "1").catch(() => {});
  await clock.pass(5);
  disk.fail("the disk is full");
  await clock.pass(5);
  const told = await run(kv.stats({ section: "journal" }));
  assertEquals(told, {
    durability: "confirmed",
    commits: 0,
    commits_failed: 1,
    changes: 0,
    backlog_bytes: 0,
    problem: "the disk is full",
  });
});

test("more mutations than a server holds are dropped, and reads are answered", async () => {
  const { kv, clock, disk, server, client, run } = await openAll();
  disk.onCommit = () => {};
  const clients = [client];
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < 40; i++) {
    const link = makeLink(server);
    const other = await makeClient(clock, link);
    clients.push(other.client);
    await run(other.client.ping({ timeout: 1_000 }));
    for (let j = 0; j < 64; j++) {
      calls.push(other.client.set(`k ${i} ${j}`, "v", { timeout: 5_000 }).catch(() => {}));
    }
  }
  await clock.pass(20);
  assert(server.server.counters.droppedForLoad > 0);
  assertEquals(await run(kv.get("missing")), undefined);
  disk.finish();
  disk.onCommit = () => void promisesRun().then(() => disk.finish());
  await clock.pass(2_000);
  await run(Promise.all(calls));
  assertEquals(disk.items.size, 40 * 64);
  for (const each of clients) each.close();
});

test("a mutation without effect waits for the mutation that its client abandoned before", async () => {
  const { kv, clock, disk, run } = await openAll();
  const stored = kv.set("settled", "v");
  await clock.pass(5);
  disk.finish();
  await run(stored);
  const abandoned = watch(kv.add("n", 1, { timeout: 10 }));
  await clock.pass(20);
  assertEquals(abandoned.state, "DEADLINE_EXCEEDED");
  const later = watch(kv.set("settled", "w"));
  await clock.pass(20);
  assertEquals(later.state, "waits");
  disk.finish();
  await run(later.promise);
  assertEquals(await run(kv.getText("n")), "1");
});

test("reads do not wait behind writes that wait for the disk, and few writes are retransmitted", async () => {
  const { kv, clock, disk, client, requests, run } = await openAll();
  disk.onCommit = () => void clock.at(clock.now() + 300, () => disk.finish(1));
  const before = requests.length;
  const [writes, reads] = [200, 300];
  let written = 0;
  const end = new AbortController();
  const writing = Array.from({ length: writes }, async (_, i) => {
    while (!end.signal.aborted) {
      await client.set(`key ${i}`, `${written++}`, { timeout: 60_000, overwrite: true });
    }
  });
  await clock.pass(1);
  const readsBefore = client.retransmissions;
  for (let i = 0; i < reads; i++) {
    const startedAtMs = clock.now();
    await run(kv.get("missing"));
    assert(clock.now() - startedAtMs < 20, `a read took ${clock.now() - startedAtMs} ms`);
    await clock.pass(200);
  }
  end.abort();
  await run(Promise.all(writing));
  const again = client.retransmissions - readsBefore;
  assert(written > 5_000, `${written} writes`);
  assert(again * 20 < written, `${again} datagrams of ${written} writes were retransmitted`);
  assert(requests.length - before < written * 1.1 + reads);
});
