import { SkvsCommand } from "../protocol/skvs.ts";
import { byKey, tellEach } from "./by_key.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { KEY_OPTIONS, keyFields, keysOf } from "./key_arguments.ts";
import {
  complainMissing,
  escapeControls,
  printJson,
  printLine,
  printValue,
  shownLine,
  valueFields,
} from "./output.ts";
import { callSkvs, SKVS_OPTIONS, wantsSkvs } from "./skvs.ts";
import { wholeValue } from "./whole_value.ts";
import { UsageError } from "./usage_error.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "print the value of a key, or of several",
  parameters: "KEY...",
  arity: [1, Number.POSITIVE_INFINITY],
  details:
    "A pipe gets the value as it is, byte for byte; a terminal gets a newline after it, and control\n" +
    "characters as \\x1b, so that a value can't paint the screen.\n" +
    "Several keys are asked for at once; each that exists gets a line of key, tab and value,\n" +
    "with control characters as \\x0a, or with --json a line of JSON.\n" +
    "Exit status 1: there is no such key, or one of several is missing.",
  options: { ...KEY_OPTIONS, ...CLIENT_OPTIONS, ...SKVS_OPTIONS },
  examples: [
    "kg get greeting",
    "kg get avatar > avatar.bin",
    "kg get config --json",
    "kg get flag:a flag:b flag:c",
  ],

  async run(input) {
    const keys = keysOf(input);
    if (input.parameters.length > 1) return await getMany(input, keys);
    const [[typed, key]] = keys;
    const value = await read(input, key);
    if (value !== undefined && !input.flag("json")) printValue(value);
    else tell(input, typed, key, value);
    return value === undefined ? Exit.NOT_FOUND : Exit.DONE;
  },
};

async function getMany(input: Input, keys: ReadonlyMap<string, Uint8Array>): Promise<number> {
  if (wantsSkvs(input)) throw new UsageError("--skvs asks for one key at a time");
  const { results, errors } = await withClient(input, async (kv) => {
    const found = await byKey(kv.getMany(keys.values()));
    const whole = [...found.results].map(async ([key, value]) =>
      [key, await wholeValue(kv, key, value)] as const
    );
    return { results: new Map(await Promise.all(whole)), errors: found.errors };
  });
  return tellEach(
    keys,
    errors,
    { command: "get", isJson: input.flag("json") },
    (typed, key) => tell(input, typed, key, results.get(key)),
  );
}

/** A line about a key. @returns whether there is one */
function tell(
  input: Input,
  typed: string,
  key: Uint8Array,
  value: Uint8Array | undefined,
): boolean {
  if (input.flag("json")) {
    printJson({ ...keyFields(key), found: value !== undefined, ...valueFields(value) });
  } else if (value === undefined) {
    complainMissing("get", typed);
  } else {
    printLine(`${escapeControls(typed)}\t${shownLine(value)}`);
  }
  return value !== undefined;
}

function read(input: Input, key: Uint8Array): Promise<Uint8Array | undefined> {
  if (wantsSkvs(input)) return callSkvs(input, SkvsCommand.GET, key);
  return withClient(input, async (kv) => wholeValue(kv, key, await kv.get(key)));
}
