import type { Calls, Client } from "../client.ts";
import { connect } from "../connect.ts";
import { closedLoop, type Extent, fill, type Loop, openLoop } from "../load/loops.ts";
import type { Measured } from "../load/measured.ts";
import { Requests, type Workload } from "../load/workload.ts";
import { MAX_OUTSTANDING } from "../protocol/lane.ts";
import { MAX_VALUE_BYTES, MAX_VALUE_BYTES_WITH_TTL } from "../protocol/frame.ts";
import { type Plan, type Report, reportJson, reportText } from "./bench_report.ts";
import { CLIENT_OPTIONS, cryptoChoice, serverOf, timeoutMsOf, ttlMsOf } from "./client_options.ts";
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
    clients: { type: "string", value: "N", help: "clients, each with a socket (default: 1)" },
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
  ],

  async run(input) {
    const plan = planOf(input);
    const clients = await connectAll(input, plan.clients);
    try {
      const report = await measure(plan, clients, serverOf(input));
      if (input.flag("json")) printJson(reportJson(report));
      else print(reportText(report));
      return report.measured.answered > 0 ? Exit.DONE : Exit.NO_ANSWER;
    } finally {
      for (const client of clients) client.close();
    }
  },
};

function planOf(input: Input): Plan {
  const count = (option: string, least: number, most: number, otherwise: number) =>
    parseCount(`--${option}`, input.text(option) ?? String(otherwise), least, most);
  const rate = input.text("rate");
  if (rate !== undefined && input.text("outstanding") !== undefined) {
    throw new UsageError("--rate ignores how many are outstanding: leave out --outstanding");
  }
  return {
    workload: workloadOf(input, count),
    clients: count("clients", 1, MAX_CLIENTS, 1),
    outstanding: count("outstanding", 1, MAX_OUTSTANDING, MAX_OUTSTANDING),
    ratePerS: rate === undefined ? null : parseNumber("--rate", rate, 1, MAX_RATE),
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

async function connectAll(input: Input, count: number): Promise<Client[]> {
  const { key } = requireKey(input.text("key-file"));
  const crypto = cryptoChoice(input);
  const connecting = Array.from({ length: count }, () => connect(serverOf(input), { key, crypto }));
  return await Promise.all(connecting);
}

async function measure(plan: Plan, clients: readonly Client[], server: string): Promise<Report> {
  const { workload, outstanding, ratePerS, extent, warmUpMs, timeoutMs } = plan;
  const requests = new Requests(workload);
  const views: Calls<true>[] = clients.map((client) => client.within(timeoutMs));
  // A server that does not answer at all is reported at once, with the likely cause.
  await views[0].ping();
  const progress = new Progress(1 + Number(warmUpMs > 0) + Number(plan.isFilled));
  const step = async (what: string, run: (onProgress: Loop["onProgress"]) => Promise<Measured>) => {
    const measured = await run((share) => progress.show(what, share));
    progress.finish();
    return measured;
  };
  const load = (over: Extent) => (onProgress: Loop["onProgress"]) => {
    const loop = { clients: views, extent: over, onProgress };
    return ratePerS === null
      ? closedLoop(requests, outstanding, loop)
      : openLoop(requests, ratePerS, loop);
  };
  try {
    if (plan.isFilled) {
      const filled = await step(
        "setting the keys",
        (onProgress) => fill(requests, workload.keys, outstanding, { clients: views, onProgress }),
      );
      for (const [code, count] of filled.failures) {
        complain(`kg bench: ${count} of ${workload.keys} keys could not be set first (${code})`);
      }
    }
    if (warmUpMs > 0) {
      await step("warming up", load({ durationMs: warmUpMs, count: Number.POSITIVE_INFINITY }));
    }
    const retransmissions = () => clients.reduce((sum, client) => sum + client.retransmissions, 0);
    const before = retransmissions();
    const startedAtMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const measured = await step("measuring", load(extent));
    const cpu = process.cpuUsage(cpuBefore);
    const elapsedMs = performance.now() - startedAtMs;
    return {
      plan,
      server,
      measured,
      elapsedMs,
      retransmissions: retransmissions() - before,
      ownCpuShare: (cpu.user + cpu.system) / 1_000 / elapsedMs,
    };
  } finally {
    progress.clear();
  }
}
