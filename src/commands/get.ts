import { SkvsCommand } from "../protocol/skvs.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { complainMissing, printJson, printValue, valueFields } from "./output.ts";
import { callSkvs, SKVS_OPTIONS, wantsSkvs } from "./skvs.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "print the value of a key",
  parameters: "KEY",
  arity: [1, 1],
  details: "A pipe gets the value as it is, byte for byte; a terminal gets a newline after it.\n" +
    "Exit status 1: there is no such key.",
  options: { ...CLIENT_OPTIONS, ...SKVS_OPTIONS },
  examples: ["kg get greeting", "kg get avatar > avatar.bin", "kg get config --json"],

  async run(input) {
    const [key] = input.parameters;
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

function read(input: Input, key: string): Promise<Uint8Array | undefined> {
  if (wantsSkvs(input)) return callSkvs(input, SkvsCommand.GET, key);
  return withClient(input, (kv) => kv.get(key));
}
