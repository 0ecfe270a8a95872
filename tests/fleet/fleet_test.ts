/** A client of several servers: where its calls go, and what they do while a server is down. */

import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AbortedError, InvalidArgumentError, SomeFailedError } from "../../src/errors.ts";
import { makeLink, makeServer, watch } from "../world.ts";
import { threeServers } from "./fleet_world.ts";

const DOWN_MS = 400;

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test("each key has one server, and keyless calls go to all", async () => {
  const { client, kv, run, servers, names } = await threeServers();
  const keys = Array.from({ length: 60 }, (_, i) => `key:${i}`);
  for (const key of keys) await run(kv.set(key, `value of ${key}`));
  for (const key of keys) assertEquals(await run(kv.getText(key)), `value of ${key}`);
  const counts = names.map((name) => servers.get(name)?.store.count ?? 0);
  assertEquals(counts.reduce((sum, count) => sum + count), 60);
  assert(counts.every((count) => count > 5), String(counts));
  const listed = await run(listOf(kv.keysText("")));
  assertEquals(listed.sort(), [...keys].sort());
  for (const [i, name] of names.entries()) {
    const own = await run(listOf(kv.at(name).keysText("key:")));
    assertEquals(own.length, counts[i]);
    assert(own.every((key) => client.serverOf(key) === name));
    assertEquals(
      await run(kv.at(name).stats({ section: "store" })).then((s) => s?.keys),
      counts[i],
    );
  }
  const store = await run(kv.stats({ section: "store" }));
  assertEquals(names.map((name) => store?.[`${name}:keys`]), counts);
  assertEquals(await run(kv.stats({ section: "nonsense" })), undefined);
  assert(await run(kv.ping()) > 0);
  await run(kv.drop("key:1"));
  assertEquals((await run(listOf(kv.keys("")))).length, 49);
  assertThrows(() => kv.at("cache-4"), InvalidArgumentError, "cache-1, cache-2, cache-3");
});

test("many keys in one call, which begin and end together", async () => {
  const { kv, run, clock } = await threeServers();
  const keys = Array.from({ length: 300 }, (_, i) => `key:${i}`);
  const stored = await run(kv.setMany(keys.map((key, i) => [key, String(i)]), { ttl: 60_000 }));
  assert([...stored.values()].every(({ stored }) => stored));
  const again = await run(kv.setMany([["key:3", "x"], ["new", "y"]], { overwrite: false }));
  assertEquals([...again].map(([key, { stored }]) => [key, stored]), [["key:3", false], [
    "new",
    true,
  ]]);
  const startedAtMs = clock.now();
  const got = await run(kv.getMany([...keys, "missing", ...keys]));
  assert(clock.now() - startedAtMs < 10, "not one after the other");
  assertEquals([...got].map(([key, value]) => [key, Number(Buffer.from(value).toString())]), [
    ...keys.map((key, i) => [key, i]),
  ]);
  const removed = await run(kv.deleteMany(["key:0", "missing"]));
  assertEquals([...removed].map(([key, value]) => [key, value?.length]), [["key:0", 1], [
    "missing",
    undefined,
  ]]);
  assertEquals(await run(kv.getMany([])), new Map());
  assertEquals((await run(kv.getItem("key:1")))?.ttl! > 59_000, true);
});

test("one bad key of many, and nothing is sent", async () => {
  const { kv, run, servers } = await threeServers();
  const bad = "x".repeat(129);
  const received = () =>
    [...servers.values()].map(({ server }) => server.counters.datagramsReceived);
  const before = received();
  await assertRejects(() => run(kv.getMany(["a", bad])), InvalidArgumentError, "129 bytes");
  await assertRejects(() => run(kv.deleteMany(["a", ""])), InvalidArgumentError, "empty");
  await assertRejects(() => run(kv.setMany([["a", "1"], ["b", "x".repeat(864)]])), Error, "864");
  await assertRejects(() => run(kv.setMany([["a", "1"], ["a", "2"]])), Error, "twice");
  assertEquals(received(), before);
});

test("a server that answers nothing is down: its calls fail at once, all others go on", async () => {
  const { kv, run, links, keyAt, clock, client } = await threeServers();
  const [down, up] = [keyAt("cache-2"), keyAt("cache-1")];
  await run(kv.set(down, "there"));
  const link = links.get("cache-2")!;
  const { server } = link;
  link.server = null;
  const waiting = watch(kv.get(down, { timeout: 10_000 }));
  const unsent = watch(kv.set(keyAt("cache-2", 1), "never sent", { timeout: 10_000 }));
  await clock.pass(DOWN_MS);
  assertEquals(waiting.state, "SERVER_DOWN", "a query that waits fails too");
  assertEquals(unsent.state, "waits", "and a mutation that was sent waits on");
  const startedAtMs = clock.now();
  const error = await assertRejects(() => run(kv.add(down, 1)), Error, "cache-2");
  assertEquals(
    [(error as { code?: string }).code, (error as { effect?: string }).effect],
    ["SERVER_DOWN", "none"],
  );
  assert(clock.now() - startedAtMs <= 1);
  assertEquals(client.servers().map(({ isDown }) => isDown), [false, true, false]);
  assertEquals((await run(kv.set(up, "x"))).stored, true);
  link.server = server;
  await clock.pass(1_100);
  assertEquals(client.servers()[1].isDown, false);
  assertEquals(await run(kv.getText(down)), "there");
  assertEquals(unsent.state, "answered");
});

