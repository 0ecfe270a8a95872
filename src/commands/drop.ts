import { createInterface } from "node:readline";
import { prefixBytes } from "../arguments.ts";
import { CLIENT_OPTIONS, serversOf } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { atEachServer, reportErrors } from "./each_server.ts";
import { complain, printJson } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "remove all keys that begin with a prefix, at once",
  parameters: "PREFIX",
  arity: [1, 1],
  details:
    "It takes as long for many keys as for few. PREFIX is no pattern: * is a character like\n" +
    'any other. The empty prefix, "", means every key; kg then asks first, and without a terminal\n' +
    "it needs --yes.",
  options: {
    yes: { type: "boolean", help: "do not ask" },
    ...CLIENT_OPTIONS,
  },
  examples: ["kg drop session:", 'kg drop "" --yes'],

  async run(input) {
    const [prefix] = input.parameters;
    prefixBytes(prefix);
    if (prefix === "" && !input.flag("yes") && !(await confirm(input))) {
      complain("kg drop: nothing was removed");
      return Exit.NOT_FOUND;
    }
    if (prefix.endsWith("*")) complain("kg drop: note that * is a character like any other here");
    return await withClient(input, async (kv) => {
      const holders = kv.holders();
      const { results, errors } = await atEachServer(kv, (one) => one.drop(prefix), holders);
      const isOne = holders.length === 1;
      const names = isOne ? undefined : [...results.keys()];
      const failed = isOne || errors.size === 0 ? undefined : [...errors.keys()];
      if (input.flag("json")) {
        printJson({ prefix, dropped: errors.size === 0, servers: names, failed });
      } else if (names !== undefined) {
        complain(`kg drop: dropped at ${names.join(", ") || "no server"}`);
      }
      return reportErrors("drop", kv, errors, input.flag("json"));
    });
  },
};

async function confirm(input: Input): Promise<boolean> {
  const all = `every key on ${serversOf(input)}`;
  if (!process.stdin.isTTY) {
    throw new UsageError(`the empty prefix removes ${all}: add --yes if that is meant`);
  }
  return /^y(?:es)?$/i.test(await ask(`This removes ${all}. Go on? [y/N] `));
}

/** The answer, without blanks around it; none at the end of the input. Ctrl-C ends the program. */
function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    terminal.once("SIGINT", () => {
      process.stderr.write("\n");
      process.kill(process.pid, "SIGINT");
    });
    terminal.once("close", () => resolve(""));
    terminal.question(question, (answer) => {
      resolve(answer.trim());
      terminal.close();
    });
  });
}
