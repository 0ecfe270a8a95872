import type { Calls } from "../client.ts";
import { looksLikeHead } from "../large/head.ts";

/** The value of a key from what is stored there, which may be the head of a large one. */
export async function wholeValue(
  kv: Calls<true>,
  key: Uint8Array,
  stored: Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
  if (stored === undefined || !looksLikeHead(stored)) return stored;
  return await (await load()).largeValues(kv).get(key);
}

/** The same of what was removed; pieces of it are removed, too. Null if it can't be read any more. */
export async function takenWhole(
  kv: Calls<true>,
  key: Uint8Array,
  removed: Uint8Array | undefined,
): Promise<Uint8Array | null | undefined> {
  if (removed === undefined || !looksLikeHead(removed)) return removed;
  return await (await load()).largeValues(kv).take(key, removed);
}

const load = () => import("../large/large.ts");
