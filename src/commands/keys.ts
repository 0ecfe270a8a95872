import { Buffer } from "node:buffer";
import { prefixBytes } from "../arguments.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { atEachHolderInTurn, reportErrors } from "./each_server.ts";
import { complain, print, shownJson, shownLine, valueFields } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "print all keys, or those that begin with a prefix",
  parameters: "[PREFIX]",
  arity: [0, 1],
  details:
    "One per line, in no particular order. PREFIX is no pattern: * is a character like any\n" +
    "other. A key that exists throughout is printed, whatever is written meanwhile; a key may\n" +
    "come twice if the server restarts. Keys over 128 bytes, which only a door can store, are\n" +
    "left out. The timeout is for each page of keys. Of several servers, --json says which has the\n" +
    "key. Exit status 1: there are none.",
  options: {
    count: { type: "string", value: "N", help: "print at most N" },
    ...CLIENT_OPTIONS,
    json: {
      type: "boolean",
      help: "print each key as a line of JSON, keyBase64 if it is not UTF-8",
    },
  },
  examples: [
    "kg keys",
    "kg keys session: | wc -l",
    "kg keys flag: --json",
    "kg keys job: --count 10",
  ],

  hint: () => ": PREFIX is no pattern, and an unquoted * names files",

  async run(input) {
    const [prefix = ""] = input.parameters;
    prefixBytes(prefix);
    const most = countOf(input);
    const form = input.flag("json") ? jsonLine : process.stdout.isTTY ? plainLine : rawLine;
    let count = 0;
    let isWanted = true;
    return await withClient(input, async (kv) => {
      const isOne = kv.holders().length === 1;
      const errors = await atEachHolderInTurn(kv, async (one, server) => {
        for await (const key of isWanted ? one.keys(prefix) : []) {
          // One that was left here by another list is not found by anybody.
          if (kv.serverOf(key) !== server) continue;
          isWanted = print(form(key, isOne ? undefined : server)) && ++count !== most;
          if (!isWanted) return;
        }
      });
      if (errors.size > 0) return reportErrors("keys", kv, errors, input.flag("json"));
      if (count === 0) {
        const isPattern = /[*?]/.test(prefix) ? ", where * and ? are no patterns" : "";
        complain(
          `kg keys: there are no keys${prefix && ` that begin with "${prefix}"`}${isPattern}`,
        );
      }
      return count === 0 ? Exit.NOT_FOUND : Exit.DONE;
    });
  },
};

function countOf(input: Input): number {
  const text = input.text("count");
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`--count ${text}: give a whole number, 1 or more`);
}

const jsonLine = (key: Uint8Array, server?: string) =>
  `${shownJson({ ...valueFields(key, "key"), server })}\n`;
const rawLine = (key: Uint8Array) => Buffer.concat([key, Buffer.from("\n")]);
/** A key must not take over the terminal. */
const plainLine = (key: Uint8Array) => `${shownLine(key)}\n`;
