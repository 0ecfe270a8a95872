/**
 * The thread that commits: it has the file, and does one thing at a time. What came while it was busy
 * is one commit. When enough was committed it folds that, a step between two commits, each of more than
 * the commits since have brought.
 */

import { parentPort, workerData } from "node:worker_threads";
import { DataFile } from "./file.ts";
import { Fold } from "./fold.ts";
import { DataFolderError, problemOf } from "./problem.ts";

export interface Task {
  /** To be committed; null asks the thread to end. */
  readonly changes: Uint8Array<ArrayBuffer> | null;
  /** A higher number than before says that whoever asks knows of the last failure. */
  readonly attempt: number;
}

/** What it answers, also when it has started. */
export interface Answer {
  /** How many of the oldest tasks this is about; none for a problem of the thread's own. */
  readonly tasks: number;
  /** Null, or why they were not done. */
  readonly problem: string | null;
  /** The attempt that failed last. */
  readonly attempt: number;
}

/** Batches of so many bytes are folded. */
const FOLD_BYTES = 8 * 1024 * 1024;
/** Keys that a step folds at least, and bytes that were committed for each more. */
const STEP_KEYS = 256;
const BYTES_A_KEY = 32;
/** How long after a step that failed the next is tried. */
const RETRY_MS = 1_000;

let file: DataFile;
/** Whether a step is to come; the fold begins with the first. */
let isFolding = false;
let fold: Fold | null = null;
let unfoldedBytes = 0;
let bytesSinceStep = 0;
let batchesSinceStep = 0;
/** What is to be committed next. */
let waiting: Uint8Array[] = [];
/** The last failure, and of which attempt that was. */
let failed = { attempt: -1, problem: "" };

function answer(tasks: number, problem: string | null): void {
  parentPort?.postMessage({ tasks, problem, attempt: failed.attempt } satisfies Answer);
}

/** @returns what was wrong, or null */
function attempt(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return error instanceof DataFolderError ? error.message : problemOf(error);
  }
}

function take({ changes, attempt: number }: Task): void {
  if (changes === null) {
    answer(1, attempt(() => file.close()));
  } else if (number <= failed.attempt) {
    // It was built upon what failed.
    answer(1, failed.problem);
  } else {
    if (waiting.length === 0) setImmediate(() => commit(number));
    waiting.push(changes);
  }
}

/** Commits all that waits. */
function commit(number: number): void {
  const batches = waiting;
  waiting = [];
  const problem = attempt(() => file.commit(batches));
  if (problem !== null) failed = { attempt: number, problem };
  answer(batches.length, problem);
  if (problem !== null) return;
  for (const { length } of batches) noteCommitted(length);
}

function noteCommitted(bytes: number): void {
  unfoldedBytes += bytes;
  bytesSinceStep += bytes;
  batchesSinceStep++;
  if (isFolding || unfoldedBytes < FOLD_BYTES) return;
  isFolding = true;
  unfoldedBytes = 0;
  setImmediate(step);
}

function step(): void {
  const keys = STEP_KEYS + Math.ceil(bytesSinceStep / BYTES_A_KEY);
  const batches = batchesSinceStep;
  bytesSinceStep = batchesSinceStep = 0;
  try {
    fold ??= new Fold(file);
    isFolding = fold.step(keys, batches, Date.now());
    if (isFolding) setImmediate(step);
    else fold = null;
  } catch (error) {
    // What was committed is there all the same. The fold begins anew.
    answer(0, problemOf(error));
    fold = null;
    setTimeout(step, RETRY_MS);
  }
}

const problem = attempt(() => {
  file = DataFile.open(workerData as string);
});
answer(1, problem);
if (problem === null) parentPort?.on("message", take);
