/** Servers of which any has all keys: who gets the calls while one is down. */

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Client } from "../../src/client.ts";
import { DeadlineExceededError, ServerDownError } from "../../src/errors.ts";
import { AnyOf } from "../../src/fleet/any.ts";
import { fillRandomOf } from "../bytes.ts";
import { makeLink, watch } from "../world.ts";
import { threeServers } from "./fleet_world.ts";

const DOWN_MS = 600;

async function anyOfThree(onDown: "error" | "miss" = "error") {
  const world = await threeServers();
  const time = { now: world.clock.now, makeAlarm: world.clock.makeAlarm };
  const any = new AnyOf(world.members, time, fillRandomOf(9), onDown);
  const kv = new Client(any, () => {}).within(1_000);
  const countAt = (name: string) => world.servers.get(name)?.store.count ?? 0;
  const cut = (name: string) => world.links.set(name, makeLink(null));
  const heal = (name: string) => world.links.set(name, makeLink(world.servers.get(name) ?? null));
  return { ...world, kv, countAt, cut, heal };
}

test("the first that is up gets the calls, and again when it is back", async () => {
  const { kv, run, clock, countAt, cut, heal } = await anyOfThree();
  await run(kv.set("a", "1"));
  assertEquals([countAt("cache-1"), countAt("cache-2")], [1, 0]);
  cut("cache-1");
  const read = watch(kv.get("b"));
  await clock.pass(DOWN_MS);
  assertEquals(await run(read.promise), undefined);
  await run(kv.set("b", "2"));
  assertEquals([countAt("cache-1"), countAt("cache-2")], [1, 1]);
  assertEquals(kv.servers().map(({ isDown }) => isDown), [true, false, false]);
  assertEquals(kv.serverOf("anything"), "cache-2");
  assertEquals(kv.holders(), ["cache-2"]);
  heal("cache-1");
  await clock.pass(2_000);
  assertEquals(await run(kv.getText("a")), "1");
});

test("a change that was sent goes nowhere else", async () => {
  const { kv, run, clock, countAt, cut } = await anyOfThree();
  await run(kv.get("x"));
  cut("cache-1");
  const sum = watch(kv.add("n", 1n));
  await clock.pass(1_100);
  const error = await assertRejects(() => run(sum.promise), DeadlineExceededError);
  assertEquals(error.effect, "unknown");
  assertEquals(["cache-1", "cache-2", "cache-3"].map(countAt), [0, 0, 0]);
  assertEquals((await run(kv.add("n", 1n))).value, 1n);
  assertEquals(countAt("cache-2"), 1);
});

test("when all are down, calls fail at once, or are misses", async () => {
  for (const onDown of ["error", "miss"] as const) {
    const { kv, run, clock, names, cut } = await anyOfThree(onDown);
    await run(kv.get("x"));
    for (const name of names) {
      cut(name);
      const read = watch(kv.get("x").catch(() => {}));
      await clock.pass(DOWN_MS);
      await run(read.promise);
    }
    const startedAtMs = clock.now();
    if (onDown === "miss") assertEquals(await run(kv.get("x")), undefined);
    else await assertRejects(() => run(kv.get("x")), ServerDownError, "cache-1");
    await assertRejects(() => run(kv.add("x", 1n)), ServerDownError);
    assert(clock.now() - startedAtMs < 5);
  }
});

test("calls about all keys go to one, and calls about servers to all", async () => {
  const { kv, run, servers } = await anyOfThree();
  for (const key of ["a1", "a2", "b"]) await run(kv.set(key, "1"));
  const keys: string[] = [];
  const walk = (async () => {
    for await (const key of kv.keysText("a")) keys.push(key);
  })();
  await run(walk);
  assertEquals(keys.sort(), ["a1", "a2"]);
  await run(kv.drop("a"));
  assertEquals(servers.get("cache-1")?.store.count, 1);
  const stats = await run(kv.stats({ section: "store" }));
  assertEquals(Object.keys(stats ?? {}).filter((name) => name.endsWith(":keys")).length, 3);
});
