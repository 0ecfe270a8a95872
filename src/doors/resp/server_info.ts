/** INFO: the facts that Redis monitoring tools read, as far as they mean something here. */

import { VERSION } from "../../version.ts";
import type { Command, Context } from "./context.ts";
import { NO_KEYS } from "./context.ts";
import { verbatim } from "./forms.ts";

/** The Redis version that these replies match; libraries check it before they use a command. */
export const REDIS_VERSION = "7.0.15";

type Fact = readonly [name: string, value: string | number];

const SECTIONS: Readonly<Record<string, (context: Context) => readonly Fact[]>> = {
  Server: () => [
    ["redis_version", REDIS_VERSION],
    ["redis_mode", "standalone"],
    ["kilogram_version", VERSION],
    ["process_id", process.pid],
    ["uptime_in_seconds", Math.floor(process.uptime())],
    ["uptime_in_days", Math.floor(process.uptime() / SECONDS_OF_A_DAY)],
  ],
  Clients: ({ connections }) => [
    ["connected_clients", connections.count],
    ["maxclients", connections.most],
    ["blocked_clients", 0],
  ],
  Memory: ({ keyspace: { counts } }) => [
    ["used_memory", counts.usedBytes],
    ["used_memory_human", human(counts.usedBytes)],
    ["used_memory_rss", process.memoryUsage.rss()],
    ["maxmemory", counts.limitBytes],
    ["maxmemory_human", human(counts.limitBytes)],
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
    counts.count === 0 ? [] : [["db0", `keys=${counts.count},expires=${counts.timed},avg_ttl=0`]],
};

const SECONDS_OF_A_DAY = 86_400;

/** As Redis writes sizes: 1.50M. */
function human(bytes: number): string {
  const power = Math.min(4, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return power === 0 ? `${bytes}B` : `${(bytes / 2 ** (10 * power)).toFixed(2)}${"BKMGT"[power]}`;
}

const EVERYTHING = ["all", "default", "everything"];

function info(context: Context): void {
  const { request } = context;
  const wanted = new Set<string>();
  for (let i = 1; i < request.count; i++) wanted.add(request.latin1(i).toLowerCase());
  const isAllWanted = wanted.size === 0 || EVERYTHING.some((word) => wanted.has(word));
  const isWanted = (name: string) => isAllWanted || wanted.has(name.toLowerCase());
  const sections = Object.entries(SECTIONS).filter(([name]) => isWanted(name));
  const texts = sections.map(([name, facts]) =>
    [`# ${name}`, ...facts(context).map(([fact, value]) => `${fact}:${value}`), ""].join("\r\n")
  );
  verbatim(context, texts.join("\r\n"));
}

export const infoCommands: readonly Command[] = [
  { name: "info", arity: -1, flags: ["loading", "stale"], keys: NO_KEYS, run: info },
];
