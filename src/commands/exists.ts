import type { Calls } from "../client.ts";
import { inParallel } from "../in_parallel.ts";
import { SkvsCommand } from "../protocol/skvs.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { KEY_OPTIONS, keyFields, keysOf } from "./key_arguments.ts";
import { escapeControls, printJson, printLine } from "./output.ts";
import { formatDuration } from "./quantities.ts";
import { callSkvs, SKVS_OPTIONS, wantsSkvs } from "./skvs.ts";
import { UsageError } from "./usage_error.ts";
import { withClient } from "./with_client.ts";

/** Keys that are looked up at a time. */
const OUTSTANDING = 64;
/** Of a time to live, as in 1h29m. */
const SHOWN_UNITS = 2;

/** The remaining time to live in ms, if any; undefined for a key that is not there. */
type Found = { readonly ttl: number | undefined } | undefined;

export const command: Command = {
  summary: "check whether a key exists, and how long it lives",
  parameters: "KEY...",
  arity: [1, Number.POSITIVE_INFINITY],
  details:
    "Prints yes or no; a terminal is also told when the key expires, as is --json, by ttlMs. Of\n" +
    "several keys each gets a line of key, tab and yes or no.\n" +
    "Exit status 1: no, for one of them at least.",
  options: { ...KEY_OPTIONS, ...CLIENT_OPTIONS, ...SKVS_OPTIONS },
  examples: [
    "kg exists session:42",
    "kg exists maintenance >/dev/null && exit",
    "kg exists session:42 --json    # with its time to live",
  ],

  async run(input) {
    const keys = keysOf(input);
    const found = await look(input, [...keys.values()]);
    for (const [typed, key] of keys) {
      const one = found.get(key);
      if (input.flag("json")) {
        printJson({ ...keyFields(key), found: one !== undefined, ttlMs: one?.ttl });
      } else {
        printLine((keys.size > 1 ? `${escapeControls(typed)}\t` : "") + wordsOf(one));
      }
    }
    return [...found.values()].includes(undefined) ? Exit.NOT_FOUND : Exit.DONE;
  },
};

/** A script that compares gets a word. */
function wordsOf(found: Found): string {
  if (found === undefined) return "no";
  if (found.ttl === undefined || !process.stdout.isTTY) return "yes";
  return `yes, expires in ${formatDuration(found.ttl, SHOWN_UNITS)}`;
}

async function look(input: Input, keys: readonly Uint8Array[]): Promise<Map<Uint8Array, Found>> {
  if (!wantsSkvs(input)) return await withClient(input, (kv) => lookAll(kv, keys));
  if (keys.length > 1) throw new UsageError("--skvs asks for one key at a time");
  const value = await callSkvs(input, SkvsCommand.EXISTS, keys[0]);
  const isFound = value?.[0] === "1".charCodeAt(0);
  return new Map([[keys[0], isFound ? { ttl: undefined } : undefined]]);
}

async function lookAll(
  kv: Calls<true>,
  keys: readonly Uint8Array[],
): Promise<Map<Uint8Array, Found>> {
  const found = new Map<Uint8Array, Found>();
  await inParallel(keys, OUTSTANDING, async (key) => {
    found.set(key, await kv.exists(key));
  });
  return found;
}
