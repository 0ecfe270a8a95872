import { MAX_OUTSTANDING } from "../protocol/lane.ts";
import { reportJson } from "./bench_json.ts";
import { dropKeys, whatStays } from "./bench_keys.ts";
import { Load, type Share } from "./bench_load.ts";
import {
  DEFAULT_DURATION,
  DEFAULT_KEYS,
  DEFAULT_READ_PERCENT,
  DEFAULT_VALUE_BYTES,
  DEFAULT_WARM_UP,
  type Plan,
  planOf,
} from "./bench_plan.ts";
import { reportText } from "./bench_report.ts";
import type { Result } from "./bench_result.ts";
import { checkAnswers, measure } from "./bench_run.ts";
import { Interruption, statusOf } from "./bench_stop.ts";
import { CLIENT_OPTIONS, cryptoChoice, serversOf, spreadOf } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { requireKey } from "./key_source.ts";
import { complain, print, printJson } from "./output.ts";
import { showOnTerminal } from "./progress.ts";

export const command: Command = {
  summary: "put load on a server and measure it",
  parameters: "",
  arity: [0, 0],
  details: "Sets every key once, warms up, and then measures: with a fixed number of requests\n" +
    "outstanding, or at a fixed --rate, where latency counts from when a request was due. Shows\n" +
    "throughput and p99 every second, and at the end reads and writes apart. Ctrl-C ends the\n" +
    "measuring and reports what was measured until then; a second one ends at once.\n\n" +
    "The keys are the run's own, such as bench:7f3a9c2e:000000042. At the end they are dropped, and\n" +
    "if that fails they expire. Exit status 3: nothing was answered; 130: ended by Ctrl-C.",
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
    ttl: {
      type: "string",
      value: "TIME",
      help: "how long keys live (default: the run and 10m; for ever with --keep)",
    },
    keep: { type: "boolean", help: "leave the keys on the server" },
    prefix: {
      type: "string",
      value: "PREFIX",
      help: "names of the keys (default: one of its own); implies --keep",
    },
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
    report: {
      type: "string",
      value: "FILE",
      help: "write a picture of it: FILE.html, with tables, or FILE.svg",
    },
  },
  examples: [
    "kg bench",
    "kg bench --reads 50 --keys 1000000 --zipf 0.99 --value-size 400",
    "kg bench --rate 20000 --duration 30s   # latency at a fixed rate",
    "kg bench --report bench.html           # a page with the course of it",
    "kg bench --outstanding 1 --json        # every second is in spans",
    "kg bench --threads 4 --clients 64      # more than one processor can ask",
    "kg bench --prefix load: --keys 5000000 # keys that stay...",
    "kg bench --prefix load: --no-fill      # ...for a second run",
  ],

  async run(input) {
    const plan = planOf(input);
    const share = shareOf(input, plan);
    const writeReport = await reportWriter(input);
    const control = await Load.open({ ...share, clients: 1 });
    try {
      const status = await checkAnswers(control.calls);
      if (status !== null) return status;
      return await runAndTell(input, plan, share, control, writeReport);
    } finally {
      control.close();
    }
  },
};

type WriteReport = (result: Result) => Promise<void>;

/** Runs, tells, and drops the keys, whatever happens. @returns the exit status */
async function runAndTell(
  input: Input,
  plan: Plan,
  share: Share,
  control: Load,
  writeReport: WriteReport,
): Promise<number> {
  const { workload, isKept } = plan;
  const stays = whatStays(workload.prefix, workload.ttlMs);
  const interruption = new Interruption(() => {
    showOnTerminal("");
    complain(`kg bench: its keys are left: ${stays}`);
  });
  try {
    const result = await measure(plan, share, interruption);
    if (result === null) complain("kg bench: ended before anything was measured");
    else {
      if (input.flag("json")) printJson(reportJson(result));
      else print(reportText(result));
      await writeReport(result);
    }
    if (interruption.signal !== null) return statusOf(interruption.signal);
    return (result?.measured.answered ?? 0) > 0 ? Exit.DONE : Exit.NO_ANSWER;
  } finally {
    interruption.expectEnd();
    if (isKept) complain(`kg bench: the keys are kept: ${stays}`);
    else await dropKeys(control.calls, workload.prefix, workload.ttlMs);
    interruption.end();
  }
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

/** What writes the file of --report; checked before the run, so that the run is not in vain. */
async function reportWriter(input: Input): Promise<WriteReport> {
  const path = input.text("report");
  if (path === undefined) return async () => {};
  const { pictureWriter } = await import("./bench_picture.ts");
  return pictureWriter(path, commandLine(input));
}

/** The command line without what is nobody else's business: paths, and where the key is. */
function commandLine(input: Input): string {
  const words = Object.entries(command.options).flatMap(([name, { type }]) => {
    if (UNTOLD.has(name)) return [];
    if (type === "boolean") return input.flag(name) ? [`--${name}`] : [];
    const text = input.text(name);
    return text === undefined ? [] : [`--${name} ${text}`];
  });
  return ["kg bench", ...words].join(" ");
}

const UNTOLD: ReadonlySet<string> = new Set(["key-file", "report", "json"]);
