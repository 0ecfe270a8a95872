import { CLIENT_OPTIONS, serverOf } from "./client_options.ts";
import { type Command, Exit } from "./command.ts";
import { printJson, printLine } from "./output.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "check that the server answers",
  parameters: "",
  arity: [0, 0],
  options: CLIENT_OPTIONS,
  examples: ["kg ping", "kg ping --server 10.0.0.5:4040 --timeout 200ms"],

  async run(input) {
    const elapsedMs = Number((await withClient(input, (kv) => kv.ping())).toFixed(3));
    if (input.flag("json")) printJson({ server: serverOf(input), elapsedMs });
    else printLine(`${serverOf(input)} answered in ${elapsedMs} ms`);
    return Exit.DONE;
  },
};
