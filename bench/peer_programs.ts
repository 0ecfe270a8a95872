/** The servers that bench:peers compares, each with the program that puts load on it. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeKey, generateKey } from "../src/protocol/keys.ts";
import { freePort, freshEnvironment } from "../tests/end_to_end/programs.ts";
import {
  cpuUsOf,
  installedRespServer,
  started,
  startKilogram,
  startRespServer,
} from "./processes.ts";

export interface Load {
  readonly name: string;
  readonly outstanding: number;
  /** Requests. */
  readonly count: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly readPercent: number;
  /** Requests a second; without it, a closed loop. */
  readonly ratePerS?: number;
  /** Whether each outstanding request is that of a client of its own; the others have one client. */
  readonly isEachClient?: boolean;
}

export interface Outcome {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly retransmissions: number;
}

export interface Peer {
  readonly name: string;
  /** Sets every key of a load. */
  fill(load: Load): void;
  run(load: Load): Outcome;
  /** Puts several loads on the server at once. */
  runTogether?(loads: readonly Load[]): Promise<Outcome[]>;
  /** Processor time of all the server's threads so far, in microseconds. */
  cpuUs(): number;
  stop(): void;
}

/** The compiled C programs. */
export interface Tools {
  readonly floor: string;
  readonly load: string;
  readonly loadResp: string;
}

const SOURCES = fileURLToPath(new URL("c/", import.meta.url));
const STORE_MEMORY = "1GiB";

export function compileTools(folder: string): Tools {
  const compile = (name: string, ...libraries: string[]) => {
    const out = join(folder, name);
    const { status, stderr, error } = spawnSync(
      "cc",
      ["-O2", "-o", out, join(SOURCES, `${name}.c`), ...libraries, "-lcrypto", "-lm"],
      { encoding: "utf8" },
    );
    if (status === 0) return out;
    throw new Error(
      `cc and the OpenSSL headers are needed (Debian: gcc, libssl-dev): ${error ?? stderr}`,
    );
  };
  return {
    floor: compile("floor"),
    load: compile("load"),
    loadResp: compile("load_resp", "-lssl"),
  };
}

/** Adds each peer as it starts. The floor is first: the others are compared with it. */
export async function startPeers(folder: string, tools: Tools, peers: Peer[]): Promise<void> {
  peers.push(await floorPeer(tools));
  peers.push(await kilogramPeer(tools, "kilogram, one thread", ["--readers", "0"]));
  peers.push(await kilogramPeer(tools, "kilogram, a reader", ["--readers", "1"]));
  const polling = ["--readers", "1", "--poll", "50us"];
  peers.push(await kilogramPeer(tools, "kilogram, polling", polling));
  const other = installedRespServer();
  if (other === undefined) {
    console.error("Neither valkey-server nor redis-server is installed: measuring without them.");
    return;
  }
  peers.push(...await respPeers(other, folder, tools));
}

export async function floorPeer(tools: Tools): Promise<Peer> {
  const port = await freePort();
  const key = encodeKey(generateKey());
  const server = spawn(tools.floor, [String(port)], { env: { KG_KEY: key } });
  await started();
  return { ...datagramPeer("floor (C)", tools, server, port, key), fill: () => {} };
}

/** @param options of kg serve, besides --listen and --memory */
export async function kilogramPeer(
  tools: Tools,
  name = "kilogram",
  options: readonly string[] = [],
): Promise<Peer> {
  const key = encodeKey(generateKey());
  const env = { ...freshEnvironment(), KG_KEY: key };
  const { server, port } = await startKilogram(env, ["--memory", STORE_MEMORY, ...options]);
  return datagramPeer(name, tools, server, port, key);
}

/** A RESP server without TLS, loaded only by our own program. */
export async function plainRespPeer(
  server: string,
  label: string,
  tools: Tools,
  options: readonly string[],
): Promise<Peer> {
  const port = await freePort();
  const process = spawn(`${server}-server`, ["--port", String(port), "--save", "", ...options], {
    stdio: "ignore",
  });
  await started();
  const run = (load: Load, ...more: string[]) =>
    outcomeOf(tools.loadResp, [String(port), "plain", ...loadArguments(load), ...more]);
  return {
    name: label,
    fill: (load) => void run(fillOf(load), "fill"),
    run: (load) => run(load),
    ...stopsAndCosts(process),
  };
}

