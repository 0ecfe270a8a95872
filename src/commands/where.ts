import { Rendezvous } from "../fleet/rendezvous.ts";
import { parseServerList } from "../server_list.ts";
import { CLIENT_OPTIONS, serversOf } from "./client_options.ts";
import { type Command, Exit } from "./command.ts";
import { KEY_OPTIONS, keyFields, keysOf } from "./key_arguments.ts";
import { escapeControls, printJson, printLine } from "./output.ts";

const { server, json } = CLIENT_OPTIONS;

export const command: Command = {
  summary: "tell which server has a key",
  parameters: "KEY...",
  arity: [1, Number.POSITIVE_INFINITY],
  details:
    "Prints key, server and address with tabs between. It only computes: no server is asked, and\n" +
    "the key need not exist.",
  options: { ...KEY_OPTIONS, server, json },
  examples: [
    "kg where session:42",
    "kg where session:42 --server cache-1=10.0.0.1,cache-2=10.0.0.2",
  ],

  async run(input) {
    const servers = parseServerList(serversOf(input), "keys", null);
    const rendezvous = new Rendezvous(
      servers.map(({ name = "", weight }) => ({ name, weight })),
    );
    for (const [typed, key] of keysOf(input)) {
      const { name, text } = servers[rendezvous.choose(key)];
      if (input.flag("json")) printJson({ ...keyFields(key), server: name, address: text });
      else {
        printLine([escapeControls(typed), name ?? "-", text].join("\t"));
      }
    }
    return Exit.DONE;
  },
};
