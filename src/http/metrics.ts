/**
 * A server's statistics for Prometheus, in its text format, version 0.0.4. Names and units are by its
 * conventions (prometheus.io/docs/practices/naming): base units, `_total` for what only grows.
 */

import { meaningOf } from "../figures/glossary.ts";
import { answeredByReaders, latenciesIn, numberIn, type Snapshot } from "../figures/snapshot.ts";
import { boundUs, BUCKETS, type Latencies } from "../sampling/latencies.ts";
import { hottestShare, problemOf } from "./readiness.ts";

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: (snapshot: Snapshot) => readonly Sample[];
}

/** A bucket of Prometheus for each octave. */
const BUCKET_STEP = 2;
const MICROSECOND = 1e-6;

const OPERATIONS = [
  ...["set", "get", "delete", "exists", "add", "touch"],
  ...["ping", "stats", "scan", "drop"],
];

/** A line of the statistics as a metric of its own. */
function line(
  type: Metric["type"],
  name: string,
  section: string,
  from: string,
  scale = 1,
): Metric {
  const help = meaningOf(section, from)?.text ?? from;
  const samples = (snapshot: Snapshot): Sample[] => {
    const value = numberIn(snapshot, section, from);
    return Number.isNaN(value) ? [] : [[{}, value * scale]];
  };
  return { name, type, help, samples };
}

/** Several lines of a section as one metric, told apart by a label. */
function family(
  type: Metric["type"],
  name: string,
  help: string,
  label: string,
  section: string,
  lines: Readonly<Record<string, string>>,
): Metric {
  const samples = (snapshot: Snapshot): Sample[] =>
    Object.entries(lines).flatMap(([value, from]) => {
      const number = numberIn(snapshot, section, from);
      return Number.isNaN(number) ? [] : [[{ [label]: value }, number] as const];
    });
  return { name, type, help, samples };
}

const METRICS: readonly Metric[] = [
  {
    name: "kilogram_build_info",
    type: "gauge",
    help: "The program's version, and what it runs on; always 1.",
    samples({ sections }) {
      const { version, runtime, aead, name } = sections.get("server") ?? {};
      return [[labelsOf({ version, runtime, aead, name }), 1]];
    },
  },
  {
    name: "kilogram_ready",
    type: "gauge",
    help: "1 if it can do its work, as /readyz says.",
    samples: (snapshot) => [[{}, problemOf(snapshot) === null ? 1 : 0]],
  },
  family(
    "counter",
    "kilogram_operations_total",
    "Operations over the wire.",
    "operation",
    "operations",
    Object.fromEntries(OPERATIONS.map((name) => [name, name])),
  ),
  family(
    "counter",
    "kilogram_reads_total",
    "Reads of a key, through the doors too, by whether it was there.",
    "result",
    "operations",
    { hit: "hits", miss: "misses" },
  ),
  family(
    "counter",
    "kilogram_door_requests_total",
    "Requests by another way than the wire.",
    "door",
    "operations",
    { line: "line", resp: "resp", skvs: "skvs" },
  ),
  line("counter", "kilogram_errors_total", "operations", "errors"),
  line("counter", "kilogram_datagrams_received_total", "datagrams", "received"),
  line("counter", "kilogram_datagrams_sent_total", "datagrams", "sent"),
  line("counter", "kilogram_received_bytes_total", "datagrams", "received_bytes"),
  line("counter", "kilogram_sent_bytes_total", "datagrams", "sent_bytes"),
  family(
    "counter",
    "kilogram_datagrams_dropped_total",
    "Datagrams that got no answer.",
    "reason",
    "datagrams",
    {
      size: "dropped_size",
      authentication: "dropped_authentication",
      window: "dropped_window",
      load: "dropped_load",
      kernel: "dropped_by_kernel",
    },
  ),
  family(
    "counter",
    "kilogram_replays_total",
    "Changes asked for again, by whether the answer was still kept.",
    "answer",
    "datagrams",
    { kept: "replays_answered", forgotten: "replays_forgotten" },
  ),
  line("counter", "kilogram_fenced_total", "datagrams", "fenced"),
  line("gauge", "kilogram_keys", "store", "keys"),
  line("gauge", "kilogram_timed_keys", "store", "timed_keys"),
  line("gauge", "kilogram_payload_bytes", "store", "payload_bytes"),
  line("gauge", "kilogram_used_bytes", "store", "used_bytes"),
  line("gauge", "kilogram_limit_bytes", "store", "limit_bytes"),
  line("counter", "kilogram_evictions_total", "store", "evictions"),
  line("counter", "kilogram_expirations_total", "store", "expirations"),
  {
    name: "kilogram_hottest_key_ratio",
    type: "gauge",
    help: "The share of requests that the hottest key has, of the last minute.",
    samples: (snapshot) => [[{}, hottestShare(snapshot)]],
  },
  line("gauge", "kilogram_connections", "connections", "open"),
  line("counter", "kilogram_connections_accepted_total", "connections", "accepted"),
  line("counter", "kilogram_connections_cut_off_total", "connections", "cut_off"),
  line("gauge", "kilogram_connections_held_bytes", "connections", "held_bytes"),
  line("counter", "kilogram_journal_commits_total", "journal", "commits"),
  line("counter", "kilogram_journal_commits_failed_total", "journal", "commits_failed"),
  line("counter", "kilogram_journal_changes_total", "journal", "changes"),
  line("gauge", "kilogram_journal_backlog_bytes", "journal", "backlog_bytes"),
  line("gauge", "kilogram_backend_requests_under_way", "backend", "under_way"),
  line("counter", "kilogram_backend_retries_total", "backend", "retries"),
  line("counter", "kilogram_backend_redirects_total", "backend", "redirects"),
  line("counter", "kilogram_backend_retransmissions_total", "backend", "retransmissions"),
  {
    name: "kilogram_reader_answers_total",
    type: "counter",
    help: "Requests that a thread for reads has answered.",
    samples: (snapshot) =>
      [...answeredByReaders(snapshot)].map(([reader, answered]) =>
        [{ reader: reader.replace("reader_", "") }, answered] as const
      ),
  },
  line("gauge", "process_resident_memory_bytes", "process", "resident_bytes"),
  line("counter", "process_cpu_seconds_total", "process", "cpu_ms", 1e-3),
];

