/** The statistics of a server, as a command reads them. */

import type { Calls } from "../client.ts";
import type { Section, Snapshot } from "../figures/snapshot.ts";
import { UsageError } from "./usage_error.ts";

export type Sections = ReadonlyMap<string, Section>;

/**
 * Reads some sections, or all, and in either case `server`.
 * @throws {UsageError} if the server has no such section
 */
export async function readSections(
  kv: Calls<true>,
  wanted?: readonly string[],
): Promise<Sections> {
  const server = (await kv.stats()) ?? {};
  const names = String(server.sections).split(" ");
  const missing = wanted?.find((name) => !names.includes(name));
  if (missing !== undefined) {
    throw new UsageError(`there is no section "${missing}": choose from ${names.join(", ")}`);
  }
  return await readThese(kv, server, wanted ?? names);
}

async function readThese(
  kv: Calls<true>,
  server: Section,
  names: readonly string[],
): Promise<Sections> {
  const others = names.filter((name) => name !== "server");
  const sections = await Promise.all(others.map((section) => kv.stats({ section })));
  return new Map([
    ["server", server],
    ...others.map((name, i) => [name, sections[i] ?? {}] as const),
  ]);
}

/** All that a server tells of itself now. @param now in ms, on any clock */
export async function readSnapshot(kv: Calls<true>, now: () => number): Promise<Snapshot> {
  const sections = await readSections(kv);
  return { atMs: now(), sections };
}
