import { CLIENT_OPTIONS } from "./client_options.ts";
import type { Command } from "./command.ts";
import { atEachServer, reportErrors } from "./each_server.ts";
import { printJson, printLine } from "./output.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "check that the server answers, or all servers do",
  parameters: "",
  arity: [0, 0],
  options: CLIENT_OPTIONS,
  examples: ["kg ping", "kg ping --server 10.0.0.5:4040 --timeout 200ms"],

  async run(input) {
    return await withClient(input, async (kv) => {
      const { results, errors } = await atEachServer(kv, (one) => one.ping());
      for (const [server, ms] of results) {
        const elapsedMs = Number(ms.toFixed(3));
        if (input.flag("json")) printJson({ server, elapsedMs });
        else printLine(`${server} answered in ${elapsedMs} ms`);
      }
      return reportErrors("ping", kv, errors);
    });
  },
};
