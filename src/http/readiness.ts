/** Whether a server can do its work now, for those who send it traffic. */

import type { Snapshot } from "../figures/snapshot.ts";

/** Why it can't, as a sentence without its end; null if it can. */
export function problemOf({ sections }: Snapshot): string | null {
  const outage = sections.get("backend")?.outage ?? "none";
  if (outage !== "none") return `the backend can't be used: ${outage}`;
  const problem = sections.get("journal")?.problem ?? "none";
  return problem === "none" ? null : `changes can't be made durable: ${problem}`;
}

/** The share of requests that the hottest key has, 0 to 1; its name is for those with the key alone. */
export function hottestShare(snapshot: Snapshot): number {
  const [percent = "0"] = String(snapshot.sections.get("hot_keys")?.["1"] ?? "0").split(" ");
  return Number(percent) / 100;
}
