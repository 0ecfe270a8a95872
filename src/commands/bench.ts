import { availableParallelism } from "node:os";
import type { Extent } from "../load/loops.ts";
import { Measured } from "../load/measured.ts";
import type { Workload } from "../load/workload.ts";
import { MAX_OUTSTANDING } from "../protocol/lane.ts";
import { MAX_VALUE_BYTES, MAX_VALUE_BYTES_WITH_TTL } from "../protocol/frame.ts";
import { Load, type Share, type Task } from "./bench_load.ts";
import { type Plan, type Report, reportJson, reportText } from "./bench_report.ts";
import { openLoads } from "./bench_threads.ts";
import {
  CLIENT_OPTIONS,
  cryptoChoice,
  serversOf,
  spreadOf,
  timeoutMsOf,
  ttlMsOf,
} from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { requireKey } from "./key_source.ts";
import { complain, print, printJson } from "./output.ts";
import { Progress } from "./progress.ts";
import { parseCount, parseDuration, parseNumber } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

const DEFAULT_DURATION = "10s";
const DEFAULT_WARM_UP = "1s";
const DEFAULT_KEYS = 10_000;
const DEFAULT_READ_PERCENT = 90;
const DEFAULT_VALUE_BYTES = 100;
const MAX_CLIENTS = 1_000;
const MAX_THREADS = 64;
/** Requests a second for which one thread is enough. */
const RATE_OF_THREAD = 30_000;
const MAX_KEYS = 1e9;
const MAX_RATE = 1e6;
const MAX_COUNT = 1e12;
const MAX_EXPONENT = 10;

export const command: Command = {
  summary: "put load on a server and measure it",
  parameters: "",
  arity: [0, 0],
  details: "Sets every key once, warms up, and then measures: with a fixed number of requests\n" +
    "outstanding, or at a fixed rate, where latency counts from when a request was due. Keys\n" +
    "are named load:00000000000 and so on; they stay, unless --ttl makes them expire.",
  options: {
    ...CLIENT_OPTIONS,
    clients: {
      type: "string",
      value: "N",
      help: "clients, each with a socket (default: one for each thread)",
    },
    threads: {
      type: "string",
      value: "N",
      help: "threads for the clients (default: 1, more for a high --rate)",
    },
    outstanding: {
      type: "string",
      value: "N",
      help: `requests at a time per client (default and maximum: ${MAX_OUTSTANDING})`,
    },
    rate: { type: "string", value: "N", help: "requests a second, all clients together" },
    reads: {
      type: "string",
      value: "PERCENT",
      help: `share of GETs, the rest are SETs (default: ${DEFAULT_READ_PERCENT})`,
    },
    keys: { type: "string", value: "N", help: `how many keys (default: ${DEFAULT_KEYS})` },
    zipf: {
      type: "string",
      value: "EXPONENT",
      help: "keys by Zipf's law, such as 0.99 (default: uniform)",
    },
    "value-size": {
      type: "string",
      value: "BYTES",
      help: `bytes in a value (default: ${DEFAULT_VALUE_BYTES})`,
    },
    ttl: { type: "string", value: "TIME", help: "make the stored keys expire" },
    duration: {
      type: "string",
      value: "TIME",
      help: `how long to measure (default: ${DEFAULT_DURATION}, or until --count)`,
    },
    count: { type: "string", value: "N", help: "how many requests to measure" },
    "warm-up": {
      type: "string",
      value: "TIME",
      help: `load before measuring (default: ${DEFAULT_WARM_UP}; 0 for none)`,
    },
    "no-fill": { type: "boolean", help: "do not set the keys first" },
  },
  examples: [
    "kg bench",
    "kg bench --reads 50 --keys 1000000 --zipf 0.99 --value-size 400",
    "kg bench --rate 20000 --duration 30s   # latency at a fixed rate",
    "kg bench --outstanding 1 --json",
    "kg bench --threads 4 --clients 64      # more than one processor can ask",
  ],

  async run(input) {
    const plan = planOf(input);
    const report = await measure(plan, shareOf(input, plan));
    if (input.flag("json")) printJson(reportJson(report));
    else print(reportText(report));
    return report.measured.answered > 0 ? Exit.DONE : Exit.NO_ANSWER;
  },
};

