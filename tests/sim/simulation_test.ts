/** A few seeds on each runtime; `npm run sim` runs a thousand. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { BREAKS, FLEET_BREAKS, READER_BREAKS } from "./breaks.ts";
import { simulateFleet } from "./fleet.ts";
import { simulateReaders } from "./readers.ts";
import { simulate } from "./simulation.ts";

const OPERATIONS = 2_000;
const SEEDS = "Bun" in globalThis ? 12 : 3;
/** Each break was caught within 60 seeds when it was written; the bound is the issue's. */
const MOST_SEEDS = 1_000;

test("the promises are kept", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violations, operations } = await simulate(seed, OPERATIONS);
    assertEquals(violations, [], `npm run sim -- --seed ${seed}`);
    assertEquals(simulateReaders(seed, OPERATIONS), [], `npm run sim -- --seed ${seed}`);
    assertEquals(await simulateFleet(seed, OPERATIONS), [], `npm run sim -- --seed ${seed}`);
    assert(operations >= OPERATIONS);
  }
});

test("a seed always gives the same run", async () => {
  const [first, second] = [await simulate(5, 300, true), await simulate(5, 300, true)];
  assert(first.trace.length > 300);
  assertEquals(first.trace, second.trace);
});

const network = async (seed: number) => (await simulate(seed, OPERATIONS)).violations;
const interleaving = async (seed: number) => simulateReaders(seed, OPERATIONS);
const fleet = (seed: number) => simulateFleet(seed, OPERATIONS);
/** They break the core, which is the same on every runtime: one is enough. */
const breaks = "Bun" in globalThis
  ? [
    ...Object.entries(BREAKS).map((each) => [...each, network] as const),
    ...Object.entries(READER_BREAKS).map((each) => [...each, interleaving] as const),
    ...Object.entries(FLEET_BREAKS).map((each) => [...each, fleet] as const),
  ]
  : [];

for (const [name, apply, run] of breaks) {
  test(`the simulator catches: ${name}`, async () => {
    const mend = apply();
    try {
      let caught = "";
      for (let seed = 1; seed <= MOST_SEEDS && caught === ""; seed++) {
        caught = (await run(seed))[0] ?? "";
      }
      assert(caught !== "", `not caught within ${MOST_SEEDS} seeds`);
    } finally {
      mend();
    }
  });
}
