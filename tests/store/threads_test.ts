/** Threads that read what this thread writes: never a torn, foreign or stale value. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { hammer, type HammerOptions } from "./hammer.ts";

const SECONDS = 1;
const BUSY = { seconds: SECONDS, readers: 2, writesPerS: Infinity, maxValueBytes: 1_500 };

const trials: Readonly<Record<string, HammerOptions>> = {
  "in a store that evicts": { ...BUSY, keys: 20_000, limitBytes: 2 ** 22, onFull: "evict" },
  "in a store that refuses": { ...BUSY, keys: 5_000, limitBytes: 2 ** 24, onFull: "refuse" },
  "where every key stays": {
    ...{ ...BUSY, keys: 20_000, limitBytes: 2 ** 25, onFull: "refuse" },
    ...{ maxValueBytes: 100, isSteady: true },
  },
};

/** Readers run on Bun alone. */
for (const [name, options] of Object.entries(trials)) {
  test(
    `threads read ${name}`,
    { skip: !("Bun" in globalThis) },
    async () => {
      const { faults, found, writes } = await hammer(options);
      assertEquals(faults, []);
      assert(found > 1_000 && writes > 1_000, `${found} found, ${writes} written`);
    },
  );
}
