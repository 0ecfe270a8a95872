/** A few thousand operations; `bun tests/large/hammer.ts` makes as many as you like. */

import { test } from "node:test";
import { assert } from "@std/assert";
import { hammer } from "./hammer.ts";

const isBun = "Bun" in globalThis;

test("large values are whole and never old, with losses, evictions, expiries and new servers", async () => {
  const { sets, hits, misses, servers, evictions } = await hammer(isBun ? 1_200 : 600, 7);
  assert(sets > 100 && hits > 50 && misses > 10 && servers > 1 && evictions > 0);
});
