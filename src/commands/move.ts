import { connect } from "../connect.ts";
import { AbortedError } from "../errors.ts";
import type { Calls, Client } from "../client.ts";
import { Move, type MoveCounts } from "../fleet/move.ts";
import { CLIENT_OPTIONS, cryptoChoice, timeoutMsOf } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { countKeys } from "./each_server.ts";
import { requireKey } from "./key_source.ts";
import { complain, printJson } from "./output.ts";
import { LoadProgress } from "./progress.ts";
import { UsageError } from "./usage_error.ts";

const { "key-file": keyFile, timeout, json, crypto } = CLIENT_OPTIONS;
/** The progress is shown each time it grows by so many keys. */
const SHOW_EACH = 256;

export const command: Command = {
  summary: "copy the keys that another list of servers has elsewhere",
  parameters: "",
  arity: [0, 0],
  details:
    "Every key that has another server by the list --to than by --from is copied there, with its\n" +
    "time to live. A key that is there already stays as it is, since it may be newer. So first\n" +
    "give all clients the new list, and then move; and run it again if it was interrupted.\n" +
    "What is changed at the old server after it was copied is not copied again.\n" +
    "docs/FLEET.md says what that means for caches, counters and locks.",
  options: {
    from: { type: "string", value: "SERVERS", help: "the list as it was" },
    to: { type: "string", value: "SERVERS", help: "the list as it is to be" },
    remove: {
      type: "boolean",
      help: "remove what was copied from its old server, unless it has changed there",
    },
    ...{ "key-file": keyFile, timeout, json, crypto },
  },
  examples: [
    "kg move --from a=10.0.0.1,b=10.0.0.2 --to a=10.0.0.1,b=10.0.0.2,c=10.0.0.3",
    'kg move --from "$OLD_LIST" --to "$KG_SERVER" --remove',
  ],

  async run(input) {
    const [from, to] = [await connectTo(input, "from"), await connectTo(input, "to")];
    try {
      return await move(input, from.within(timeoutMsOf(input)), to.within(timeoutMsOf(input)));
    } finally {
      from.close();
      to.close();
    }
  },
};

async function connectTo(input: Input, option: "from" | "to"): Promise<Client> {
  const servers = input.text(option);
  if (servers === undefined) {
    throw new UsageError("which lists? Name both: --from SERVERS --to SERVERS");
  }
  const { key } = requireKey(input.text("key-file"));
  // A server that is down is found out even if it is the only one.
  return await connect(servers, { key, crypto: cryptoChoice(input), onDown: "error" });
}

async function move(input: Input, from: Calls<true>, to: Calls<true>): Promise<number> {
  // Before anything is copied, all servers must be there.
  const total = await countKeys(from);
  await to.ping();
  const progress = new LoadProgress("moving", total);
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGINT", stop);
  const moving = new Move(from, to, {
    removes: input.flag("remove"),
    signal: controller.signal,
    onProgress() {
      if (++progress.count % SHOW_EACH === 0) progress.show();
    },
  });
  try {
    await moving.run();
  } catch (error) {
    progress.clear();
    tell(input, moving.counts);
    complain("kg move: it ended early; run it again to go on: what was copied stays");
    if (error instanceof AbortedError) return Exit.NO_ANSWER;
    throw error;
  } finally {
    progress.clear();
    process.off("SIGINT", stop);
  }
  tell(input, moving.counts);
  return moving.counts.tooLarge > 0 ? Exit.REFUSED : Exit.DONE;
}

function tell(input: Input, counts: MoveCounts): void {
  if (input.flag("json")) {
    printJson({ ...counts });
    return;
  }
  const { seen, copied, there, staying, gone, astray, tooLarge, removed } = counts;
  complain(`${seen} keys: ${copied} copied, ${staying} have the same server in both lists`);
  const notes = [
    [there, "had a value at their new server already, which stays"],
    [gone, "were gone before they were copied"],
    [astray, "were not where the list --from has them: left alone"],
    [tooLarge, "are too large for a datagram: left where they are"],
    [removed, "were removed from their old server"],
  ] as const;
  for (const [count, what] of notes) if (count > 0) complain(`${count} ${what}`);
}
