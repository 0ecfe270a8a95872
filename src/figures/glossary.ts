/**
 * What the names in a server's statistics mean. `kg stats` shows it to people, and /metrics to
 * Prometheus; a test compares it with what servers tell.
 */

/** A count only grows while the server lives, a level goes up and down, a fact is text. */
export type Kind = "count" | "level" | "fact";
export type Unit = "" | "bytes" | "ms" | "us" | "percent";

export interface Meaning {
  readonly kind: Kind;
  readonly unit: Unit;
  /** A line of at most 72 characters, without an end. */
  readonly text: string;
}

const count = (text: string, unit: Unit = ""): Meaning => ({ kind: "count", unit, text });
const level = (text: string, unit: Unit = ""): Meaning => ({ kind: "level", unit, text });
const fact = (text: string): Meaning => ({ kind: "fact", unit: "", text });

type Section = Readonly<Record<string, Meaning>>;

const LATENCY: Section = {
  requests: count("requests that these times stand for: all of them, by samples"),
  sum_us: count("their times, added up", "us"),
  p50_us: level("half of the requests took no longer in the server", "us"),
  p90_us: level("nine of ten", "us"),
  p99_us: level("99 of 100", "us"),
  p999_us: level("999 of 1,000", "us"),
  buckets: fact("the histogram: bucket:requests, bucket n up to 2^(n/2) µs"),
};

export const GLOSSARY: Readonly<Record<string, Section>> = {
  server: {
    version: fact("the program's version"),
    runtime: fact("what it runs on"),
    aead: fact("what seals and opens datagrams"),
    name: fact("the name that clients must give it, from --name"),
    uptime_ms: level("since it started", "ms"),
    generation: count("epochs since it started (docs/WIRE.md, section 5)"),
    streams: level("clients whose changes it remembers, so that none is made twice"),
    sections: fact("the sections that it has"),
  },
  process: {
    resident_bytes: level("memory that the system has given to the process", "bytes"),
    cpu_ms: count("processor time that it has used", "ms"),
  },
  operations: {
    set: count("SET: store a value"),
    get: count("GET: read a value"),
    delete: count("DELETE: remove a key"),
    exists: count("EXISTS: look whether a key is there"),
    add: count("ADD: add to a number"),
    touch: count("TOUCH: set a time to live"),
    ping: count("PING; a client that begins to change something sends one, too"),
    stats: count("STATS: read these statistics"),
    scan: count("SCAN: read a page of keys"),
    drop: count("DROP: remove all keys with a prefix"),
    hits: count("reads that found their key"),
    misses: count("reads that did not"),
    skvs: count("operations over the original wire (--skvs)"),
    line: count("requests through the door of lines (--line)"),
    resp: count("requests of Redis clients (--resp)"),
    errors: count("requests refused with an error"),
  },
  datagrams: {
    received: count("datagrams received"),
    sent: count("datagrams sent"),
    received_bytes: count("bytes received", "bytes"),
    sent_bytes: count("bytes sent", "bytes"),
    dropped_size: count("dropped: not 1,024 bytes long"),
    dropped_authentication: count("dropped: another key, altered, or for a forgotten epoch"),
    dropped_window: count("dropped: too old to tell whether it was carried out"),
    dropped_load: count("dropped: too many were waiting"),
    replays_answered: count("changes asked for again, answered as the first time"),
    replays_forgotten: count("changes asked for again whose answer is no longer kept"),
    fenced: count("changes refused, since they were meant for another epoch"),
    dropped_by_kernel: count("dropped by the system before the server saw them"),
    receive_buffer_bytes: level("what the system keeps for it, at most", "bytes"),
  },
  store: {
    keys: level("keys, those that expired and were not removed yet included"),
    timed_keys: level("keys that will expire"),
    payload_bytes: level("their keys and values", "bytes"),
    used_bytes: level("their keys, values and index", "bytes"),
    limit_bytes: level("the most that these may take (--memory)", "bytes"),
    evictions: count("keys removed to make room"),
    expirations: count("keys removed since their time was over"),
    drops_under_way: level("prefixes whose keys are being removed"),
  },
  read_latency: LATENCY,
  write_latency: LATENCY,
  hot_keys: {},
  journal: {
    durability: fact("whether a change waits for the disk before it is confirmed"),
    commits: count("batches written and synced"),
    commits_failed: count("batches that could not be"),
    changes: count("changes in these"),
    backlog_bytes: level("changes that wait for the disk", "bytes"),
    problem: fact("why changes are refused; none if they are not"),
  },
  connections: {
    open: level("connections through the doors for text"),
    accepted: count("connections since the start"),
    cut_off: count("connections ended by the server"),
    held_bytes: level("unfinished requests, and replies not taken", "bytes"),
  },
  threads: { columns: fact("what the numbers of a reader count") },
  keys: {},
  backend: {
    kind: fact("what has the keys"),
    outage: fact("why it can't be used; none if it can"),
    under_way: level("requests that it has not answered"),
    redirects: count("requests that a Cluster sent to another node"),
    retries: count("requests sent again"),
    retransmissions: count("datagrams sent again"),
    nodes: level("nodes known"),
    columns: fact("what the words of a node are"),
  },
};

/** Lines whose names are made of something: a number, an address. */
const PATTERNS: readonly (readonly [string, RegExp, Meaning])[] = [
  ["hot_keys", /^\d+$/, fact("percent of the requests, and the key")],
  ["threads", /^reader_\d+$/, fact("a reader")],
  ["keys", /^(skvs_)?key_\d+$/, fact("the identity of an accepted key")],
  ["keys", /_requests$/, count("requests under this key")],
  ["keys", /_idle_ms$/, level("since the last of them", "ms")],
  ["backend", /[.:]/, fact("a node")],
];

/** What a line means; undefined for one of a newer server. */
export function meaningOf(section: string, name: string): Meaning | undefined {
  // From the ninth thread on, a section is named after its first one.
  const kind = section.startsWith("threads_") ? "threads" : section;
  const entry = PATTERNS.find(([of, pattern]) => of === kind && pattern.test(name));
  const lines = Object.hasOwn(GLOSSARY, kind) ? GLOSSARY[kind] : {};
  return Object.hasOwn(lines, name) ? lines[name] : entry?.[2];
}
