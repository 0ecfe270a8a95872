/** Keys of drivers from names that strangers choose, and from routes of any length. */

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { KeyNames, MAX_KEY_BYTES, MAX_LARGE_KEY_BYTES } from "../../src/drivers/key_names.ts";
import { fastifyRateLimitStore } from "../../src/drivers/rate_limit.ts";
import { unstorageDriver } from "../../src/drivers/unstorage.ts";
import * as head from "../../src/large/head.ts";
import * as frame from "../../src/protocol/frame.ts";
import { oneClient } from "../world.ts";

test("drivers, which are built on the library alone, know the wire's sizes of keys", () => {
  assertEquals(
    [MAX_KEY_BYTES, MAX_LARGE_KEY_BYTES],
    [frame.MAX_KEY_BYTES, head.MAX_LARGE_KEY_BYTES],
  );
});

test("no name has the key of another, also not one with a zero byte", async () => {
  const names = new KeyNames("p:", 117);
  assertEquals(names.key("short"), "p:short");
  const hashed = await names.key("k".repeat(300));
  assert(hashed.startsWith("p:\0") && hashed.length === 67, hashed);
  const lookalike = hashed.slice("p:".length);
  assert(await names.key(lookalike) !== hashed);
  assertEquals([names.name("p:short"), names.name(hashed), names.name("q:short")], [
    "short",
    undefined,
    undefined,
  ]);
});

test("a prefix that leaves no room for a hash is told by its size", async () => {
  const names = new KeyNames("p".repeat(60), 117);
  assertEquals(names.key("short"), `${"p".repeat(60)}short`);
  await assertRejects(
    async () => await names.key("k".repeat(300)),
    RangeError,
    "has 60 bytes; for keys that are too long to be stored as they are it has at most 52",
  );
});

test("@fastify/rate-limit: a long route with a long key counts, and by itself", async () => {
  const { client, run } = await oneClient();
  const store = new (fastifyRateLimitStore(client.within(1_000)))();
  const hit = (url: string) =>
    run(
      new Promise((resolve, reject) => {
        const route = store.child({ routeInfo: { method: "GET", url } });
        route.incr(
          "2001:db8:85a3:1234:5678:8a2e:370:7334",
          (error, result) => {
            if (error === null) resolve(result?.current);
            else reject(error);
          },
          60_000,
          5,
        );
      }),
    );
  const long = `/${"segment/".repeat(20)}`;
  assertEquals([await hit(long), await hit(long), await hit(`${long}x`), await hit("/")], [
    ...[1, 2, 1, 1],
  ]);
});

test("unstorage: a ttl of 0 is none, as with its other drivers", async () => {
  const { client, run } = await oneClient();
  const kv = client.within(1_000);
  const driver = unstorageDriver(kv, { ttl: 60 });
  await run(driver.setItem("k", "v", { ttl: 0 }));
  assertEquals(await run(kv.exists("storage:k")), { ttl: undefined });
  await run(driver.setItem("k", "v"));
  assert((await run(kv.exists("storage:k")))?.ttl !== undefined);
});
