/** A server's statistics at a moment, and how they come about between two moments. */

import { Latencies } from "../sampling/latencies.ts";

export type Section = Readonly<Record<string, string | number>>;

export interface Snapshot {
  /** On any clock, in ms. */
  readonly atMs: number;
  readonly sections: ReadonlyMap<string, Section>;
}

/** Counts of operations that read, and that change something. */
const READS = ["get", "exists"] as const;
const WRITES = ["set", "delete", "add", "touch", "drop"] as const;

export interface LatencyFigures {
  /** In µs, to within a fifth; NaN without requests. */
  readonly p50Us: number;
  readonly p99Us: number;
}

/** What a server did between two moments, and how it is at the later one. */
export interface Figures {
  readonly seconds: number;
  /** Everything that clients asked for, by the wire and by the doors, a second. */
  readonly operationsPerSecond: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  /** Through the doors for text, where reads and writes are not told apart. */
  readonly doorsPerSecond: number;
  /** Of the reads, 0 to 1; NaN without any. */
  readonly hitRatio: number;
  readonly errorsPerSecond: number;
  /** Datagrams dropped by the server or by the kernel, a second. */
  readonly dropsPerSecond: number;
  readonly evictionsPerSecond: number;
  readonly expirationsPerSecond: number;
  readonly reads: LatencyFigures;
  readonly writes: LatencyFigures;
  readonly keys: number;
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** NaN from a server that does not tell. */
  readonly residentBytes: number;
  /** Processors in use: 1 is one all the time; NaN as above. */
  readonly processors: number;
}

/** A number of a snapshot; NaN if it has none. */
export function numberIn({ sections }: Snapshot, section: string, name: string): number {
  return Number(sections.get(section)?.[name] ?? Number.NaN);
}

/** The histogram of a section of latencies; undefined without that section. */
export function latenciesIn({ sections }: Snapshot, section: string): Latencies | undefined {
  const lines = sections.get(section);
  return lines && Latencies.parse(String(lines.buckets ?? ""));
}

/** How many requests each reader has answered, by its name; at most as many as there are readers. */
export function answeredByReaders({ sections }: Snapshot): Map<string, number> {
  const answered = new Map<string, number>();
  for (const [section, lines] of sections) {
    if (!section.startsWith("threads")) continue;
    for (const [reader, counts] of Object.entries(lines)) {
      if (reader !== "columns") answered.set(reader, Number(String(counts).split(" ")[1]));
    }
  }
  return answered;
}

/** Whether the server was started anew between two snapshots, so that its counts began again. */
export function isRestarted(before: Snapshot, after: Snapshot): boolean {
  return numberIn(after, "server", "uptime_ms") < numberIn(before, "server", "uptime_ms");
}

export function figuresOf(before: Snapshot, after: Snapshot): Figures {
  const seconds = Math.max(1, after.atMs - before.atMs) / 1_000;
  const grown = (section: string, name: string) => {
    const more = numberIn(after, section, name) - numberIn(before, section, name);
    return Number.isNaN(more) ? 0 : Math.max(0, more);
  };
  const rate = (section: string, ...names: readonly string[]) =>
    names.reduce((sum, name) => sum + grown(section, name), 0) / seconds;
  const [hits, misses] = [grown("operations", "hits"), grown("operations", "misses")];
  const [readsPerSecond, writesPerSecond] = [
    rate("operations", ...READS),
    rate("operations", ...WRITES),
  ];
  const doorsPerSecond = rate("operations", "line", "resp");
  return {
    seconds,
    operationsPerSecond: readsPerSecond + writesPerSecond + doorsPerSecond,
    ...{ readsPerSecond, writesPerSecond, doorsPerSecond },
    hitRatio: hits / (hits + misses),
    errorsPerSecond: rate("operations", "errors"),
    dropsPerSecond: rate("datagrams", ...DROPS),
    evictionsPerSecond: rate("store", "evictions"),
    expirationsPerSecond: rate("store", "expirations"),
    reads: latencyOf(before, after, "read_latency"),
    writes: latencyOf(before, after, "write_latency"),
    keys: numberIn(after, "store", "keys"),
    usedBytes: numberIn(after, "store", "used_bytes"),
    limitBytes: numberIn(after, "store", "limit_bytes"),
    residentBytes: numberIn(after, "process", "resident_bytes"),
    processors: processorsOf(before, after, seconds),
  };
}

/** A stranger's datagrams are dropped, too; they are no loss, and are not counted here. */
const DROPS = ["dropped_load", "dropped_by_kernel"] as const;

function processorsOf(before: Snapshot, after: Snapshot, seconds: number): number {
  const usedMs = numberIn(after, "process", "cpu_ms") - numberIn(before, "process", "cpu_ms");
  return Math.max(0, usedMs) / 1_000 / seconds;
}

function latencyOf(before: Snapshot, after: Snapshot, section: string): LatencyFigures {
  const histogram = (snapshot: Snapshot) => latenciesIn(snapshot, section) ?? new Latencies();
  const since = histogram(after).since(histogram(before));
  return { p50Us: since.percentileUs(0.5), p99Us: since.percentileUs(0.99) };
}
