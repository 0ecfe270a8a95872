/**
 * Compares the library with node-redis, plain and over TLS, on Node, Deno and Bun: the time to the
 * first value, GETs with one and with 64 outstanding, memory. Each measurement has a process of its
 * own, the libraries take turns, and the medians of several rounds are printed. Needs `npm run build`,
 * and valkey-server or redis-server. The rows «bare» are what no client of Kilogram on Node can do
 * without (bench/clients/bare.ts).
 *
 *     npm run bench:clients -- [--rounds 5] [--seconds 2] [--only NAME[,NAME …]] [--before FOLDER]
 *       [--json]
 *
 * `--only` takes the rows whose names contain one of some texts; `--before` also measures another
 * checkout, which has been built.
 */

import { type ChildProcess, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Progress } from "../src/commands/progress.ts";
import { connect } from "../src/mod.ts";
import { encodeKey, generateKey } from "../src/protocol/keys.ts";
import { freshEnvironment } from "../tests/end_to_end/programs.ts";
import { KEY, type Order } from "./clients/library.ts";
import type { Rates, Remembered, Started } from "./clients/measured.ts";
import { availableRuntimes, type RuntimeProgram } from "./clients/runtimes.ts";
import { installedRespServer, startKilogram, startRespServer } from "./processes.ts";
import { medians, table } from "./report.ts";

const values = optionsGiven();

const rounds = countOf("rounds");
const seconds = countOf("seconds");
if (values.before !== undefined && !existsSync(join(values.before, "dist", "mod.js"))) {
  refuse(`--before: ${values.before} has no dist/mod.js; run npm run build there.`);
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BUNDLE = join(ROOT, "dist", "bench");
const VALUE = "v".repeat(100);
/** A process that takes longer hangs. */
const MAX_PROCESS_MS = 60_000;

type Target = Pick<Order, "library" | "module" | "server" | "certificate">;

interface Subject {
  readonly name: string;
  readonly runtime: RuntimeProgram;
  readonly target: Target;
}

type Found = Started & Rates & Partial<Remembered>;

const folder = mkdtempSync(join(tmpdir(), "kilogram-clients-"));
const masterKey = encodeKey(generateKey());
const servers: ChildProcess[] = [];
const environment: NodeJS.ProcessEnv = { ...freshEnvironment(), KG_KEY: masterKey };
process.on("exit", leaveNothing);
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
bundle();
const subjects = subjectsOn(availableRuntimes(), [...await kilograms(), ...await redises()]);
report(measureAll(subjects));
process.exit();

function optionsGiven() {
  const options = {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    only: { type: "string" },
    before: { type: "string" },
    json: { type: "boolean" },
  } as const;
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function leaveNothing(): void {
  for (const server of servers) server.kill("SIGKILL");
  for (const made of [folder, environment.HOME ?? folder]) {
    rmSync(made, { recursive: true, force: true });
  }
}

function countOf(name: "rounds" | "seconds"): number {
  const count = Number(values[name]);
  if (Number.isInteger(count) && count > 0) return count;
  return refuse(`--${name} ${values[name]}: give a whole number above 0.`);
}

function refuse(problem: string): never {
  console.error(problem);
  process.exit(2);
}

/** The measured program as JavaScript, which each runtime takes. */
function bundle(): void {
  const entry = join(ROOT, "bench", "clients", "measured.ts");
  const options = ["--target=node", "--splitting", "--external=redis", `--outdir=${BUNDLE}`];
  const { status, stderr } = spawnSync(process.execPath, ["build", entry, ...options]);
  if (status !== 0) throw new Error(`The measured program could not be bundled: ${stderr}`);
}

async function kilograms(): Promise<[string, Target][]> {
  const { server: process, port } = await startKilogram(environment, ["--memory", "64MiB"]);
  servers.push(process);
  const server = `127.0.0.1:${port}`;
  const kv = await connect(server, { key: masterKey });
  await kv.set(KEY, VALUE, { timeout: 5_000 });
  kv.close();
  const target = (module: string): Target => ({ library: "kilogram", module, server });
  const before = values.before;
  return [
    ["kilogram", target(ROOT)],
    ...(before === undefined ? [] : [["kilogram, before", target(resolve(before))] as const]),
    ["bare", { ...target(""), library: "bare" }],
  ] as [string, Target][];
}

async function redises(): Promise<[string, Target][]> {
  const name = installedRespServer();
  if (name === undefined) {
    console.error("Neither valkey-server nor redis-server is installed: measuring without them.");
    return [];
  }
  const { server, plain, tls, certificate } = await startRespServer(name, folder);
  servers.push(server);
  spawnSync(`${name}-cli`, ["-p", String(plain), "SET", KEY, VALUE]);
  const target = { library: "redis", module: "" } as const;
  return [
    ["node-redis, plain", { ...target, server: `redis://127.0.0.1:${plain}` }],
    ["node-redis, TLS", {
      ...target,
      server: `rediss://127.0.0.1:${tls}`,
      certificate: readFileSync(certificate, "utf8"),
    }],
  ];
}

function subjectsOn(
  runtimes: readonly RuntimeProgram[],
  targets: readonly [string, Target][],
): Subject[] {
  const all = runtimes.flatMap((runtime) =>
    targets
      .filter(([, { library }]) => library !== "bare" || runtime.kind === "node")
      .map(([name, target]): Subject => ({
        name: `${runtime.name}: ${name}`,
        runtime,
        target: { ...target, module: moduleFor(runtime, target.module) },
      }))
  );
  const parts = values.only?.split(",");
  const wanted = all.filter(({ name }) => parts?.some((part) => name.includes(part)) ?? true);
  if (wanted.length > 0) return wanted;
  return refuse(`--only ${values.only} is none of\n${all.map(({ name }) => name).join("\n")}`);
}

/** What a package manager would give the runtime: see `exports` in package.json. */
function moduleFor({ kind }: RuntimeProgram, root: string): string {
  return kind === "node" ? join(root, "dist", "mod.js") : join(root, "src", "mod.ts");
}

function measureAll(subjects: readonly Subject[]): Map<string, Found> {
  const found = new Map<string, Found[]>(subjects.map(({ name }) => [name, []]));
  const progress = new Progress(rounds * subjects.flatMap(measuresOf).length);
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      // The first start in a while reads the program from the disk.
      measured(subject, "start");
      const parts = measuresOf(subject).map((measure) => {
        progress.show(`${subject.name}, ${measure}`, 0);
        const part = measured(subject, measure);
        progress.finish();
        return part;
      });
      found.get(subject.name)?.push(Object.assign({}, ...parts));
    }
  }
  progress.clear();
  return new Map([...found].map(([name, rows]) => [name, medians(rows)]));
}

