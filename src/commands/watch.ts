import { sameBytes } from "../bytes.ts";
import type { Calls } from "../client.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { type Command, Exit } from "./command.ts";
import { KEY_OPTIONS, keyFields, keyOf } from "./key_arguments.ts";
import { COUNT_OPTION, countOf, INTERVAL_OPTION, intervalMsOf } from "./interval_options.ts";
import { complain, print, printJson, shownLine, valueFields } from "./output.ts";
import { pause } from "./pause.ts";
import { withClient } from "./with_client.ts";

const DEFAULT_INTERVAL = "500ms";

export const command: Command = {
  summary: "print a key's value now, and whenever it has changed",
  parameters: "KEY",
  arity: [1, 1],
  details:
    "It reads the key again and again, so what changes twice in between is seen once. A line has\n" +
    "the time and the value, with control characters escaped; a key that is not there is (none).\n" +
    "It ends with Ctrl-C.",
  options: {
    ...INTERVAL_OPTION(DEFAULT_INTERVAL),
    ...COUNT_OPTION,
    ...KEY_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: ["kg watch flag:beta", "kg watch job:17 --interval 100ms --json"],

  async run(input) {
    const key = keyOf(input);
    const intervalMs = intervalMsOf(input, DEFAULT_INTERVAL);
    const count = countOf(input);
    const show = input.flag("json") ? showJson : showLine;
    return await withClient(input, async (kv) => {
      let shown = 0;
      let isAway = false;
      let before: Uint8Array | null | undefined = null;
      while (shown < count) {
        const value: Uint8Array | undefined | Error = await read(kv, key, before === null);
        if (value instanceof Error) {
          if (!isAway) complain(`kg watch: ${value.message}`);
        } else if (before === null || !isSame(before, value)) {
          if (!show(key, value)) return Exit.DONE;
          before = value;
          shown++;
        }
        isAway = value instanceof Error;
        if (shown < count) await pause(intervalMs);
      }
      return Exit.DONE;
    });
  },
};

/** Its errors are returned, but for the first time: a server that is not there ends it at once. */
async function read(
  kv: Calls<true>,
  key: Uint8Array,
  isFirst: boolean,
): Promise<Uint8Array | undefined | Error> {
  try {
    return await kv.get(key);
  } catch (error) {
    if (isFirst) throw error;
    return error as Error;
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return sameBytes(a, b);
}

/** @returns false if the reader went away, as below */
function showLine(_: Uint8Array, value: Uint8Array | undefined): boolean {
  const time = new Date().toTimeString().slice(0, 8);
  const text = value === undefined ? "(none)" : shownLine(value);
  return print(`${time}  ${text}\n`);
}

function showJson(key: Uint8Array, value: Uint8Array | undefined): boolean {
  return printJson({
    atMs: Date.now(),
    ...keyFields(key),
    found: value !== undefined,
    ...valueFields(value),
  });
}
