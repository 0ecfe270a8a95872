/** How many descriptors the process may open: on Linux from proc(5), elsewhere from Node. */

import { readFileSync } from "node:fs";

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft: number | "unlimited" } };
}

/** Infinity for no limit, and where the limit is unknown. */
export function descriptorLimit(): number {
  try {
    return parseLimits(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    const { report } = process as { report?: { getReport?: () => unknown } };
    const { userLimits } = (report?.getReport?.() ?? {}) as Report;
    return Number(userLimits?.open_files?.soft) || Number.POSITIVE_INFINITY;
  }
}

/** Exported for its test: the soft limit of open files in the text of a process's limits. */
export function parseLimits(text: string): number {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(text) ?? [];
  return Number(soft) || Number.POSITIVE_INFINITY;
}
