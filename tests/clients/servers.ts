/** A real server and kg beside each other, both empty, for the same programs. */

import { spawn } from "node:child_process";
import { listening } from "../end_to_end/engines.ts";
import { freePort, freshEnvironment, startServer } from "../end_to_end/programs.ts";

export interface Servers {
  /** Ports of 127.0.0.1. */
  readonly real: number;
  readonly kg: number;
  stop(): Promise<void>;
}

/** @param program a real server of RESP */
export async function startServers(program: string): Promise<Servers> {
  const real = await freePort();
  // With the limits that kg has: one database, and values of 1 MiB.
  const theirs = spawn(program, [
    ...["--port", String(real), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    ...["--databases", "1", "--proto-max-bulk-len", "1mb"],
  ], { stdio: "ignore" });
  const ours = await startServer(freshEnvironment(), ["--resp", "127.0.0.1:0"]);
  await listening(real);
  const stop = async () => {
    theirs.kill("SIGKILL");
    await ours.stop("SIGKILL");
  };
  return { real, kg: Number(ours.doors("resp")[0].split(":").at(-1)), stop };
}
