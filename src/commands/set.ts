import type { SetResult } from "../client.ts";
import { copyBytes, equalBytes } from "../protocol/bytes.ts";
import { MAX_VALUE_BYTES } from "../protocol/frame.ts";
import { SkvsCommand } from "../protocol/skvs.ts";
import { CLIENT_OPTIONS, ttlMsOf, withClient } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { complain, printJson, printValue, valueFields } from "./output.ts";
import { callSkvs, SKVS_OPTIONS } from "./skvs.ts";

export const command: Command = {
  summary: "store a value",
  parameters: "KEY VALUE",
  arity: [2, 2],
  details:
    "VALUE is text of at most 863 bytes (855 with --ttl); - reads it from standard input, byte\n" +
    "for byte. A key that exists is left as it is without --overwrite: exit status 1.",
  options: {
    overwrite: { type: "boolean", help: "replace the value of a key that exists" },
    old: { type: "boolean", help: "print the value that was replaced" },
    ttl: { type: "string", value: "TIME", help: "how long it lives, as 30s (default: for ever)" },
    ...CLIENT_OPTIONS,
    ...SKVS_OPTIONS,
  },
  examples: [
    "kg set greeting hello",
    "kg set session:42 alice --ttl 30m --overwrite",
    "kg set avatar - < avatar.bin",
    "kg set lock:report $$ --ttl 10s || echo somebody has it",
  ],

  async run(input) {
    const [key, text] = input.parameters;
    const value = text === "-" ? await readStandardInput() : new TextEncoder().encode(text);
    const result = await store(input, key, value);
    if (input.flag("json")) {
      printJson({ key, stored: result.stored, ...shownFields(result) });
    } else if (!result.stored) {
      complain(`kg set: "${key}" exists and was left as it is; --overwrite replaces it`);
    } else if (input.flag("old") && result.previous !== undefined) {
      printValue(result.previous);
    }
    return result.stored ? Exit.DONE : Exit.NOT_FOUND;
  },
};

function shownFields(result: SetResult) {
  return result.stored
    ? valueFields(result.previous, "previous")
    : valueFields(result.current, "current");
}

function store(input: Input, key: string, value: Uint8Array): Promise<SetResult> {
  if (input.flag("skvs")) return storeSkvs(input, key, value);
  const options = {
    overwrite: input.flag("overwrite"),
    old: input.flag("old"),
    ttl: ttlMsOf(input),
  };
  return withClient(input, (kv) => kv.set(key, value, options));
}

/** The original wire does not say whether it stored: the value that it returns tells. */
async function storeSkvs(input: Input, key: string, value: Uint8Array): Promise<SetResult> {
  const told = (await callSkvs(input, SkvsCommand.SET, key, value)) ?? new Uint8Array(0);
  if (input.flag("overwrite")) return { stored: true, previous: told };
  const expected = input.flag("old") ? new Uint8Array(0) : withoutTrailingNuls(value);
  const isStored = told.length === expected.length && equalBytes(told, 0, expected, 0, told.length);
  return isStored ? { stored: true, previous: undefined } : { stored: false, current: told };
}

function withoutTrailingNuls(value: Uint8Array): Uint8Array {
  let length = value.length;
  while (length > 0 && value[length - 1] === 0) length--;
  return copyBytes(value, 0, length);
}

/** All of standard input, or so much of it that it is seen to be too long. */
async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
    if (length > MAX_VALUE_BYTES) break;
  }
  return Buffer.concat(chunks);
}
