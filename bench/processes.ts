/** Servers as processes of their own: which there are, and what they cost. */

import { type ChildProcess, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** So many a second of /proc/PID/stat's clock: USER_HZ, the same on every Linux. */
const TICKS_A_SECOND = 100;
const START_MS = 1_000;

/** The server to compare with, as the name that its programs begin with. */
export function installedRespServer(): "valkey" | "redis" | undefined {
  return (["valkey", "redis"] as const).find((name) =>
    spawnSync(`${name}-server`, ["--version"]).status === 0
  );
}

/** Processor time of a process so far, all its threads. */
export function cpuUsOf({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [, , ...fields] = stat.slice(stat.lastIndexOf(")")).split(" ");
  // Fields 14 and 15 of proc(5), of which those before the fourth are cut off.
  return (Number(fields[10]) + Number(fields[11])) / TICKS_A_SECOND * 1e6;
}

/** Until a server that has just been started answers: none of these takes a tenth of it. */
export function started(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, START_MS));
}
