/**
 * What the program of a client sees, step by step, printed as JSON for the test to compare. A step is
 * named by its own source text, so that a difference says what was asked.
 */

import { plain } from "./plain.mjs";

/** Far more than any step takes, on a machine that is busy with other things as well. */
const ANSWER_BOUND_MS = 10_000;

const seen = [];

/** Asks for something that a server does. */
export async function step(ask) {
  await note(ask, async () => ({ is: plain(await ask()) }));
}

/** Asks for a connection: without one, the program ends. */
export async function opening(ask) {
  await step(ask);
  if (seen.at(-1).failed !== undefined) await end();
}

/** Asks for something that a server refuses. */
export async function refusal(ask) {
  await note(ask, async () => {
    try {
      return { failed: "it was not refused", is: plain(await ask()) };
    } catch (error) {
      return { refused: plain(error) };
    }
  });
}

/** Notes what came of something that was not asked for here. */
export function saw(name, outcome) {
  seen.push({ step: name, ...outcome });
}

/** Prints what was seen and ends the program, whatever its client still does. */
export function finish() {
  process.stdout.write(`\n${JSON.stringify(seen)}\n`, () => process.exit(0));
}

async function note(ask, act) {
  const name = ask.toString().replaceAll(/\s+/g, " ").replace(/^(async )?\(\) => /, "");
  const outcome = await bounded(act().catch((error) => ({ failed: plain(error) })));
  saw(name, outcome ?? { failed: `no answer in ${ANSWER_BOUND_MS / 1_000} s` });
  if (outcome === undefined) await end();
}

/** What follows in the program would only fail or wait as well. */
function end() {
  finish();
  return new Promise(() => {});
}

/** A promise's value; undefined if that takes too long. */
async function bounded(promise) {
  let timer;
  const bound = new Promise((resolve) => {
    timer = setTimeout(resolve, ANSWER_BOUND_MS);
  });
  const first = await Promise.race([promise, bound]);
  clearTimeout(timer);
  return first;
}

for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error) => {
    saw(event, { failed: plain(error) });
    finish();
  });
}
