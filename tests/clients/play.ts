/** Runs the program of a client, which prints what it sees (programs/steps.mjs). */

import { spawn } from "node:child_process";

/** A step takes at most ten seconds, and after the first one that does, the program ends. */
const PROGRAM_BOUND_MS = 60_000;

/** A step of a program, and what came of it: a result, a refusal as expected, or a failure. */
export interface Seen {
  readonly step: string;
  readonly is?: unknown;
  readonly refused?: unknown;
  readonly failed?: unknown;
}

export async function play([program, ...args]: readonly string[]): Promise<Seen[]> {
  // In a group of its own, so that what it starts ends with it.
  const child = spawn(program, args, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => output[name] += text);
  }
  const killAll = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // They have all ended.
    }
  };
  const timer = setTimeout(killAll, PROGRAM_BOUND_MS);
  await new Promise((resolve) => child.once("close", resolve).once("error", resolve));
  clearTimeout(timer);
  killAll();
  const failed = `${program} ${args.join(" ")} did not end as it should: ${output.stderr}`;
  return parsed(output.stdout) ?? [{ step: "the program", failed }];
}

/** The last line, since libraries may print as well. */
function parsed(output: string): Seen[] | null {
  try {
    return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "");
  } catch {
    return null;
  }
}
