/**
 * The thread that commits: it has the file, and does one thing at a time. When enough was committed it
 * folds that, a step between two commits, each of more keys than the commits since have changed.
 */

import { parentPort, workerData } from "node:worker_threads";
import { DataFile } from "./file.ts";
import { Fold } from "./fold.ts";
import { DataFolderError, problemOf } from "./problem.ts";

/** Changes to commit; null asks the thread to end. */
export type Task = Uint8Array<ArrayBuffer> | null;

/** What it answers, also when it has started: null, or why not. */
export type Answer = string | null;

/** Batches of so many bytes are folded. */
const FOLD_BYTES = 8 * 1024 * 1024;
/** Keys that a step folds at least, and bytes that were committed for each more. */
const STEP_KEYS = 256;
const BYTES_A_KEY = 32;
/** How long after a step that failed the next is tried. */
const RETRY_MS = 1_000;

let file: DataFile;
let fold: Fold | null = null;
let unfoldedBytes = 0;
let bytesSinceStep = 0;

function answer(run: () => void): boolean {
  try {
    run();
    parentPort?.postMessage(null);
    return true;
  } catch (error) {
    const problem = error instanceof DataFolderError ? error.message : problemOf(error);
    parentPort?.postMessage(problem);
    return false;
  }
}

function commit(changes: Uint8Array): void {
  if (!answer(() => file.commit(changes))) return;
  unfoldedBytes += changes.length;
  bytesSinceStep += changes.length;
  if (fold !== null || unfoldedBytes < FOLD_BYTES) return;
  fold = new Fold(file);
  unfoldedBytes = 0;
  setImmediate(step);
}

function step(): void {
  const keys = STEP_KEYS + Math.ceil(bytesSinceStep / BYTES_A_KEY);
  bytesSinceStep = 0;
  try {
    if (!fold?.step(keys, Date.now())) fold = null;
    if (fold !== null) setImmediate(step);
  } catch {
    // A full disk, or one that fails: whoever commits hears of it. The fold begins anew.
    fold = new Fold(file);
    setTimeout(step, RETRY_MS);
  }
}

if (
  answer(() => {
    file = DataFile.open(workerData as string);
  })
) {
  parentPort?.on("message", (task: Task) => {
    if (task !== null) {
      commit(task);
      return;
    }
    fold = null;
    answer(() => file.close());
    parentPort?.close();
  });
}
