/** Servers as separate processes: which are installed, and their processor time. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../tests/end_to_end/programs.ts";

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
/** Ticks a second of the clock of /proc/PID/stat: USER_HZ, the same on every Linux. */
const TICKS_A_SECOND = 100;
const START_MS = 1_000;

/** The server to compare with, as the prefix of its programs' names. */
export function installedRespServer(): "valkey" | "redis" | undefined {
  return (["valkey", "redis"] as const).find((name) =>
    spawnSync(`${name}-server`, ["--version"]).status === 0
  );
}

/**
 * Starts `kg serve` from its source.
 * @param env with the key
 * @returns the process, and its port on 127.0.0.1
 */
export async function startKilogram(
  env: NodeJS.ProcessEnv,
  options: readonly string[],
): Promise<{ server: ChildProcess; port: number }> {
  const port = await freePort();
  const args = [CLI, "serve", "--listen", `127.0.0.1:${port}`, ...options];
  const server = spawn(process.execPath, args, { env, stdio: "ignore" });
  await started();
  return { server, port };
}

export interface RespServer {
  readonly server: ChildProcess;
  /** Ports. */
  readonly plain: number;
  readonly tls: number;
  /** The file with the certificate, which it signed itself, for localhost and 127.0.0.1. */
  readonly certificate: string;
}

/** Starts a server, in memory only, with two ports. */
export async function startRespServer(name: string, folder: string): Promise<RespServer> {
  const [plain, tls] = [await freePort(), await freePort()];
  const certificate = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate],
    ...["-subj", "/CN=localhost", "-days", "2"],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
  ]);
  const server = spawn(`${name}-server`, [
    ...["--port", String(plain), "--tls-port", String(tls), "--save", "", "--appendonly", "no"],
    ...["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate],
    ...["--tls-auth-clients", "no", "--dir", folder],
  ], { stdio: "ignore" });
  await started();
  return { server, plain, tls, certificate };
}

/** Processor time of all threads of a process so far. */
export function cpuUsOf({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [, , ...fields] = stat.slice(stat.lastIndexOf(")")).split(" ");
  // Fields 14 and 15 of proc(5); the fields before the fourth are cut off.
  return (Number(fields[10]) + Number(fields[11])) / TICKS_A_SECOND * 1e6;
}

/** Waits for a new server to answer: none of these servers takes a tenth of this time. */
export function started(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, START_MS));
}
