/** A client library as the benchmark of clients drives it, in a process of its own. */

export interface Library {
  get(key: string): Promise<unknown>;
  /** Requests that it sent again; 0 where it has no such count. */
  readonly retransmissions: number;
  close(): void;
}

/** What a measured process is told, as its only argument, in JSON. */
export interface Order {
  readonly library: "kilogram" | "redis" | "bare";
  /** `start`: the first value only; `load`: rates; `memory`: idle clients, and many calls at once. */
  readonly measure: "start" | "load" | "memory";
  /** When the process was started, in ms since 1970. */
  readonly startedAtMs: number;
  /** The file to import: for `kilogram` only. */
  readonly module: string;
  /** `host:port` or a list of servers; a URL of Redis, or `unix:` and a path. */
  readonly server: string;
  /** The certificate to trust, for TLS. */
  readonly certificate?: string;
  readonly seconds: number;
}

export const KEY = "session:12345678";
const TIMEOUT_MS = 5_000;
const UNIX = "unix:";

/** Imports a library and connects; nothing is imported before. */
export async function openLibrary(order: Order): Promise<Library> {
  if (order.library === "redis") return await openRedis(order);
  if (order.library === "bare") return await (await import("./bare.ts")).openBare(order.server);
  const { connect } = await import(order.module);
  const kv = await connect(order.server, { key: masterKey() });
  return {
    get: (key) => kv.get(key, { timeout: TIMEOUT_MS }),
    get retransmissions() {
      return kv.retransmissions;
    },
    close: () => kv.close(),
  };
}

export function masterKey(): string {
  return process.env.KG_KEY ?? "";
}

async function openRedis({ server, certificate }: Order): Promise<Library> {
  const { createClient } = await import("redis");
  const client = server.startsWith(UNIX)
    ? createClient({ socket: { path: server.slice(UNIX.length), tls: false } })
    : createClient({
      url: server,
      socket: certificate === undefined ? {} : { tls: true as const, ca: certificate },
    });
  client.on("error", (error) => {
    throw error;
  });
  await client.connect();
  return {
    get: (key) => client.get(key),
    retransmissions: 0,
    close: () => client.destroy(),
  };
}
