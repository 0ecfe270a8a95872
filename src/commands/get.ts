import { Buffer } from "node:buffer";
import type { Calls } from "../client.ts";
import { SomeFailedError } from "../errors.ts";
import { SkvsCommand } from "../protocol/skvs.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { exitStatusOf } from "./exit_status.ts";
import { errorFields } from "./json_error.ts";
import {
  complain,
  complainMissing,
  escapeControls,
  printJson,
  printLine,
  printValue,
  valueFields,
} from "./output.ts";
import { callSkvs, SKVS_OPTIONS, wantsSkvs } from "./skvs.ts";
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
  options: { ...CLIENT_OPTIONS, ...SKVS_OPTIONS },
  examples: [
    "kg get greeting",
    "kg get avatar > avatar.bin",
    "kg get config --json",
    "kg get flag:a flag:b flag:c",
  ],

  async run(input) {
    const [key] = input.parameters;
    if (input.parameters.length > 1) return await getMany(input);
    const value = await read(input, key);
    if (input.flag("json")) {
      printJson({ key, found: value !== undefined, ...valueFields(value) });
    } else if (value !== undefined) {
      printValue(value);
    } else {
      complainMissing("get", key);
    }
    return value === undefined ? Exit.NOT_FOUND : Exit.DONE;
  },
};

async function getMany(input: Input): Promise<number> {
  if (wantsSkvs(input)) throw new UsageError("--skvs asks for one key at a time");
  const keys = new Set(input.parameters);
  const { values, errors } = await withClient(input, (kv) => readMany(kv, keys));
  for (const key of keys) {
    const error = errors.get(key);
    if (error !== undefined) {
      if (input.flag("json")) printJson({ key, error: errorFields(error) });
      complain(`kg get: "${key}" could not be read: ${error.message}`);
      continue;
    }
    const value = values.get(key);
    if (input.flag("json")) {
      printJson({ key, found: value !== undefined, ...valueFields(value) });
    } else if (value !== undefined) {
      printLine(escapeControls(key) + "\t" + escapeControls(Buffer.from(value).toString()));
    } else {
      complainMissing("get", key);
    }
  }
  for (const error of errors.values()) return exitStatusOf(error);
  return values.size < keys.size ? Exit.NOT_FOUND : Exit.DONE;
}

/** The values of those that could be read, and why the others could not. */
async function readMany(kv: Calls<true>, keys: Iterable<string>) {
  const errors = new Map<string, Error>();
  try {
    return { values: await kv.getMany(keys), errors };
  } catch (error) {
    if (!(error instanceof SomeFailedError)) throw error;
    const { results, errors } = error as SomeFailedError<string, Uint8Array | undefined>;
    return { values: results, errors };
  }
}

function read(input: Input, key: string): Promise<Uint8Array | undefined> {
  if (wantsSkvs(input)) return callSkvs(input, SkvsCommand.GET, key);
  return withClient(input, (kv) => kv.get(key));
}
