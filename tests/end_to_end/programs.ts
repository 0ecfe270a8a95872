/** Starts kg as a process of its own, on the runtime that runs the tests, and as compiled. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as library from "../../src/mod.ts";
import { encodeKey, generateKey } from "../../src/protocol/keys.ts";

/** The tests run from the project's own folder. */
const ROOT = process.cwd();
const START_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

export const COMPILED = join(ROOT, "dist", "kg");

const runtimeName = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** What starts kg on this runtime. */
export const KG: readonly string[] = {
  bun: [process.execPath, join(ROOT, "src/cli.ts")],
  deno: [process.execPath, "run", "-A", join(ROOT, "src/cli.ts")],
  node: [process.execPath, join(ROOT, "dist/cli.js")],
}[runtimeName];

/** The library as this runtime's users get it: from source, or on Node from dist. */
export const LIBRARY = runtimeName === "node" ? "dist/mod.js" : "src/mod.ts";

export function importLibrary(): Promise<typeof library> {
  if (!existsSync(join(ROOT, LIBRARY))) throw new Error(`${LIBRARY} is missing: npm run build`);
  return import(pathToFileURL(join(ROOT, LIBRARY)).href);
}

/** A fresh environment: an empty home, and a key. */
export function freshEnvironment(): NodeJS.ProcessEnv {
  const home = mkdtempSync(join(tmpdir(), "kilogram-home-"));
  const { PATH, DENO_DIR, HOME } = process.env;
  const denoDir = DENO_DIR ?? (HOME && join(HOME, ".cache/deno"));
  return {
    PATH,
    ...(denoDir ? { DENO_DIR: denoDir } : {}),
    HOME: home,
    XDG_CONFIG_HOME: join(home, ".config"),
    KG_KEY: encodeKey(generateKey()),
  };
}

export interface RunningServer {
  /** Every address that the server listens on. */
  readonly addresses: readonly string[];
  readonly process: ChildProcess;
  /** Where the server's doors of a kind listen: host:port or unix:path. */
  doors(kind: "line" | "resp"): string[];
  /** Everything that the server has printed so far. */
  output(): string;
  /** Sends a signal and returns the exit status. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Runs kg serve on a free port until it listens. */
export async function startServer(
  env: NodeJS.ProcessEnv,
  args: readonly string[] = [],
  program: readonly string[] = KG,
): Promise<RunningServer> {
  const listen = args.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  const [file, ...rest] = [...program, "serve", ...listen, ...args];
  const child = spawn(file, rest, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const addresses = await listening(child, () => output);
  const stop = (signal: NodeJS.Signals = "SIGTERM") => {
    // Not child.kill: with that, Deno reports no exit status.
    if (child.pid !== undefined) process.kill(child.pid, signal);
    return exited;
  };
  const doors = (kind: string) =>
    [...output.matchAll(new RegExp(`${kind} at ([^,\\n]+)`, "g"))].map(([, place]) => place);
  return { addresses, process: child, doors, output: () => output, stop };
}

async function listening(child: ChildProcess, output: () => string): Promise<string[]> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    const addresses = /listens on (.*)\n(?=[^]*memory)/.exec(output())?.[1];
    if (addresses !== undefined) return addresses.split(", ");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill("SIGKILL");
  throw new Error(`kg serve did not start: ${output()}`);
}

/** A free port of 127.0.0.1, for a program that must be given one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly text: string;
  readonly stderr: string;
}

/** Runs one kg command to its end. */
export function kg(
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  options: { input?: Uint8Array | string; program?: readonly string[]; cwd?: string } = {},
): Finished {
  const { program = KG, input = "", cwd } = options;
  const [file, ...rest] = [...program, ...args];
  const { status, stdout, stderr } = spawnSync(file, rest, {
    env,
    input,
    cwd,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  return { status, stdout, text: stdout.toString(), stderr: stderr.toString() };
}
