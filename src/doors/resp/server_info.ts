/** INFO: the facts that Redis monitoring tools read, as far as they mean something here. */

import { VERSION } from "../../version.ts";
import type { Command, Context } from "./context.ts";
import { NO_KEYS } from "./context.ts";
import { bulk } from "./forms.ts";

/** The Redis version that these replies match; libraries check it before they use a command. */
const REDIS_VERSION = "7.0.0";

type Fact = readonly [name: string, value: string | number];

const SECTIONS: Readonly<Record<string, (context: Context) => readonly Fact[]>> = {
  Server: () => [
    ["redis_version", REDIS_VERSION],
    ["redis_mode", "standalone"],
    ["kilogram_version", VERSION],
    ["process_id", process.pid],
  ],
  Clients: ({ connections }) => [["connected_clients", connections.count]],
  Memory: ({ keyspace: { counts } }) => [
    ["used_memory", counts.usedBytes],
    ["maxmemory", counts.limitBytes],
  ],
  Persistence: () => [["loading", 0]],
  Stats: ({ connections, keyspace: { counts, counters } }) => [
    ["total_connections_received", connections.accepted],
    ["total_commands_processed", counters.resp],
    ["expired_keys", counts.expirations],
    ["evicted_keys", counts.evictions],
    ["keyspace_hits", counters.hits],
    ["keyspace_misses", counters.misses],
  ],
  Replication: () => [["role", "master"], ["connected_slaves", 0]],
  Cluster: () => [["cluster_enabled", 0]],
  Keyspace: ({ keyspace: { counts } }) =>
    counts.count === 0 ? [] : [["db0", `keys=${counts.count},expires=0,avg_ttl=0`]],
};

const EVERYTHING = ["all", "default", "everything"];

function info(context: Context): void {
  const { request, replies } = context;
  const wanted = new Set<string>();
  for (let i = 1; i < request.count; i++) wanted.add(request.latin1(i).toLowerCase());
  const isAllWanted = wanted.size === 0 || EVERYTHING.some((word) => wanted.has(word));
  const isWanted = (name: string) => isAllWanted || wanted.has(name.toLowerCase());
  const sections = Object.entries(SECTIONS).filter(([name]) => isWanted(name));
  const texts = sections.map(([name, facts]) =>
    [`# ${name}`, ...facts(context).map(([fact, value]) => `${fact}:${value}`), ""].join("\r\n")
  );
  bulk(replies, texts.join("\r\n"));
}

export const infoCommands: readonly Command[] = [
  { name: "info", arity: -1, flags: ["loading", "stale"], keys: NO_KEYS, run: info },
];
