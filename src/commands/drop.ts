import { createInterface } from "node:readline/promises";
import { CLIENT_OPTIONS, serverOf } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { complain, printJson } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "remove all keys that begin with a prefix, at once",
  parameters: "PREFIX",
  arity: [1, 1],
  details: 'However many there are. The empty prefix, "", is everything: then it asks first.',
  options: {
    yes: { type: "boolean", help: "do not ask" },
    ...CLIENT_OPTIONS,
  },
  examples: ["kg drop session:", 'kg drop "" --yes'],

  async run(input) {
    const [prefix] = input.parameters;
    if (prefix === "" && !input.flag("yes") && !(await confirm(input))) {
      complain("kg drop: nothing was removed");
      return Exit.NOT_FOUND;
    }
    await withClient(input, (kv) => kv.drop(prefix));
    if (input.flag("json")) printJson({ prefix, dropped: true });
    return Exit.DONE;
  },
};

async function confirm(input: Input): Promise<boolean> {
  const all = `every key on ${serverOf(input)}`;
  if (!process.stdin.isTTY) {
    throw new UsageError(`the empty prefix removes ${all}: add --yes if that is meant`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`This removes ${all}. Go on? [y/N] `);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
