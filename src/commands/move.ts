import { connect } from "../connect.ts";
import { AbortedError } from "../errors.ts";
import type { Calls } from "../client.ts";
import { Move, type MoveCounts } from "../fleet/move.ts";
import { CLIENT_OPTIONS, cryptoChoice, timeoutMsOf } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { atEachServer, countKeys } from "./each_server.ts";
import { requireKey } from "./key_source.ts";
import { complain, printJson } from "./output.ts";
import { LoadProgress } from "./progress.ts";
import { formatKeys } from "./quantities.ts";
import { parseServerList } from "../server_list.ts";
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
    "docs/FLEET.md says what that means for caches, counters and locks.\n" +
    "Exit status 4: values that doors stored are too large for a datagram, and stay where they are.",
  options: {
    from: { type: "string", value: "SERVERS", help: "the list as it was" },
    to: { type: "string", value: "SERVERS", help: "the list as it is to be" },
    remove: {
      type: "boolean",
      help: "remove it from its old server where its new one has the same value",
    },
    ...{ "key-file": keyFile, timeout, json, crypto },
  },
  examples: [
    "kg move --from a=10.0.0.1,b=10.0.0.2 --to a=10.0.0.1,b=10.0.0.2,c=10.0.0.3",
    'kg move --from "$OLD_LIST" --to "$KG_SERVER" --remove',
  ],

  async run(input) {
    const timeoutMs = timeoutMsOf(input);
    const [from, to] = [listOf(input, "from"), listOf(input, "to")];
    const { key } = requireKey(input.text("key-file"));
    // A server that is down is found out even if it is the only one.
    const options = { key, crypto: cryptoChoice(input), onDown: "error", spread: "keys" } as const;
    const clients = await Promise.all([connect(from, options), connect(to, options)]);
    try {
      const [old, fresh] = clients.map((client) => client.within(timeoutMs));
      return await move(input, old, fresh);
    } finally {
      for (const client of clients) client.close();
    }
  },
};

/** @throws UsageError if it is left out, or does not tell the servers for sure from others */
function listOf(input: Input, option: "from" | "to"): string {
  const servers = input.text(option);
  if (servers === undefined) {
    throw new UsageError("which lists? Name both: --from SERVERS --to SERVERS");
  }
  const listed = parseServerList(servers, "keys", null);
  // Two addresses may lead to one server, whose keys would then be removed.
  if (input.flag("remove") && listed.some(({ name }) => name === undefined)) {
    throw new UsageError(`--remove needs servers with names, as in --${option} cache-1=${servers}`);
  }
  return servers;
}

async function move(input: Input, from: Calls<true>, to: Calls<true>): Promise<number> {
  // Before anything is copied, all servers must be there.
  for (const kv of [from, to]) await checkAllThere(kv);
  const total = await countKeys(from);
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

async function checkAllThere(kv: Calls<true>): Promise<void> {
  const { errors } = await atEachServer(kv, (one) => one.ping());
  for (const [name, error] of errors) {
    complain(`kg move: nothing was moved, since ${name} does not answer`);
    throw error;
  }
}

function tell(input: Input, counts: MoveCounts): void {
  if (input.flag("json")) {
    printJson({ ...counts });
    return;
  }
  const { seen, copied, there, staying, gone, astray, tooLarge, removed, unremoved } = counts;
  complain(`${formatKeys(seen)}: ${copied} copied, ${staying} with the same server in both lists`);
  const notes = [
    [there, "not copied: their new server has a value for them, which stays"],
    [gone, "gone before they were copied"],
    [astray, "left alone: not on the server that the list --from gives them"],
    [tooLarge, "left where they are: too large for a datagram"],
    [removed, "removed from their old server"],
    [unremoved, "left at their old server too: over 861 bytes can't be compared on the way"],
  ] as const;
  for (const [count, what] of notes) if (count > 0) complain(`${count} ${what}`);
  if (copied === 0 && astray > 0) complain("are --from and --to the right way round?");
}
