import type { SetResult } from "../call_options.ts";
import { ifEqualBytes, valueBytes } from "../arguments.ts";
import { MAX_LARGE_BYTES } from "../large/head.ts";
import { largeValues } from "../large/large.ts";
import { SkvsCommand, SkvsFlag } from "../protocol/skvs.ts";
import { CLIENT_OPTIONS, IF_EQUAL_OPTION, ifEqualOf, ttlMsOf } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { KEY_OPTIONS, keyFields, keyOf } from "./key_arguments.ts";
import { complain, printJson, printValue, valueFields } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { callSkvs, SKVS_OPTIONS, wantsSkvs } from "./skvs.ts";
import { VALUE_OPTIONS, valueOf } from "./value_source.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "store a value",
  parameters: "KEY [VALUE]",
  arity: [1, 2],
  details:
    "VALUE is text of at most 863 bytes (855 with --ttl); - reads it from standard input,\n" +
    "byte for byte. A key that exists is left as it is, unless --overwrite replaces it, or\n" +
    "--if-equal does, where both values have at most 861 bytes (853 with --ttl).\n" +
    "--large takes up to 1 MiB, in several datagrams where one is too small. kg get and the library's\n" +
    "largeValues read that; the doors see only its head.\n" +
    "Exit status 1: not stored.",
  options: {
    overwrite: { type: "boolean", help: "replace the value of a key that exists" },
    old: { type: "boolean", help: "print the value that was replaced" },
    ...IF_EQUAL_OPTION,
    ttl: {
      type: "string",
      value: "TIME",
      help: "how long it lives: 30s, 1h30m, 7d (default: forever)",
    },
    large: { type: "boolean", help: "take a value of up to 1 MiB" },
    ...VALUE_OPTIONS,
    ...KEY_OPTIONS,
    ...CLIENT_OPTIONS,
    ...SKVS_OPTIONS,
  },
  examples: [
    "kg set greeting hello",
    "kg set session:42 alice --ttl 30m --overwrite",
    "kg set avatar --value-file avatar.bin",
    "kg set page:7 --large --value-file page.html --ttl 1h",
    "date | kg set started -",
    'kg set lock:report "$(hostname):$$" --ttl 10s || echo somebody has it',
    'kg set lock:report "$(hostname):$$" --ttl 10s --if-equal "$(hostname):$$"   # renew',
  ],

  hint([, , word = ""]) {
    if (/^(ex|px|exat|pxat)$/i.test(word)) return ": a time to live is --ttl 10s";
    if (/^nx$/i.test(word)) return ": without --overwrite an existing key is left as it is";
    return word === "" ? undefined : ": quote a value with blanks";
  },

  async run(input) {
    const [typed] = input.parameters;
    const key = keyOf(input);
    const ttl = ttlMsOf(input);
    if (input.flag("large")) return await setLarge(input, key, ttl);
    const value = valueBytes(await valueOf(input), ttl ?? 0);
    const result = await store(input, key, value, ttl);
    if (input.flag("json")) {
      printJson({ ...keyFields(key), stored: result.stored, ...shownFields(result) });
    } else if (!result.stored) {
      complain(`kg set: ${whyNot(input, typed)}`);
    } else if (input.flag("old") && result.previous !== undefined) {
      printValue(result.previous);
    }
    return result.stored ? Exit.DONE : Exit.NOT_FOUND;
  },
};

async function setLarge(input: Input, key: Uint8Array, ttl: number | undefined): Promise<number> {
  for (const option of ["old", "if-equal", "skvs"]) {
    if (input.texts(option).length > 0) {
      throw new UsageError(`--${option} does not go with --large`);
    }
  }
  const overwrite = input.flag("overwrite");
  const value = await valueOf(input, MAX_LARGE_BYTES);
  const isStored = await withClient(
    input,
    (kv) => largeValues(kv).set(key, value, { ttl, overwrite }),
  );
  if (input.flag("json")) printJson({ ...keyFields(key), stored: isStored });
  else if (!isStored) complain(`kg set: ${whyNot(input, input.parameters[0])}`);
  return isStored ? Exit.DONE : Exit.NOT_FOUND;
}

function whyNot(input: Input, typed: string): string {
  return input.text("if-equal") === undefined
    ? `"${typed}" exists and was left as it is; --overwrite replaces it`
    : `"${typed}" has another value or none, and was left as it is`;
}

function shownFields(result: SetResult) {
  return result.stored
    ? valueFields(result.previous, "previous")
    : valueFields(result.current, "current");
}

function store(
  input: Input,
  key: Uint8Array,
  value: Uint8Array,
  ttl: number | undefined,
): Promise<SetResult> {
  if (wantsSkvs(input)) return storeSkvs(input, key, value);
  const [overwrite, old] = [input.flag("overwrite"), input.flag("old")];
  if (input.text("if-equal") !== undefined && (overwrite || old)) {
    throw new UsageError("--if-equal goes with neither --overwrite nor --old");
  }
  const options = { overwrite, old, ttl, ...ifEqualOf(input) };
  if (options.ifEqual !== undefined) ifEqualBytes(options.ifEqual, value, ttl ?? 0);
  return withClient(input, (kv) => kv.set(key, value, options));
}

/**
 * The original wire does not report whether it stored the value, but when asked for the old value
 * it returns nothing if there was none. (An empty value can't be told from a missing key.)
 */
async function storeSkvs(input: Input, key: Uint8Array, value: Uint8Array): Promise<SetResult> {
  const told = await callSkvs(input, SkvsCommand.SET, key, value, SkvsFlag.OLD);
  const existing = told?.length ? told : undefined;
  if (!input.flag("overwrite") && existing !== undefined) {
    return { stored: false, current: existing };
  }
  return { stored: true, previous: input.flag("old") ? existing : undefined };
}
