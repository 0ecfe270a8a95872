/** Large values on several servers, each of which has some of the pieces. */

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { SomeFailedError } from "../../src/errors.ts";
import { largeValues, PiecesError } from "../../src/large/large.ts";
import { fillRandomOf, text } from "../bytes.ts";
import { threeServers } from "../fleet/fleet_world.ts";

function noise(): Uint8Array {
  const bytes = new Uint8Array(12_000);
  fillRandomOf(4)(bytes);
  return bytes;
}

test("pieces are spread; one server down is a miss where that was chosen, otherwise an error", async () => {
  for (const onDown of ["miss", "error"] as const) {
    const { kv, run, servers, links, keyAt } = await threeServers(onDown);
    const large = largeValues(kv);
    const [key, other] = [keyAt("cache-1"), keyAt("cache-1", 1)];
    assertEquals(await run(large.set(key, noise())), true);
    for (const { store } of servers.values()) assert(store.count > 0);
    assertEquals(await run(large.get(key)), noise());
    links.get("cache-2")!.server = null;
    // Until it is known that the server is down, calls to it end by their deadline.
    await run(kv.get(keyAt("cache-2"), { timeout: 400 }).catch(() => {}));
    if (onDown === "miss") {
      assertEquals(await run(large.get(key)), undefined);
      assertEquals(await run(large.set(other, noise())), false);
    } else {
      await run(assertRejects(() => large.get(key), SomeFailedError));
      await run(assertRejects(() => large.set(other, noise()), PiecesError));
    }
    assertEquals(await run(kv.exists(other)), undefined);
    // What fits a datagram needs its own server alone.
    assertEquals(await run(large.set(other, "short")), true);
  }
});

test("what is taken leaves no pieces at the servers that are there, if it can't be read whole", async () => {
  const { kv, run, servers, links, keyAt } = await threeServers("error");
  const large = largeValues(kv);
  const key = keyAt("cache-1");
  await run(large.set(key, noise()));
  const head = await run(kv.delete(key));
  assert(head !== undefined);
  links.get("cache-2")!.server = null;
  await run(kv.get(keyAt("cache-2"), { timeout: 400 }).catch(() => {}));
  await run(assertRejects(() => large.take(text(key), head, true), SomeFailedError));
  assertEquals([servers.get("cache-1")?.store.count, servers.get("cache-3")?.store.count], [0, 0]);
});