test("calls whose deadlines are short find out that a server is down, all together", async () => {
  const { kv, run, links, keyAt, clock } = await threeServers();
  await run(kv.ping());
  links.get("cache-2")!.server = null;
  const states: string[] = [];
  for (let i = 0; i < 12; i++) {
    const call = watch(kv.get(keyAt("cache-2"), { timeout: 40 }));
    await clock.pass(41);
    states.push(call.state);
  }
  assertEquals(new Set(states), new Set(["DEADLINE_EXCEEDED", "SERVER_DOWN"]));
  const known = states.indexOf("SERVER_DOWN");
  assert(known >= 5 && known <= 8, `after ${known} calls`);
  assert(states.slice(known).every((state) => state === "SERVER_DOWN"));
});

test("a server that is slow, or loses a fifth of all datagrams each way, is not down", async () => {
  const { kv, run, links, keyAt, client } = await threeServers();
  let drawn = 1;
  const chance = (): number => (drawn = drawn * 48_271 % 2_147_483_647) / 2_147_483_647;
  const lossy = links.get("cache-1")!;
  lossy.onRequest = () => chance() < 1 / 5 ? 0 : 1;
  lossy.onReply = () => chance() < 1 / 5 ? 0 : 1;
  links.get("cache-2")!.oneWayMs = 350;
  let wasDown = 0;
  for (let i = 0; i < 400; i++) {
    await run(kv.get(keyAt("cache-1", i % 20), { timeout: 5_000 }));
    wasDown += client.servers()[0].isDown ? 1 : 0;
  }
  assertEquals(wasDown, 0);
  // Also before its round trip is known.
  for (let i = 0; i < 20; i++) {
    await run(kv.get(keyAt("cache-2"), { timeout: 5_000 }));
    assertEquals(client.servers()[1].isDown, false);
  }
});

test("a client that is busy all the time finds a server down too", async () => {
  const { kv, run, links, keyAt, clock, client } = await threeServers();
  await run(kv.ping());
  links.get("cache-2")!.server = null;
  const call = watch(kv.get(keyAt("cache-2"), { timeout: 60_000 }));
  for (let i = 0; i < 30 && call.state === "waits"; i++) {
    clock.sleep(110);
    await clock.pass(1);
  }
  assertEquals([call.state, client.servers()[1].isDown], ["SERVER_DOWN", true]);
});

test("many calls that can't be sent any more end at once", async () => {
  const { kv, run, links, keyAt, clock } = await threeServers();
  await run(kv.ping());
  links.get("cache-2")!.server = null;
  const keys = Array.from({ length: 300 }, (_, i) => keyAt("cache-2", i));
  const late = watch(kv.getMany(keys, { timeout: 20 }));
  await clock.pass(21);
  assertEquals(late.state, "SOME_FAILED");
  const { errors } = await assertRejects(() => late.promise, SomeFailedError, "300 of 300");
  assert(new Set(errors.values()).size <= 65, "those that were not sent share an error");
});

test("remember gives what its loader made, even if its server hangs before it is stored", async () => {
  const { kv, run, links, keyAt } = await threeServers("miss");
  const key = keyAt("cache-2");
  const value = await run(kv.remember(key, () => {
    links.get("cache-2")!.server = null;
    return "loaded";
  }, { timeout: 500 }));
  assertEquals(Buffer.from(value).toString(), "loaded");
});

test("an answer that waits for a disk is no silence", async () => {
  const { kv, links, keyAt, clock, client } = await threeServers();
  const link = links.get("cache-2")!;
  // Mutations are not answered, and everything else is.
  link.onRequest = (datagram) => (datagram[0] & 1) === 1 ? 0 : 1;
  await clock.pass(1);
  const call = watch(kv.set(keyAt("cache-2"), "x", { timeout: 10_000 }));
  await clock.pass(2_500);
  assertEquals([call.state, client.servers()[1].isDown], ["waits", false]);
  link.onRequest = () => 1;
  await clock.pass(1_100);
  assertEquals(call.state, "answered");
});

test("a pause of the client is not a silence of the server", async () => {
  const { kv, keyAt, clock, client } = await threeServers();
  for (let i = 0; i < 30; i++) {
    const call = watch(kv.get(keyAt("cache-1"), { timeout: 60_000 }));
    // The process stands still while the reply is under way.
    clock.sleep(i * 37);
    await clock.pass(5);
    assertEquals([call.state, client.servers()[0].isDown], ["answered", false]);
    await clock.pass(300);
  }
});

