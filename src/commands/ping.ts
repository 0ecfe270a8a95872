import { CLIENT_OPTIONS } from "./client_options.ts";
import type { Command } from "./command.ts";
import { atEachServer, reportErrors } from "./each_server.ts";
import { printJson, printLine } from "./output.ts";
import { withClient } from "./with_client.ts";

/** A key that nobody has. */
const DEEP_KEY = "kg ping --deep";

export const command: Command = {
  summary: "check that the server answers, or all servers do",
  parameters: "",
  arity: [0, 0],
  details:
    "A server before an engine answers with an error while the engine can't be used. With --deep a\n" +
    "key is looked up as well, which is not there, so that the engine itself has to answer.",
  options: {
    deep: { type: "boolean", help: "look up a key as well" },
    ...CLIENT_OPTIONS,
  },
  examples: ["kg ping", "kg ping --server 10.0.0.5:4040 --timeout 200ms", "kg ping --deep"],

  async run(input) {
    return await withClient(input, async (kv) => {
      const { results, errors } = await atEachServer(kv, async (one) => {
        const ms = await one.ping();
        if (!input.flag("deep")) return ms;
        const askedAtMs = performance.now();
        await one.exists(DEEP_KEY);
        return ms + performance.now() - askedAtMs;
      });
      for (const [server, ms] of results) {
        const elapsedMs = Number(ms.toFixed(3));
        if (input.flag("json")) printJson({ server, elapsedMs });
        else printLine(`${server} answered in ${elapsedMs} ms`);
      }
      return reportErrors("ping", kv, errors, input.flag("json"));
    });
  },
};
