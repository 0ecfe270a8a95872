/**
 * Calls for many keys, or at many servers, which end together. All are made whatever becomes of the
 * others, and one error tells of all that failed.
 */

import {
  AbortedError,
  ClosedError,
  DeadlineExceededError,
  KilogramError,
  ServerDownError,
  SomeFailedError,
} from "./errors.ts";
import type { Reply } from "./protocol/call.ts";
import type { Destination, ServerDestination } from "./protocol/destination.ts";
import type { Request } from "./protocol/frame.ts";
import { MAX_OUTSTANDING } from "./protocol/lane.ts";
import { isMutation } from "./protocol/operations.ts";

type Outcome<R> = { readonly result: R } | { readonly error: Error };

/** Sends each key's request to its server, at most 64 at a time to each, and takes the replies' results. */
export async function callEach<K, R>(
  name: string,
  requests: ReadonlyMap<K, Request>,
  destination: Destination,
  call: (server: ServerDestination, request: Request) => Promise<Reply>,
  resultOf: (reply: Reply) => R,
): Promise<Map<K, R>> {
  const lines = new Map<ServerDestination, K[]>();
  for (const [key, request] of requests) {
    const home = destination.homeOf(request.key);
    const line = lines.get(home);
    if (line === undefined) lines.set(home, [key]);
    else line.push(key);
  }
  const outcomes = new Map<K, Outcome<R>>();
  const callAt = async (server: ServerDestination, keys: readonly K[]) => {
    // What keeps one request from being sent keeps all that follow it at this server.
    let unsent: Outcome<R> | null = null;
    await forEach(keys, async (key) => {
      const request = requests.get(key) as Request;
      const outcome = unsent ?? await outcomeOf(call(server, request).then(resultOf));
      if ("error" in outcome && isForAll(outcome.error)) unsent = outcome;
      outcomes.set(key, outcome);
    });
  };
  await Promise.all([...lines].map(([server, keys]) => callAt(server, keys)));
  const [first] = requests.values();
  const isChange = first !== undefined && isMutation(first.operation);
  return resultsOf({ name, unit: "keys", isChange }, requests.keys(), outcomes);
}

/** What is called at each of several servers. */
export interface CallAtAll<R> {
  readonly name: string;
  readonly request: Request;
  readonly resultOf: (reply: Reply, server: string) => R;
}

/** Sends a request to each server. @returns the results by the servers' names */
export async function callAll<R>(
  { name, request, resultOf }: CallAtAll<R>,
  servers: readonly ServerDestination[],
  send: (server: ServerDestination, request: Request) => Promise<Reply>,
): Promise<Map<string, R>> {
  const call = async (server: ServerDestination) =>
    resultOf(await send(server, request), nameOf(server));
  // A lone server's error needs no other around it.
  if (servers.length === 1) return new Map([[nameOf(servers[0]), await call(servers[0])]]);
  const outcomes = new Map<string, Outcome<R>>();
  await Promise.all(servers.map(async (server) => {
    outcomes.set(nameOf(server), await outcomeOf(call(server)));
  }));
  const isChange = isMutation(request.operation);
  return resultsOf({ name, unit: "servers", isChange }, servers.map(nameOf), outcomes);
}

/** Whether an error has no effect, and those that follow would be like it. */
function isForAll(error: Error): boolean {
  if (!(error instanceof KilogramError) || error.effect !== "none") return false;
  return FOR_ALL.some((each) => error instanceof each);
}

const FOR_ALL = [AbortedError, ClosedError, DeadlineExceededError, ServerDownError] as const;

export function nameOf({ state }: ServerDestination): string {
  return state.name ?? state.address;
}

/** Does something with each item, at most 64 at a time, in their order. It must not throw. */
async function forEach<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < items.length) await run(items[next++]);
  };
  await Promise.all(Array.from({ length: Math.min(MAX_OUTSTANDING, items.length) }, work));
}

async function outcomeOf<R>(promise: Promise<R>): Promise<Outcome<R>> {
  try {
    return { result: await promise };
  } catch (error) {
    return { error: error as Error };
  }
}

/** The results in the order of their places. @throws {SomeFailedError} */
function resultsOf<K, R>(
  { name, unit, isChange }: { name: string; unit: string; isChange: boolean },
  places: Iterable<K>,
  outcomes: ReadonlyMap<K, Outcome<R>>,
): Map<K, R> {
  const results = new Map<K, R>();
  const errors = new Map<K, Error>();
  for (const place of places) {
    const outcome = outcomes.get(place) as Outcome<R>;
    if ("error" in outcome) errors.set(place, outcome.error);
    else results.set(place, outcome.result);
  }
  if (errors.size === 0) return results;
  const what = `${name}: ${errors.size} of ${outcomes.size} ${unit}`;
  throw new SomeFailedError(what, errors, results, isChange);
}