test("a server that restarts is another one: what it has not seen is done once there", async () => {
  const { kv, run, links, keyAt, clock } = await threeServers();
  const key = keyAt("cache-3");
  assertEquals((await run(kv.add(key, 1))).value, 1n);
  const link = links.get("cache-3")!;
  link.server = null;
  const add = watch(kv.add(key, 1, { timeout: 30_000 }));
  await clock.pass(5_000);
  assertEquals(add.state, "waits");
  link.server = await makeServer(clock, { name: "cache-3" });
  await clock.pass(1_200);
  assertEquals((await add.promise).value, 1n);
  assertEquals((await run(kv.add(key, 1))).value, 2n);
});

test("a deadline and a signal end every wait, also that of many", async () => {
  const { kv, links, keyAt, clock, run } = await threeServers();
  links.get("cache-1")!.server = null;
  const keys = [0, 1, 2].map((i) => keyAt("cache-1", i));
  const late = watch(kv.getMany([...keys, keyAt("cache-2")], { timeout: 30 }));
  await clock.pass(31);
  assertEquals(late.state, "SOME_FAILED");
  const error = await assertRejects(() => late.promise, SomeFailedError, "3 of 4 keys");
  assertEquals([error.errors.size, error.results.size, error.effect], [3, 1, "none"]);
  const controller = new AbortController();
  const aborted = watch(kv.setMany(keys.map((key) => [key, "x"]), { signal: controller.signal }));
  await clock.pass(10);
  controller.abort();
  await clock.pass(1);
  assertEquals(aborted.state, "SOME_FAILED");
  const { errors } = await assertRejects(() => aborted.promise, SomeFailedError);
  assert([...errors.values()].every((each) => each instanceof AbortedError));
  await clock.pass(DOWN_MS);
  const partly = await assertRejects(() => run(kv.drop("")), SomeFailedError, "1 of 3 servers");
  assertEquals([...partly.errors.keys(), ...partly.results.keys()], [
    "cache-1",
    "cache-2",
    "cache-3",
  ]);
  const listing = listOf(kv.keys(""));
  await assertRejects(() => run(listing), SomeFailedError, "1 of 3 servers");
});

test('with onDown: "miss" a cache goes on without the server, and says so', async () => {
  const { kv, run, links, keyAt, clock } = await threeServers("miss");
  const key = keyAt("cache-2");
  await run(kv.set(key, "there"));
  const link = links.get("cache-2")!;
  const { server } = link;
  link.server = null;
  const waiting = kv.get(key, { timeout: 10_000 });
  await clock.pass(DOWN_MS);
  assertEquals(await waiting, undefined);
  assertEquals(await run(kv.get(key)), undefined);
  assertEquals(await run(kv.exists(key)), undefined);
  assertEquals(await run(kv.touch(key, { ttl: 1_000 })), false);
  assertEquals(await run(kv.set(key, "x", { overwrite: true })), {
    stored: false,
    current: undefined,
    isDown: true,
  });
  const many = await run(kv.getMany([key, keyAt("cache-1")]));
  assertEquals(many.size, 0);
  const made = await run(kv.remember(key, () => "made here", { ttl: 1_000 }));
  assertEquals(Buffer.from(made).toString(), "made here");
  for (const call of [() => kv.delete(key), () => kv.add(key, 1), () => kv.drop("")]) {
    await assertRejects(() => run<unknown>(call()), Error, "cache-2");
  }
  link.server = server;
  await clock.pass(1_100);
  assertEquals(await run(kv.getText(key)), "there");
});

test("remember needs one server: that of its key", async () => {
  const { kv, run, links, keyAt, clock } = await threeServers();
  links.get("cache-2")!.server = null;
  links.get("cache-3")!.server = null;
  for (let i = 0; i < 10; i++) {
    const value = await run(kv.remember(keyAt("cache-1", i), () => `made ${i}`));
    assertEquals(Buffer.from(value).toString(), `made ${i}`);
  }
  await clock.pass(1);
});

test("a server without an address is down until it has one", async () => {
  const { client, kv, run, links, keyAt, clock } = await threeServers();
  client.close();
  const { makeFleetClient } = await import("./fleet_world.ts");
  const names = ["cache-1", "cache-2", "cache-3"];
  const known = new Map(links);
  known.delete("cache-2");
  const { client: other } = await makeFleetClient(clock, names, (name) => known.get(name) ?? null);
  assertEquals(other.servers().map(({ isDown }) => isDown), [false, true, false]);
  const view = other.within(1_000);
  await assertRejects(() => run(view.get(keyAt("cache-2"))), Error, "has no address");
  assertEquals(await run(view.get(keyAt("cache-1"))), undefined);
  known.set("cache-2", makeLink(links.get("cache-2")!.server));
  await clock.pass(1_200);
  assertEquals(await run(view.get(keyAt("cache-2"))), undefined);
  await assertRejects(() => run(kv.get("k")), Error, "closed");
});