function planOf(input: Input): Plan {
  const count = (option: string, least: number, most: number, otherwise: number) =>
    parseCount(`--${option}`, input.text(option) ?? String(otherwise), least, most);
  const rate = input.text("rate");
  if (rate !== undefined && input.text("outstanding") !== undefined) {
    throw new UsageError("--rate ignores how many are outstanding: leave out --outstanding");
  }
  const ratePerS = rate === undefined ? null : parseNumber("--rate", rate, 1, MAX_RATE);
  const clients = input.text("clients");
  const maxThreads = clients === undefined ? MAX_THREADS : count("clients", 1, MAX_CLIENTS, 1);
  const wanted = Math.min(Math.ceil((ratePerS ?? 1) / RATE_OF_THREAD), availableParallelism());
  const threads = count("threads", 1, MAX_THREADS, Math.min(wanted, maxThreads));
  if (threads > maxThreads) {
    throw new UsageError(`--threads ${threads} needs as many --clients, at least`);
  }
  return {
    workload: workloadOf(input, count),
    threads,
    clients: count("clients", 1, MAX_CLIENTS, threads),
    outstanding: count("outstanding", 1, MAX_OUTSTANDING, MAX_OUTSTANDING),
    ratePerS,
    extent: extentOf(input, count),
    warmUpMs: warmUpMsOf(input.text("warm-up") ?? DEFAULT_WARM_UP),
    isFilled: !input.flag("no-fill"),
    timeoutMs: timeoutMsOf(input),
  };
}

type CountOf = (option: string, least: number, most: number, otherwise: number) => number;

function workloadOf(input: Input, count: CountOf): Workload {
  const ttlMs = ttlMsOf(input);
  const maxValueBytes = ttlMs === undefined ? MAX_VALUE_BYTES : MAX_VALUE_BYTES_WITH_TTL;
  const reads = input.text("reads") ?? String(DEFAULT_READ_PERCENT);
  const zipf = input.text("zipf");
  return {
    keys: count("keys", 1, MAX_KEYS, DEFAULT_KEYS),
    readShare: parseNumber("--reads", reads.replace(/%$/, ""), 0, 100) / 100,
    zipf: zipf === undefined ? 0 : parseNumber("--zipf", zipf, 0.01, MAX_EXPONENT),
    valueBytes: count("value-size", 0, maxValueBytes, DEFAULT_VALUE_BYTES),
    ttlMs,
  };
}

function extentOf(input: Input, count: CountOf): Extent {
  const isCounted = input.text("count") !== undefined;
  const duration = input.text("duration") ?? (isCounted ? undefined : DEFAULT_DURATION);
  return {
    durationMs: duration === undefined
      ? Number.POSITIVE_INFINITY
      : parseDuration("--duration", duration),
    count: isCounted ? count("count", 1, MAX_COUNT, 1) : Number.POSITIVE_INFINITY,
  };
}

function warmUpMsOf(text: string): number {
  return text === "0" ? 0 : parseDuration("--warm-up", text);
}

function shareOf(
  input: Input,
  { workload, clients, outstanding, ratePerS, timeoutMs }: Plan,
): Share {
  const { key } = requireKey(input.text("key-file"));
  const crypto = cryptoChoice(input);
  const keys = { first: 0, end: workload.keys };
  const load = { workload, clients, outstanding, ratePerS, offsetMs: 0, timeoutMs, keys };
  return { server: serversOf(input), spread: spreadOf(input), key, crypto, ...load };
}

async function measure(plan: Plan, share: Share): Promise<Report> {
  const { workload, extent, warmUpMs, isFilled } = plan;
  await checkAnswers(share);
  const loads = await openLoads(share, plan.threads);
  const progress = new Progress(1 + Number(warmUpMs > 0) + Number(isFilled));
  const step = async (what: string, task: Task): Promise<Measured> => {
    const measured = new Measured();
    await loads.run(task, measured, (done) => progress.show(what, done));
    progress.finish();
    return measured;
  };
  try {
    if (isFilled) warnOfFailures(await step("setting the keys", "fill"), workload.keys);
    if (warmUpMs > 0) {
      await step("warming up", { durationMs: warmUpMs, count: Number.POSITIVE_INFINITY });
    }
    const before = loads.retransmissions;
    const startedAtMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const measured = await step("measuring", extent);
    const cpu = process.cpuUsage(cpuBefore);
    const elapsedMs = performance.now() - startedAtMs;
    return {
      ...{ plan, server: share.server, measured, elapsedMs },
      retransmissions: loads.retransmissions - before,
      ownCpuShare: (cpu.user + cpu.system) / 1_000 / elapsedMs,
    };
  } finally {
    progress.clear();
    loads.close();
  }
}

/** A server that does not answer at all is reported at once, with the likely cause. */
async function checkAnswers(share: Share): Promise<void> {
  const load = await Load.open({ ...share, clients: 1 });
  try {
    await load.ping();
  } finally {
    load.close();
  }
}

function warnOfFailures({ writes }: Measured, keys: number): void {
  for (const [code, count] of writes.failures) {
    complain(`kg bench: ${count} of ${keys} keys could not be set first (${code})`);
  }
}
