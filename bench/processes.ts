/** Servers as separate processes: which are installed, and their processor time. */

import { type ChildProcess, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Ticks a second of the clock of /proc/PID/stat: USER_HZ, the same on every Linux. */
const TICKS_A_SECOND = 100;
const START_MS = 1_000;

/** The server to compare with, as the prefix of its programs' names. */
export function installedRespServer(): "valkey" | "redis" | undefined {
  return (["valkey", "redis"] as const).find((name) =>
    spawnSync(`${name}-server`, ["--version"]).status === 0
  );
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
