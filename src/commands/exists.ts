import { SkvsCommand } from "../protocol/skvs.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { printJson, printLine } from "./output.ts";
import { callSkvs, SKVS_OPTIONS, wantsSkvs } from "./skvs.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "check whether a key exists",
  parameters: "KEY",
  arity: [1, 1],
  details: "Prints yes or no; --json adds the remaining time to live.\nExit status 1: no.",
  options: { ...CLIENT_OPTIONS, ...SKVS_OPTIONS },
  examples: ["kg exists session:42", "kg exists maintenance >/dev/null && exit"],

  async run(input) {
    const [key] = input.parameters;
    const found = await look(input, key);
    if (input.flag("json")) {
      printJson({ key, found: found !== undefined, ttlMs: found?.ttl });
    } else {
      printLine(found === undefined ? "no" : "yes");
    }
    return found === undefined ? Exit.NOT_FOUND : Exit.DONE;
  },
};

async function look(input: Input, key: string): Promise<{ ttl: number | undefined } | undefined> {
  if (!wantsSkvs(input)) return withClient(input, (kv) => kv.exists(key));
  const value = await callSkvs(input, SkvsCommand.EXISTS, key);
  return value?.[0] === "1".charCodeAt(0) ? { ttl: undefined } : undefined;
}
