/** The thread that commits: it has the file, and does one thing at a time. */

import { parentPort, workerData } from "node:worker_threads";
import { readChanges } from "../../journal/change.ts";
import { DataFile } from "./file.ts";
import { DataFolderError, problemOf } from "./problem.ts";

/** What the thread is asked to commit; null asks it to end. */
export type Task = {
  readonly changes: Uint8Array<ArrayBuffer>;
  readonly wallNowMs: number;
} | null;

/** What it answers, also when it has started: null, or why not. */
export type Answer = string | null;

function answer(run: () => void): void {
  let problem: Answer = null;
  try {
    run();
  } catch (error) {
    problem = error instanceof DataFolderError ? error.message : problemOf(error);
  }
  parentPort?.postMessage(problem);
}

let file: DataFile | undefined;

answer(() => {
  file = DataFile.open(workerData as string);
});

parentPort?.on("message", (task: Task) => {
  answer(() => {
    if (task === null) file?.close();
    else file?.commit(readChanges(task.changes), task.wallNowMs);
  });
  if (task === null) parentPort?.close();
});
