/** What a limiter's store counts. */

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { RateLimitStore } from "../../src/drivers/rate_limit.ts";
import { oneClient } from "../world.ts";

test("taking back a request of a window that is over costs the new window none", async () => {
  const { client, run } = await oneClient();
  const store = new RateLimitStore(client.within(1_000), { windowMs: 60_000 });
  await run(Promise.all([store.decrement("k"), store.increment("k"), store.increment("k")]));
  assertEquals((await run(store.get("k")))?.totalHits, 2);
  await run(store.decrement("none"));
  assertEquals(await run(store.get("none")), undefined);
});
