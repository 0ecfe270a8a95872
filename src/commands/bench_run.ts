/** A run of `kg bench`: the keys are set, the load warms up, and then it is measured. */

import process from "node:process";
import type { Calls } from "../client.ts";
import type { Extent } from "../load/loops.ts";
import type { Measured } from "../load/measured.ts";
import type { Share, Task } from "./bench_load.ts";
import { Live } from "./bench_live.ts";
import type { Plan } from "./bench_plan.ts";
import type { Result } from "./bench_result.ts";
import type { Interruption } from "./bench_stop.ts";
import { type Loads, openLoads } from "./bench_threads.ts";
import { Exit } from "./command.ts";
import { atEachServer } from "./each_server.ts";
import { complain } from "./output.ts";

const FOR_EVER = Number.POSITIVE_INFINITY;

/**
 * Servers that do not answer are reported at once, with the likely cause.
 * @returns an exit status if none answers, or null
 * @throws the error of a lone server
 */
export async function checkAnswers(calls: Calls<true>): Promise<number | null> {
  const { results, errors } = await atEachServer(calls, (one) => one.ping());
  if (calls.servers().length === 1) { for (const error of errors.values()) throw error; }
  for (const { name, address } of calls.servers()) {
    const error = errors.get(name ?? address);
    if (error !== undefined) {
      complain(`kg bench: ${name === undefined ? "" : `${name}, `}${address}: ${error.message}`);
    }
  }
  return results.size === 0 ? Exit.NO_ANSWER : null;
}

/** @returns null if it was stopped before anything was measured */
export async function measure(
  plan: Plan,
  share: Share,
  interruption: Interruption,
): Promise<Result | null> {
  const loads = await openLoads(share, plan.threads);
  try {
    await prepare(plan, loads, interruption.stop);
    if (interruption.stop.aborted) return null;
    const startedAt = new Date();
    const resentBefore = loads.retransmissions;
    const cpuBefore = process.cpuUsage();
    const { measured, elapsedMs } = await step("measuring", plan.extent, loads, interruption.stop);
    const cpu = process.cpuUsage(cpuBefore);
    return {
      ...{ plan, server: share.server, startedAt, measured, elapsedMs },
      retransmissions: loads.retransmissions - resentBefore,
      ownCpuShare: (cpu.user + cpu.system) / 1_000 / elapsedMs,
      interruptedBy: interruption.signal,
    };
  } finally {
    loads.close();
  }
}

async function prepare(plan: Plan, loads: Loads, stop: AbortSignal): Promise<void> {
  const { workload, warmUpMs, isFilled } = plan;
  if (isFilled) {
    const { measured } = await step("setting the keys", workload.keys, loads, stop);
    warnOfFailures(measured, workload.keys);
  }
  if (warmUpMs > 0) {
    await step("warming up", { durationMs: warmUpMs, count: FOR_EVER }, loads, stop);
  }
}

/** @param extent of the load, or how many keys are set */
async function step(
  what: string,
  extent: Extent | number,
  loads: Loads,
  stop: AbortSignal,
): Promise<{ measured: Measured; elapsedMs: number }> {
  const isFill = typeof extent === "number";
  const task: Task = isFill ? "fill" : extent;
  const shown = isFill ? { durationMs: FOR_EVER, count: extent } : extent;
  const live = new Live(what, shown, what === "measuring", stop);
  try {
    await loads.run(task, live.measured, stop);
  } finally {
    live.end();
  }
  const { measured, elapsedMs } = live;
  measured.end(elapsedMs);
  return { measured, elapsedMs };
}

function warnOfFailures({ writes }: Measured, keys: number): void {
  for (const [code, count] of writes.failures) {
    complain(`kg bench: ${count} of ${keys} keys could not be set first (${code})`);
  }
}
