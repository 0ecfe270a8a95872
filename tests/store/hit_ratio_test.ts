import { test } from "node:test";
import { assert } from "@std/assert";
import { CHARGE_BYTES, ITEM_BYTES, policies } from "../../bench/policies.ts";
import { traces } from "../../bench/traces.ts";

const KEYS = 60_000;
const ACCESSES = "Bun" in globalThis ? 600_000 : 120_000;
const BUDGET = 0.2;

/** Hits in the second half of the accesses. */
function hitsOf(policy: string, trace: string): number {
  const budgetBytes = KEYS * (ITEM_BYTES + CHARGE_BYTES) * BUDGET;
  const keeps = policies[policy](budgetBytes, 2 * KEYS);
  const next = traces[trace](KEYS);
  let hits = 0;
  for (let step = 0; step < ACCESSES; step++) {
    if (keeps(next(step)) && step >= ACCESSES / 2) hits++;
  }
  return hits;
}

for (const trace of ["Zipf 0.8", "Zipf 1.0", "Zipf 0.9 with scans", "Zipf 0.9, shifting"]) {
  test(`${trace}: at least the hits of exact LRU charged 24 bytes an item`, () => {
    const store = hitsOf("the store", trace);
    const lru = hitsOf("LRU", trace);
    assert(store >= lru && lru > 0, `${store} hits against ${lru}`);
  });
}
