import { SkvsCommand } from "../protocol/skvs.ts";
import { CLIENT_OPTIONS, withClient } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { complainMissing, printJson, printValue, valueFields } from "./output.ts";
import { callSkvs, SKVS_OPTIONS, wantsSkvs } from "./skvs.ts";

export const command: Command = {
  summary: "remove a key",
  parameters: "KEY",
  arity: [1, 1],
  details: "Exit status 1: there is no such key.",
  options: {
    old: { type: "boolean", help: "print the value that it had" },
    ...CLIENT_OPTIONS,
    ...SKVS_OPTIONS,
  },
  examples: ["kg delete greeting", "kg delete job:17 --old"],

  async run(input) {
    const [key] = input.parameters;
    const value = await remove(input, key);
    if (input.flag("json")) {
      printJson({ key, deleted: value !== undefined, ...valueFields(value) });
    } else if (value === undefined) {
      complainMissing("delete", key);
    } else if (input.flag("old")) {
      printValue(value);
    }
    return value === undefined ? Exit.NOT_FOUND : Exit.DONE;
  },
};

function remove(input: Input, key: string): Promise<Uint8Array | undefined> {
  if (wantsSkvs(input)) return callSkvs(input, SkvsCommand.DELETE, key);
  return withClient(input, (kv) => kv.delete(key));
}
