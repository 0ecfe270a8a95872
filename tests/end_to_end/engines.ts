/** Real engines for tests: a single one, also with a password and TLS, and a Cluster. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./programs.ts";

const START_BOUND_MS = 30_000;

/** The server to stand before; undefined if this machine has none. */
export const ENGINE = ["valkey", "redis"].find((name) =>
  spawnSync(`${name}-server`, ["--version"]).status === 0
);

export interface RunningEngine {
  readonly port: number;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

const COMMON = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"];

export async function startEngine(
  args: readonly string[] = [],
  port?: number,
): Promise<RunningEngine> {
  const own = port ?? await freePort();
  const dir = mkdtempSync(join(tmpdir(), "kilogram-engine-"));
  const place = args.includes("--tls-port") ? [] : ["--port", String(own)];
  const child = spawn(`${ENGINE}-server`, [...COMMON, "--dir", dir, ...place, ...args], {
    stdio: "ignore",
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const listened = args.includes("--tls-port") ? Number(args[args.indexOf("--tls-port") + 1]) : own;
  await listening(listened);
  const stop = async () => {
    if (child.pid !== undefined && child.exitCode === null) child.kill("SIGKILL");
    await exited;
  };
  return { port: listened, process: child, stop };
}

/** Waits until something listens at a port of this machine. */
export async function listening(port: number): Promise<void> {
  const deadline = Date.now() + START_BOUND_MS;
  while (!await canConnect(port)) {
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

export interface TlsEngine extends RunningEngine {
  /** The file with the certificate that it has, which signed itself, for localhost. */
  readonly certificate: string;
}

/** Only by TLS, and with a password for the default user. */
export async function startTlsEngine(password: string): Promise<TlsEngine> {
  const folder = mkdtempSync(join(tmpdir(), "kilogram-tls-"));
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate],
    ...["-subj", "/CN=localhost", "-days", "2", "-addext", "subjectAltName=DNS:localhost"],
  ]);
  const port = await freePort();
  const engine = await startEngine([
    ...["--port", "0", "--tls-port", String(port), "--requirepass", password],
    ...["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate],
    ...["--tls-auth-clients", "no"],
  ]);
  return { ...engine, certificate };
}

export interface Cluster {
  /** Three primaries and three replicas. */
  readonly nodes: RunningEngine[];
  /** Runs a command at a node. */
  ask(port: number, ...words: string[]): string;
  stop(): Promise<void>;
}

/** Three primaries and three replicas. */
const NODES = 6;
/** A node's other port, for the Cluster itself, is so much higher. */
const BUS = 10_000;

/** The first of some ports in a row that are free, and so are those of the bus. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 12_000);
    const ports = Array.from({ length: count }, (_, i) => [base + i, base + i + BUS]).flat();
    if ((await Promise.all(ports.map(isFree))).every((each) => each)) return base;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

export async function startCluster(): Promise<Cluster> {
  const base = await freePorts(NODES);
  const nodes = await Promise.all(
    Array.from({ length: NODES }, (_, i) =>
      startEngine([
        ...["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"],
        // Slots whose node lives are served while others have none.
        ...["--cluster-require-full-coverage", "no"],
        ...["--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"],
      ], base + i)),
  );
  const places = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const made = spawnSync(`${ENGINE}-cli`, [
    ...["--cluster", "create", ...places, "--cluster-replicas", "1", "--cluster-yes"],
  ], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stdout + made.stderr);
  const ask = (port: number, ...words: string[]) =>
    spawnSync(`${ENGINE}-cli`, ["-p", String(port), ...words], { encoding: "utf8" }).stdout.trim();
  const deadline = Date.now() + START_BOUND_MS;
  while (!nodes.every(({ port }) => ask(port, "CLUSTER", "INFO").includes("cluster_state:ok"))) {
    if (Date.now() > deadline) throw new Error("the Cluster does not become ready");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  return { nodes, ask, stop };
}
