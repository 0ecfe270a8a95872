/** The options for the data folder and for the durability of its contents. */

import { choiceOf, type Input, type Options } from "./command.ts";
import { parseDuration } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

const DEFAULT_SYNC_INTERVAL = "100ms";

/** For commands that read or fill a folder. */
export const DATA_DIR_OPTION = {
  "data-dir": { type: "string", value: "DIR", help: "the data folder of a server" },
} as const satisfies Options;

/** For a server. */
export const JOURNAL_OPTIONS = {
  "data-dir": {
    type: "string",
    value: "DIR",
    help: "keep the stored keys in this folder, so that they survive a restart",
  },
  durability: {
    type: "string",
    value: "MODE",
    help: "confirmed (default): answer changes once on disk; relaxed: at once",
  },
  "sync-interval": {
    type: "string",
    value: "TIME",
    help: `what a crash may lose if relaxed (default: ${DEFAULT_SYNC_INTERVAL})`,
  },
} as const satisfies Options;

/** @throws UsageError if an option that needs a folder was given without one */
export function dataFolderOf(input: Input): string | undefined {
  const folder = input.text("data-dir");
  if (folder === "") throw new UsageError("--data-dir lacks a folder");
  for (const option of ["durability", "sync-interval"]) {
    if (folder === undefined && input.text(option) !== undefined) {
      throw new UsageError(`--${option} goes with --data-dir`);
    }
  }
  return folder;
}

/** How many ms of changes a crash may lose; 0 for confirmed changes. */
export function syncIntervalOf(input: Input): number {
  const text = input.text("sync-interval");
  if (choiceOf(input, "durability", ["confirmed", "relaxed"]) === "relaxed") {
    return parseDuration("--sync-interval", text ?? DEFAULT_SYNC_INTERVAL);
  }
  if (text === undefined) return 0;
  throw new UsageError("--sync-interval goes with --durability relaxed");
}
