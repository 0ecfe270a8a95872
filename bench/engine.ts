/**
 * A gateway before a Cluster beside a client that speaks to the Cluster itself, and a sidecar before two
 * servers beside the library on Node; in turns, medians of several rounds. Needs cc, a RESP server and its
 * benchmark, and `npm run build`.
 *
 *     npm run bench:engine -- [--rounds 5] [--json]
 */

import { type ChildProcess, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { encodeKey, generateKey } from "../src/protocol/keys.ts";
import { ENGINE, startCluster } from "../tests/end_to_end/engines.ts";
import { freePort, freshEnvironment } from "../tests/end_to_end/programs.ts";
import type { Rates } from "./clients/measured.ts";
import { KEY, type Order } from "./clients/library.ts";
import { compileTools, datagramPeer, type Load } from "./peer_programs.ts";
import { cpuUsOf, startKilogram } from "./processes.ts";
import { medians, table } from "./report.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, json: { type: "boolean" } },
});

const ROUNDS = Number(values.rounds);
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const VALUE_BYTES = 100;
const KEYS = 10_000;
const COUNTS = { 1: 15_000, 64: 150_000 } as const;
const SECONDS = 3;

interface Measured {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

interface Costed extends Measured {
  readonly gatewayUs: number;
  readonly engineUs: number;
}

const folder = mkdtempSync(join(tmpdir(), "kilogram-bench-"));
const env = { ...freshEnvironment(), KG_KEY: encodeKey(generateKey()) };
const started: ChildProcess[] = [];

/** The engine's own benchmark, at a Cluster or at a gateway's door. */
function benchmark(port: number, isCluster: boolean, clients: 1 | 64): Measured {
  const args = [
    ...["-p", String(port), "-t", "get", "-n", String(COUNTS[clients]), "-c", String(clients)],
    ...["-d", String(VALUE_BYTES), "-r", String(KEYS), "--csv", ...isCluster ? ["--cluster"] : []],
  ];
  const { stdout, status, stderr } = spawnSync(`${ENGINE}-benchmark`, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const lines = stdout.trim().split("\n").map((line) =>
    line.split(",").map((cell) => cell.replaceAll('"', ""))
  );
  const head = lines.find((cells) => cells.includes("rps")) ?? [];
  const row = lines.at(-1) ?? [];
  const number = (name: string) => Number(row[head.indexOf(name)]);
  return {
    perSecond: number("rps"),
    p50Us: number("p50_latency_ms") * 1_000,
    p99Us: number("p99_latency_ms") * 1_000,
  };
}

async function measureGateways() {
  const cluster = await startCluster();
  const [{ port }] = cluster.nodes;
  const respPort = await freePort();
  const gateway = await startKilogram(env, [
    ...["--backend", `redis://127.0.0.1:${port}`, "--resp", `127.0.0.1:${respPort}`],
  ]);
  started.push(gateway.server);
  const peer = datagramPeer(
    "gateway",
    compileTools(folder),
    gateway.server,
    gateway.port,
    env.KG_KEY,
  );
  const loadOf = (outstanding: 1 | 64): Load => ({
    ...{ name: "gets", outstanding, count: COUNTS[outstanding], keys: KEYS },
    ...{ valueBytes: VALUE_BYTES, readPercent: 100, isEachClient: outstanding > 1 },
  });
  peer.fill(loadOf(64));
  const fill = ["-p", String(port), "-t", "set", "-n", String(10 * KEYS), "-r", String(KEYS)];
  spawnSync(`${ENGINE}-benchmark`, [...fill, "-d", String(VALUE_BYTES), "--cluster"]);
  const rounds = [];
  const engines = cluster.nodes.map(({ process }) => process);
  const cpuUs = () => engines.reduce((sum, engine) => sum + cpuUsOf(engine), 0);
  /** What a measurement costs the gateway and the engine's nodes, in µs of processor time an operation. */
  const costed = (outstanding: 1 | 64, measure: () => Measured): Costed => {
    const before = [cpuUsOf(gateway.server), cpuUs()];
    const measured = measure();
    const after = [cpuUsOf(gateway.server), cpuUs()];
    const [gatewayUs, engineUs] = after.map((us, i) => (us - before[i]) / COUNTS[outstanding]);
    return { ...measured, gatewayUs, engineUs };
  };
  for (let round = 0; round <= ROUNDS; round++) {
    const measured = {
      direct1: costed(1, () => benchmark(port, true, 1)),
      resp1: costed(1, () => benchmark(respPort, false, 1)),
      udp1: costed(1, () => shown(peer.run(loadOf(1)))),
      direct64: costed(64, () => benchmark(port, true, 64)),
      resp64: costed(64, () => benchmark(respPort, false, 64)),
      udp64: costed(64, () => shown(peer.run(loadOf(64)))),
    };
    // The first round is a warm-up.
    if (round > 0) rounds.push(measured);
  }
  await cluster.stop();
  return medians(rounds);
}

function shown({ perSecond, p50Us, p99Us }: Measured): Measured {
  return { perSecond, p50Us, p99Us };
}

/** node-redis through a Unix socket to a sidecar, and the library on Node, both before two servers. */
async function measureSidecar() {
  const names = ["cache-1", "cache-2"];
  const servers = [];
  for (const name of names) {
    const server = await startKilogram(env, ["--name", name, "--memory", "64MiB"]);
    started.push(server.server);
    servers.push(`${name}=127.0.0.1:${server.port}`);
  }
  const list = servers.join(",");
  const path = join(folder, "kg.sock");
  const sidecar = await startKilogram(env, ["--backend", `kg://${list}`, "--resp", `unix:${path}`]);
  started.push(sidecar.server);
  const cli = join(ROOT, "src", "cli.ts");
  spawnSync(process.execPath, [cli, "set", KEY, "v".repeat(VALUE_BYTES), "--server", list], {
    env,
  });
  const program = bundle();
  const measure = (order: Pick<Order, "library" | "server">): Rates => {
    const whole: Order = {
      ...{ measure: "load", startedAtMs: Date.now(), seconds: SECONDS, ...order },
      module: pathToFileURL(join(ROOT, "dist", "mod.js")).href,
    };
    const { stdout, stderr } = spawnSync("node", [program, JSON.stringify(whole)], {
      env,
      encoding: "utf8",
    });
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({
      library: measure({ library: "kilogram", server: list }),
      sidecar: measure({ library: "redis", server: `unix:${path}` }),
    });
  }
  return medians(rounds);
}

function bundle(): string {
  const entry = join(ROOT, "bench", "clients", "measured.ts");
  const args = ["build", entry, "--target=node", "--outdir", folder, "--entry-naming=measured.mjs"];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return join(folder, "measured.mjs");
}

function report(
  gateways: Awaited<ReturnType<typeof measureGateways>>,
  { library, sidecar }: Awaited<ReturnType<typeof measureSidecar>>,
): void {
  const row = (name: string, measured: Measured, first: Measured) => [
    name,
    `${(measured.perSecond / 1_000).toFixed(1)} k`,
    measured.p50Us.toFixed(0),
    measured.p99Us.toFixed(0),
    `${(measured.perSecond / first.perSecond).toFixed(2)}, ${
      (measured.p50Us / first.p50Us).toFixed(2)
    }`,
  ];
  const head = ["GETs", "a second", "p50 µs", "p99 µs", "throughput, p50 to the first"];
  const { direct1, resp1, udp1, direct64, resp64, udp64 } = gateways;
  const costs = (name: string, measured: Costed, first: Costed) => [
    ...row(name, measured, first),
    `${measured.gatewayUs.toFixed(1)}, ${measured.engineUs.toFixed(1)}`,
  ];
  console.log(table([
    [...head, "CPU µs: gateway, engine"],
    costs("one outstanding, at the Cluster", direct1, direct1),
    costs("… through the RESP door", resp1, direct1),
    costs("… by the encrypted wire", udp1, direct1),
    costs("64 clients, at the Cluster", direct64, direct64),
    costs("… through the RESP door", resp64, direct64),
    costs("… by the encrypted wire", udp64, direct64),
  ]));
  const inUs = ({ perSecond, p50Ms, p99Ms }: Rates["single"]) => ({
    perSecond,
    p50Us: p50Ms * 1_000,
    p99Us: p99Ms * 1_000,
  });
  console.log(table([
    head,
    row("one outstanding, the library on Node", inUs(library.single), inUs(library.single)),
    row("… node-redis and a sidecar", inUs(sidecar.single), inUs(library.single)),
    row("64 outstanding, the library on Node", inUs(library.many), inUs(library.many)),
    row("… node-redis and a sidecar", inUs(sidecar.many), inUs(library.many)),
  ]));
}

try {
  const gateways = await measureGateways();
  const sidecar = await measureSidecar();
  if (values.json) console.log(JSON.stringify({ gateways, sidecar }));
  else report(gateways, sidecar);
} finally {
  for (const each of started) each.kill("SIGKILL");
}
