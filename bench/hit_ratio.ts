/**
 * Hit ratio: the same accesses, each a GET and, after a miss, a SET, on the store and on models of
 * other policies with the same budget of bytes.
 *
 *     npm run bench:hits -- [--keys 1000000] [--accesses 6000000] [--json]
 */

import { parseArgs } from "node:util";
import { CHARGE_BYTES, ITEM_BYTES, policies, type Policy } from "./policies.ts";
import { Progress } from "../src/commands/progress.ts";
import { table } from "./report.ts";
import { type Trace, traces } from "./traces.ts";

/** Shares of the bytes that all keys would take. */
const BUDGETS = [0.05, 0.2];

const { values } = parseArgs({
  options: {
    keys: { type: "string", default: "1000000" },
    accesses: { type: "string", default: "6000000" },
    json: { type: "boolean", default: false },
  },
});
const keys = Number(values.keys);
const accesses = Number(values.accesses);

/** The share of hits in the second half of the accesses; the first half fills the budget. */
function hitRatio(trace: Trace, policy: Policy): number {
  let hits = 0;
  for (let step = 0; step < accesses; step++) {
    const isHit = policy(trace(step));
    if (isHit && step >= accesses / 2) hits++;
  }
  return hits / (accesses - accesses / 2);
}

const progress = new Progress(
  Object.keys(traces).length * BUDGETS.length * Object.keys(policies).length,
);
const rows: { trace: string; budget: number; ratios: Record<string, number> }[] = [];
for (const [trace, makeTrace] of Object.entries(traces)) {
  for (const budget of BUDGETS) {
    const ratios: Record<string, number> = {};
    for (const [name, makePolicy] of Object.entries(policies)) {
      progress.show(`${trace}, ${budget * 100} %: ${name}`, 0);
      const budgetBytes = Math.round(keys * (ITEM_BYTES + CHARGE_BYTES) * budget);
      ratios[name] = hitRatio(makeTrace(keys), makePolicy(budgetBytes, 2 * keys));
      progress.finish();
    }
    rows.push({ trace, budget, ratios });
  }
}
progress.clear();
if (values.json) console.log(JSON.stringify({ keys, accesses, rows }));
else {
  console.log(
    table([
      ["accesses", "budget", ...Object.keys(policies)],
      ...rows.map(({ trace, budget, ratios }) => [
        trace,
        `${budget * 100} %`,
        ...Object.values(ratios).map((ratio) => ratio.toFixed(3)),
      ]),
    ]),
  );
}
