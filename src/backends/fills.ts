/** Outcomes of jobs, from what came over a network. */

import type { Job } from "../execute/executor.ts";
import { copyRun } from "../store/copy.ts";
import { NONE, type Result } from "../store/store.ts";
import type { Fill } from "./later_executor.ts";

/** @param value null for none @param expiresAtMs on the store's clock; 0 for never */
export function outcome(
  result: Result,
  value: Uint8Array | null = null,
  expiresAtMs = 0,
): Fill {
  return (job) => {
    job.result = result;
    putFound(job, value, expiresAtMs);
  };
}

function putFound({ found }: Job, value: Uint8Array | null, expiresAtMs: number): void {
  found.expiresAtMs = expiresAtMs;
  found.length = value?.length ?? NONE;
  if (value === null || value.length > found.room) return;
  if (found.grows && found.bytes.length < found.start + value.length) {
    found.bytes = new Uint8Array(found.start + value.length);
  }
  copyRun(value, 0, found.bytes, found.start, value.length);
}
