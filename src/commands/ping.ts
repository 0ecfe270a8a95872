import { CLIENT_OPTIONS, serverOf, withClient } from "./client_options.ts";
import { type Command, Exit } from "./command.ts";
import { printJson, printLine } from "./output.ts";

export const command: Command = {
  summary: "ask the server for a sign of life",
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