/** @param startedAtMs since 1970 */
export function metricsText(snapshot: Snapshot, startedAtMs: number): string {
  const parts = METRICS.map(({ name, type, help, samples }) => {
    const lines = samples(snapshot).map(([labels, value]) =>
      `${name}${labelText(labels)} ${value}`
    );
    return lines.length === 0 ? "" : head(name, type, help) + lines.join("\n") + "\n";
  });
  const started = "process_start_time_seconds";
  parts.push(
    `${head(started, "gauge", "When it was started, since 1970.")}${started} ${
      (startedAtMs / 1_000).toFixed(3)
    }\n`,
    durations(snapshot),
  );
  return parts.join("");
}

/** As sentences, which Prometheus shows; a line may have no backslash and no newline. */
function head(name: string, type: string, help: string): string {
  const sentence = help[0].toUpperCase() + help.slice(1) + (help.endsWith(".") ? "" : ".");
  return `# HELP ${name} ${sentence}\n# TYPE ${name} ${type}\n`;
}

function labelsOf(values: Readonly<Record<string, string | number | undefined>>): Labels {
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, String(value)]));
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** The times in the server as a histogram, of reads and of writes. */
function durations(snapshot: Snapshot): string {
  const name = "kilogram_request_duration_seconds";
  const help = "Time in the server, from samples that stand for all requests.";
  const lines = (["read", "write"] as const).flatMap((kind) => {
    const section = `${kind}_latency`;
    const latencies = latenciesIn(snapshot, section);
    if (latencies === undefined) return [];
    return histogramLines(name, kind, latencies, numberIn(snapshot, section, "sum_us"));
  });
  return lines.length === 0 ? "" : `${head(name, "histogram", help)}${lines.join("\n")}\n`;
}

function histogramLines(name: string, kind: string, { counts }: Latencies, sumUs: number) {
  const lines: string[] = [];
  let sum = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    sum += counts[bucket];
    const isLast = bucket === BUCKETS - 1;
    if (bucket % BUCKET_STEP !== 0 && !isLast) continue;
    const bound = isLast ? "+Inf" : String(Number((boundUs(bucket) * MICROSECOND).toPrecision(6)));
    lines.push(`${name}_bucket{class="${kind}",le="${bound}"} ${sum}`);
  }
  const seconds = Number.isNaN(sumUs) ? 0 : sumUs * MICROSECOND;
  lines.push(`${name}_sum{class="${kind}"} ${Number(seconds.toPrecision(9))}`);
  lines.push(`${name}_count{class="${kind}"} ${sum}`);
  return lines;
}
