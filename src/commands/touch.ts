import { CLIENT_OPTIONS, ttlMsOf } from "./client_options.ts";
import { type Command, Exit } from "./command.ts";
import { complainMissing, printJson } from "./output.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "set how long a key lives from now",
  parameters: "KEY",
  arity: [1, 1],
  details: "Without --ttl it lives for ever.\nExit status 1: there is no such key.",
  options: {
    ttl: { type: "string", value: "TIME", help: "how long it lives (default: for ever)" },
    ...CLIENT_OPTIONS,
  },
  examples: ["kg touch session:42 --ttl 30m", "kg touch session:42"],

  async run(input) {
    const [key] = input.parameters;
    const ttl = ttlMsOf(input);
    const isTouched = await withClient(input, (kv) => kv.touch(key, { ttl }));
    if (input.flag("json")) printJson({ key, touched: isTouched });
    else if (!isTouched) {
      complainMissing("touch", key);
    }
    return isTouched ? Exit.DONE : Exit.NOT_FOUND;
  },
};
