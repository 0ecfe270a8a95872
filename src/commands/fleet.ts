import type { Calls } from "../client.ts";
import type { ServerState } from "../protocol/destination.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { columns, type Command, heading } from "./command.ts";
import { atEachServer, reportErrors } from "./each_server.ts";
import { errorFields } from "./json_error.ts";
import { printJson, printLine } from "./output.ts";
import { formatDuration, formatSize } from "./quantities.ts";
import { withClient } from "./with_client.ts";

/** What a server told of itself. */
interface Facts {
  readonly version: string;
  readonly uptimeMs: number;
  readonly keys: number;
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** 0…1; undefined before the first read. */
  readonly hitRatio: number | undefined;
  readonly roundTripMs: number;
}

export const command: Command = {
  summary: "show all servers: state, keys, memory, hit ratio, round trip, version",
  parameters: "",
  arity: [0, 0],
  details: "Exit status 3: one of them does not answer.",
  options: CLIENT_OPTIONS,
  examples: [
    "kg fleet",
    "KG_SERVER=cache-1=10.0.0.1,cache-2=10.0.0.2*2 kg fleet --json",
  ],

  async run(input) {
    return await withClient(input, async (kv) => {
      const { results, errors } = await atEachServer(kv, factsOf);
      const rows = kv.servers().map((server) => {
        const facts = results.get(server.name ?? server.address);
        if (input.flag("json")) {
          printJson(fieldsOf(server, facts, errors.get(server.name ?? server.address)));
        }
        return rowOf(server, facts);
      });
      if (!input.flag("json")) printTable(rows);
      return reportErrors("fleet", kv, errors);
    }, { onDown: "error" });
  },
};

async function factsOf(one: Calls<true>): Promise<Facts> {
  const read = async (section: string) => (await one.stats({ section })) ?? {};
  // The least of three is near the network's own.
  const pings = [await one.ping(), await one.ping(), await one.ping()];
  const [server, store, operations] = await Promise.all(
    ["server", "store", "operations"].map(read),
  );
  const [hits, misses] = [Number(operations.hits), Number(operations.misses)];
  return {
    version: String(server.version),
    uptimeMs: Number(server.uptime_ms),
    keys: Number(store.keys),
    usedBytes: Number(store.used_bytes),
    limitBytes: Number(store.limit_bytes),
    hitRatio: hits + misses === 0 ? undefined : hits / (hits + misses),
    roundTripMs: Number(Math.min(...pings).toFixed(3)),
  };
}

function fieldsOf(
  { name, address, weight }: ServerState,
  facts: Facts | undefined,
  error: Error | undefined,
) {
  const problem = error === undefined ? {} : { error: errorFields(error) };
  return { name, address, weight, answers: facts !== undefined, ...facts, ...problem };
}

const HEADINGS = ["server", "address", "weight", "state", "keys", "memory", "hits", "round trip"];

function rowOf({ name, address, weight }: ServerState, facts: Facts | undefined): string[] {
  const who = [name ?? "-", address, String(weight)];
  if (facts === undefined) return [...who, "no answer"];
  const { version, uptimeMs, keys, usedBytes, limitBytes, hitRatio, roundTripMs } = facts;
  const hits = hitRatio === undefined ? "-" : `${(100 * hitRatio).toFixed(1)} %`;
  // A server before an engine has no limit of its own.
  const memory = formatSize(usedBytes) + (limitBytes > 0 ? ` of ${formatSize(limitBytes)}` : "");
  return [
    ...who,
    `up ${formatDuration(uptimeMs)}`,
    String(keys),
    memory,
    hits,
    `${roundTripMs} ms`,
    version,
  ];
}

function printTable(rows: readonly string[][]): void {
  const [first, ...rest] = columns([[...HEADINGS, "version"], ...rows]).split("\n");
  printLine([heading(first), ...rest].join("\n"));
}
