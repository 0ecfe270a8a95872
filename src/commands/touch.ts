import { largeValues } from "../large/large.ts";
import { CLIENT_OPTIONS, ttlMsOf } from "./client_options.ts";
import { type Command, Exit } from "./command.ts";
import { KEY_OPTIONS, keyFields, keyOf } from "./key_arguments.ts";
import { complainMissing, printJson } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "set how long a key lives from now",
  parameters: "KEY --ttl TIME",
  arity: [1, 1],
  details: "Exit status 1: there is no such key.",
  options: {
    ttl: {
      type: "string",
      value: "TIME",
      help: "how long it lives: 30s, 1h30m, 7d, or forever",
    },
    ...KEY_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: ["kg touch session:42 --ttl 30m", "kg touch session:42 --ttl forever"],

  async run(input) {
    const [typed] = input.parameters;
    const key = keyOf(input);
    if (input.text("ttl") === undefined) {
      throw new UsageError("how long? --ttl 30m, or --ttl forever for a key that never expires");
    }
    const ttl = ttlMsOf(input);
    const isTouched = await withClient(input, (kv) => largeValues(kv).touch(key, { ttl }));
    if (input.flag("json")) printJson({ ...keyFields(key), touched: isTouched });
    else if (!isTouched) {
      complainMissing("touch", typed);
    }
    return isTouched ? Exit.DONE : Exit.NOT_FOUND;
  },
};
