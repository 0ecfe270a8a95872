/** What a run of `kg bench` has measured, and whether it was the server that was measured. */

import type { Measured } from "../load/measured.ts";
import { bareMs } from "./bench_numbers.ts";
import type { Plan } from "./bench_plan.ts";
import type { Signal } from "./bench_stop.ts";

export interface Result {
  readonly plan: Plan;
  /** As it was given: one, or a list. */
  readonly server: string;
  /** When the measuring began. */
  readonly startedAt: Date;
  readonly measured: Measured;
  readonly elapsedMs: number;
  readonly retransmissions: number;
  /** Processor time this process used while measuring, as a share of one processor. */
  readonly ownCpuShare: number;
  /** What ended the measuring early. */
  readonly interruptedBy: Signal | null;
}

/** From here on a closed loop has probably measured this process, not the server. */
const BUSY_CPU_SHARE = 0.9;
/** An open loop that starts one request in a thousand later than this measures its own delays. */
const LATE_MS = 1;
export const LATE_PERCENTILE = 99.9;

/** Why the numbers may reflect this process, not the server; null without a sign of that. */
export function bottleneckOf({ plan, measured, ownCpuShare }: Result): string | null {
  if (plan.ratePerS !== null) {
    const lateMs = measured.latenessMs(LATE_PERCENTILE) ?? 0;
    if (lateMs < LATE_MS) return null;
    return `this process started one request in a thousand ${bareMs(lateMs)} ms or more after it ` +
      "was due: the latencies include its own delays";
  }
  if (ownCpuShare < BUSY_CPU_SHARE * plan.threads) return null;
  return "this process is busy all the time: the server may be faster than measured. " +
    "Use more --threads, or other machines";
}