/** «bare» sends nothing again, so it can't have more calls at once than a socket's buffer holds. */
function measuresOf({ target }: Subject): readonly Order["measure"][] {
  return target.library === "bare" ? ["start", "load"] : ["start", "load", "memory"];
}

function measured({ name, runtime, target }: Subject, measure: Order["measure"]): object {
  const [program, ...before] = runtime.command;
  const order: Order = { ...target, measure, seconds, startedAtMs: Date.now() };
  const args = [...before, join(BUNDLE, "measured.js"), JSON.stringify(order)];
  const { status, stdout, stderr } = spawnSync(program, args, {
    env: environment,
    cwd: ROOT,
    encoding: "utf8",
    timeout: MAX_PROCESS_MS,
  });
  if (status !== 0) throw new Error(`${name}, ${measure}: ${stderr}`);
  return JSON.parse(stdout);
}

function report(found: ReadonlyMap<string, Found>): void {
  if (values.json) {
    console.log(JSON.stringify(Object.fromEntries(found)));
    return;
  }
  const head = [
    ...["", "process to value, ms", "import to value, ms"],
    ...["1: p50 µs", "1: p99 µs", "1: CPU µs a call"],
    ...["64: k/s", "64: p50 ms", "64: p99 ms", "64: CPU µs a call", "64: sent again, %"],
    ...["an idle client, KiB", "10,000 at once, ms", "they take, MiB"],
  ];
  const rows = [...found].map(([name, { processMs, importMs, single, many, ...memory }]) => [
    ...[name, processMs.toFixed(0), importMs.toFixed(0)],
    ...[single.p50Ms * 1_000, single.p99Ms * 1_000, single.cpuUs].map((us) => us.toFixed(0)),
    (many.perSecond / 1_000).toFixed(1),
    ...[many.p50Ms.toFixed(2), many.p99Ms.toFixed(1), many.cpuUs.toFixed(1)],
    (many.retransmissions / many.perSecond / seconds * 100).toFixed(2),
    ...[memory.idleKiB, memory.burstMs, memory.burstMiB].map((found) => found?.toFixed(0) ?? ""),
  ]);
  console.log(table([head, ...rows]));
}
