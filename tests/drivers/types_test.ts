/** Drivers are accepted by the types of their frameworks, of which only what matters is repeated here. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { fastifyRateLimitStore } from "../../src/drivers/rate_limit.ts";
import { sessionStore } from "../../src/drivers/session.ts";
import { oneClient } from "../world.ts";

/** To @types/express-session it is abstract. */
abstract class Store {
  readonly isStore = true;
}

/** A route's options, as @fastify/rate-limit passes them, have a type that shares nothing with what the store uses of it. */
type PluginStore = new (
  options: { readonly continueExceeding?: boolean },
) => { child(options: { readonly path: string }): object };

test("a session's store extends the abstract class that it is given", async () => {
  const { client } = await oneClient();
  const store = sessionStore(Store, client.within(1_000));
  assert(store instanceof Store);
  assertEquals(store.isStore, true);
});

test("the class for @fastify/rate-limit makes a store for a route of any type", async () => {
  const { client } = await oneClient();
  const Plugin: PluginStore = fastifyRateLimitStore(client.within(1_000));
  assert("incr" in new Plugin({}).child({ path: "/" }));
});
