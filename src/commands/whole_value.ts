import type { Calls } from "../client.ts";
import { looksLikeHead } from "../large/head.ts";
import { complain } from "./output.ts";

/** The value of a key from what is stored there, which may be the head of a large one. */
export async function wholeValue(
  kv: Calls<true>,
  key: Uint8Array,
  stored: Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
  if (stored === undefined || !looksLikeHead(stored)) return stored;
  const value = await (await load()).largeValues(kv).get(key);
  if (value === undefined) {
    complain("kg: a part of a large value is gone: evicted, expired, or its server is down");
  }
  return value;
}

/**
 * The same of what was removed; pieces of it are removed, too.
 * @param isWanted whether the value is to be read before
 * @returns null if it is not wanted, or can't be read any more
 */
export async function takenWhole(
  kv: Calls<true>,
  key: Uint8Array,
  removed: Uint8Array | undefined,
  isWanted: boolean,
): Promise<Uint8Array | null | undefined> {
  if (removed === undefined || !looksLikeHead(removed)) return removed;
  return await (await load()).largeValues(kv).take(key, removed, isWanted);
}

const load = () => import("../large/large.ts");
