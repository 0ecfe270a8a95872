/** A command at each of several servers, whatever becomes of the others. */

import type { Calls } from "../client.ts";
import { Exit } from "./command.ts";
import { exitStatusOf } from "./exit_status.ts";
import { errorFields } from "./json_error.ts";
import { complain, printJson } from "./output.ts";

export interface Answers<T> {
  /** By the servers' names, in the order of the list; a server without a name has its address. */
  readonly results: ReadonlyMap<string, T>;
  readonly errors: ReadonlyMap<string, Error>;
}

export async function atEachServer<T>(
  kv: Calls<true>,
  run: (one: Calls<true>, name: string) => Promise<T>,
  names = serverNames(kv),
): Promise<Answers<T>> {
  const results = new Map<string, T>();
  const errors = new Map<string, Error>();
  const ended = names.map((name) => run(kv.at(name), name));
  for (const [i, outcome] of (await Promise.allSettled(ended)).entries()) {
    if (outcome.status === "fulfilled") results.set(names[i], outcome.value);
    else errors.set(names[i], outcome.reason);
  }
  return { results, errors };
}

/** At those that have all keys together, one after the other. */
export async function atEachHolderInTurn(
  kv: Calls<true>,
  run: (one: Calls<true>, name: string) => Promise<void>,
): Promise<ReadonlyMap<string, Error>> {
  const errors = new Map<string, Error>();
  for (const name of kv.holders()) {
    try {
      await run(kv.at(name), name);
    } catch (error) {
      errors.set(name, error as Error);
    }
  }
  return errors;
}

/** The number of keys, about. @throws the first error */
export async function countKeys(kv: Calls<true>): Promise<number> {
  const counts = await Promise.all(
    kv.holders().map((name) => kv.at(name).stats({ section: "store" })),
  );
  return counts.reduce((sum, store) => sum + Number(store?.keys), 0);
}

export function serverNames(kv: Calls<true>): string[] {
  return kv.servers().map(({ name, address }) => name ?? address);
}

/**
 * Says what failed, with JSON also to standard output, a line for each server.
 * @returns the exit status
 * @throws the error of a lone server
 */
export function reportErrors(
  command: string,
  kv: Calls<true>,
  errors: ReadonlyMap<string, Error>,
  isJson = false,
): number {
  const [first] = errors.values();
  if (first === undefined) return Exit.DONE;
  if (serverNames(kv).length === 1) throw first;
  for (const [server, error] of errors) {
    if (isJson) printJson({ server, error: errorFields(error) });
    complain(`kg ${command}: ${server}: ${error.message}`);
  }
  return exitStatusOf(first);
}
