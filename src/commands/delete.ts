import { TooLargeError } from "../errors.ts";
import { SkvsCommand } from "../protocol/skvs.ts";
import { byKey, tellEach } from "./by_key.ts";
import { CLIENT_OPTIONS, IF_EQUAL_OPTION, ifEqualOf } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { KEY_OPTIONS, keyFields, keysOf } from "./key_arguments.ts";
import { complain, complainMissing, printJson, printValue, valueFields } from "./output.ts";
import { callSkvs, SKVS_OPTIONS, wantsSkvs } from "./skvs.ts";
import { UsageError } from "./usage_error.ts";
import { takenWhole } from "./whole_value.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "remove a key, or several",
  parameters: "KEY...",
  arity: [1, Number.POSITIVE_INFINITY],
  details:
    "Exit status 1: there is no such key, or one of several is missing; with --if-equal, it has\n" +
    "another value.",
  options: {
    old: { type: "boolean", help: "print the value that it had" },
    ...IF_EQUAL_OPTION,
    ...KEY_OPTIONS,
    ...CLIENT_OPTIONS,
    ...SKVS_OPTIONS,
  },
  examples: [
    "kg delete greeting",
    "kg delete flag:a flag:b flag:c",
    "kg delete job:17 --old",
    'kg delete lock:report --if-equal "$(hostname):$$"',
  ],

  async run(input) {
    const keys = keysOf(input);
    if (input.parameters.length > 1) return await removeMany(input, keys);
    const [[typed, key]] = keys;
    const removed = await remove(input, key);
    if (removed && input.flag("old") && !input.flag("json")) printValue(removed);
    else tell(input, typed, key, removed);
    return removed === undefined ? Exit.NOT_FOUND : Exit.DONE;
  },
};

/** A removed value; null if it does not fit a datagram, undefined if there was none. */
type Removed = Uint8Array | null | undefined;

async function removeMany(input: Input, keys: ReadonlyMap<string, Uint8Array>): Promise<number> {
  for (const option of ["old", "if-equal", "skvs"]) {
    if (input.texts(option).length === 0) continue;
    throw new UsageError(`--${option} goes with one key`);
  }
  const { results, errors } = await withClient(input, async (kv) => {
    const removed = await byKey<Removed>(kv.deleteMany(keys.values()));
    const taken = [...removed.results].map(async ([key, value]) =>
      [key, value && await takenWhole(kv, key, value, input.flag("json"))] as const
    );
    return { results: new Map(await Promise.all(taken)), errors: removed.errors };
  });
  const failed = new Map([...errors].filter(([, error]) => !isDone(error)));
  return tellEach(
    keys,
    failed,
    { command: "delete", isJson: input.flag("json") },
    (typed, key) => tell(input, typed, key, errors.has(key) ? null : results.get(key)),
  );
}

/** The key is deleted; only the old value is lost. */
function isDone(error: unknown): boolean {
  return error instanceof TooLargeError && error.effect === "done";
}

/** A line about a key that was not there, or with JSON about any. @returns whether it was removed */
function tell(input: Input, typed: string, key: Uint8Array, removed: Removed): boolean {
  const isRemoved = removed !== undefined;
  if (input.flag("json")) {
    printJson({ ...keyFields(key), deleted: isRemoved, ...valueFields(removed ?? undefined) });
  } else if (!isRemoved && input.text("if-equal") !== undefined) {
    complain(`kg delete: "${typed}" has another value or none, and was left as it is`);
  } else if (!isRemoved) {
    complainMissing("delete", typed);
  }
  return isRemoved;
}

async function remove(input: Input, key: Uint8Array): Promise<Removed> {
  if (wantsSkvs(input)) return await callSkvs(input, SkvsCommand.DELETE, key);
  try {
    return await withClient(
      input,
      async (kv) => {
        const isWanted = input.flag("old") || input.flag("json");
        return await takenWhole(kv, key, await kv.delete(key, ifEqualOf(input)), isWanted);
      },
    );
  } catch (error) {
    if (isDone(error) && !input.flag("old")) return null;
    throw error;
  }
}