export function datagramPeer(
  name: string,
  tools: Tools,
  server: ChildProcess,
  port: number,
  key: string,
): Peer {
  const run = (load: Load, ...more: string[]) =>
    outcomeOf(tools.load, [String(port), ...loadArguments(load), ...more], { KG_KEY: key });
  return {
    name,
    fill: (load) => void run({ ...fillOf(load) }, "fill"),
    run: (load) => load.isEachClient ? run(load, "each") : run(load),
    runTogether: (loads) =>
      Promise.all(
        loads.map((load) =>
          outcomeLater(tools.load, [String(port), ...loadArguments(load)], { KG_KEY: key })
        ),
      ),
    ...stopsAndCosts(server),
  };
}

/** One server with two ports, TLS and plain. */
async function respPeers(name: string, folder: string, tools: Tools): Promise<Peer[]> {
  const { server, plain, tls, certificate } = await startRespServer(name, folder);
  const secure = ["--tls", "--cacert", certificate];
  return [
    respPeer(name, "TLS", tools, server, tls, secure),
    respPeer(name, "plain", tools, server, plain, []),
  ];
}

/** The peer's own benchmark runs closed loops; ours runs fixed rates, which the peer's lacks. */
function respPeer(
  server: string,
  transport: "TLS" | "plain",
  tools: Tools,
  process: ChildProcess,
  port: number,
  secure: readonly string[],
): Peer {
  const own = (load: Load, ...more: string[]) =>
    outcomeOf(tools.loadResp, [
      String(port),
      transport.toLowerCase(),
      ...loadArguments(load),
      ...more,
    ]);
  return {
    name: `${server} (${transport})`,
    fill: (load) => void own(fillOf(load), "fill"),
    run: (load) =>
      load.ratePerS === undefined ? peerBenchmark(server, port, secure, load) : own(load),
    ...stopsAndCosts(process),
  };
}

/**
 * valkey-benchmark and redis-benchmark can't mix commands: GETs run first, then SETs, and their
 * times are added up. The percentiles are those of the GETs; none above 99 is reported.
 */
function peerBenchmark(
  server: string,
  port: number,
  secure: readonly string[],
  load: Load,
): Outcome {
  const reads = Math.round(load.count * load.readPercent / 100);
  const run = (test: string, count: number) => {
    const { stdout } = spawnSync(`${server}-benchmark`, [
      ...["-p", String(port), ...secure, "-c", String(load.outstanding), "-n", String(count)],
      ...["-d", String(load.valueBytes), "-r", String(load.keys), "-t", test, "--csv"],
    ], { encoding: "utf8" });
    const [head, row] = stdout.trim().split("\n").slice(-2).map((line) =>
      line.split(",").map((cell) => cell.replaceAll('"', ""))
    );
    return (name: string) => Number(row[head.indexOf(name)]);
  };
  const get = reads > 0 ? run("get", reads) : null;
  const set = reads < load.count ? run("set", load.count - reads) : null;
  const seconds = (get === null ? 0 : reads / get("rps")) +
    (set === null ? 0 : (load.count - reads) / set("rps"));
  const most = get ?? set ?? (() => Number.NaN);
  return {
    perSecond: load.count / seconds,
    p50Us: most("p50_latency_ms") * 1_000,
    p99Us: most("p99_latency_ms") * 1_000,
    p999Us: Number.NaN,
    retransmissions: 0,
  };
}

function fillOf(load: Load): Load {
  const { ratePerS: _, isEachClient: __, ...rest } = load;
  return { ...rest, count: load.keys, outstanding: 64 };
}

function loadArguments(load: Load): string[] {
  const { count, outstanding, readPercent, keys, valueBytes, ratePerS } = load;
  const numbers = [count, outstanding, readPercent, keys, valueBytes];
  return [...numbers, ...(ratePerS === undefined ? [] : [ratePerS])].map(String);
}

function outcomeOf(program: string, args: readonly string[], env = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", env });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  return readOutcome(program, stdout);
}

async function outcomeLater(program: string, args: readonly string[], env = {}): Promise<Outcome> {
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  let stdout = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  await new Promise((resolve) => child.once("close", resolve));
  return readOutcome(program, stdout);
}

function readOutcome(program: string, stdout: string): Outcome {
  const outcome = JSON.parse(stdout);
  if (outcome.other + outcome.notFound > 0) {
    throw new Error(`${program}: ${outcome.other} errors, ${outcome.notFound} keys not found`);
  }
  return outcome;
}

function stopsAndCosts(server: ChildProcess): Pick<Peer, "cpuUs" | "stop"> {
  return { cpuUs: () => cpuUsOf(server), stop: () => void server.kill("SIGKILL") };
}
