/** What a client sees of kg that it does not see of a real server, in words. */

import { isDeepStrictEqual } from "node:util";
import type { Seen } from "./play.ts";

const MOST_LINES = 40;
/** Of an outcome, and how many of them stand before the first one that differs. */
const MOST_CHARACTERS = 300;
const CHARACTERS_BEFORE = 100;

/** Empty if both are the same. */
export function differences(real: readonly Seen[], kg: readonly Seen[]): string {
  const found = real.slice(0, kg.length)
    .map((theirs, i) => [theirs, kg[i]])
    .filter(([theirs, ours]) => !isDeepStrictEqual(theirs, ours))
    .map(([theirs, ours]) => difference(theirs, ours));
  if (kg.length !== real.length) {
    found.push(`kg ends it after step ${kg.length} of ${real.length}: ${kg.at(-1)?.step}`);
  }
  const more = found.splice(MOST_LINES).length;
  return [...found, ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

/** Steps that did not go as the program expects: on a real server, there must be none. */
export function failures(seen: readonly Seen[]): string {
  return seen.filter(({ failed }) => failed !== undefined)
    .map((step) => `${step.step}: ${outcome(step)}`).join("\n");
}

function difference(theirs: Seen, ours: Seen): string {
  if (theirs.step !== ours.step) return `${theirs.step}\n  kg comes to ${ours.step} instead`;
  const [real, kg] = [outcome(theirs), outcome(ours)];
  let at = 0;
  while (at < real.length && real[at] === kg[at]) at++;
  return `${theirs.step}\n  real ${around(real, at)}\n  kg   ${around(kg, at)}`;
}

function around(text: string, at: number): string {
  const from = text.length > MOST_CHARACTERS ? Math.max(0, at - CHARACTERS_BEFORE) : 0;
  const part = text.slice(from, from + MOST_CHARACTERS);
  return `${from > 0 ? "…" : ""}${part}${from + part.length < text.length ? "…" : ""}`;
}

function outcome({ step: _, ...rest }: Seen): string {
  return JSON.stringify(rest);
}
