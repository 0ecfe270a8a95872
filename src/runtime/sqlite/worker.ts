/**
 * The thread that commits: it has the file, and does one thing at a time. What came while it was busy
 * is one commit. When enough was committed it folds that, a step between two commits, each of more than
 * the commits since have brought.
 */

import { parentPort, workerData } from "node:worker_threads";
import { DataFile } from "./file.ts";
import { Fold } from "./fold.ts";
import { DataFolderError, problemOf } from "./problem.ts";

/** What the thread is given when it starts. */
export interface Start {
  readonly folder: string;
  /** Shared: how many tasks were done, so that whoever asked need not wait for word of it. */
  readonly done: Int32Array;
}

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

/** Batches of so many bytes are folded, when nothing was committed for a while … */
const IDLE_FOLD_BYTES = 1024 * 1024;
const IDLE_MS = 100;
/** … and of so many at any time, a step between two commits. */
const BUSY_FOLD_BYTES = 32 * 1024 * 1024;
/** Keys that a step folds at least, and bytes that were committed for each more. */
const STEP_KEYS = 256;
const BYTES_A_KEY = 32;
/** How long after a step that failed the next is tried. */
const RETRY_MS = 1_000;

const { folder, done } = workerData as Start;
let file: DataFile;
let fold: Fold | null = null;
/**
 * Bytes of the batches that are not folded, and of those that the fold began with. None begins before
 * something is committed: a start reads the file meanwhile.
 */
let unfoldedBytes = 0;
let foldedBytes = 0;
/** Whether a step is to come, and whether it comes however busy the thread is. */
let isDue = false;
let isUrgent = false;
let committedAtMs = 0;
let isClosed = false;
let bytesSinceStep = 0;
let batchesSinceStep = 0;
/** What is to be committed next. */
let waiting: Uint8Array[] = [];
/** The last failure, and of which attempt that was. */
let failed = { attempt: -1, problem: "" };

function answer(tasks: number, problem: string | null): void {
  if (problem === null) Atomics.add(done, 0, tasks);
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
    isClosed = true;
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
  committedAtMs = performance.now();
  isUrgent ||= unfoldedBytes >= BUSY_FOLD_BYTES;
  if (!isDue) schedule();
}

/** Has a step come: at once where it is urgent or nothing is going on, else a little later. */
function schedule(): void {
  const isIdle = performance.now() - committedAtMs >= IDLE_MS;
  isDue = fold !== null || unfoldedBytes >= IDLE_FOLD_BYTES;
  if (!isDue) return;
  if (isUrgent || isIdle) setImmediate(step);
  else setTimeout(schedule, IDLE_MS);
}

function step(): void {
  if (isClosed) return;
  const keys = STEP_KEYS + Math.ceil(bytesSinceStep / BYTES_A_KEY);
  const batches = batchesSinceStep;
  bytesSinceStep = batchesSinceStep = 0;
  try {
    if (fold === null) {
      fold = new Fold(file);
      foldedBytes = unfoldedBytes;
    }
    if (!fold.step(keys, batches, Date.now())) endFold();
    schedule();
  } catch (error) {
    // What was committed is there all the same. The fold begins anew.
    answer(0, problemOf(error));
    fold = null;
    setTimeout(schedule, RETRY_MS);
  }
}

function endFold(): void {
  fold = null;
  isUrgent = false;
  unfoldedBytes -= foldedBytes;
}

const problem = attempt(() => {
  file = DataFile.open(folder);
  unfoldedBytes = file.batchBytes();
});
answer(1, problem);
if (problem === null) parentPort?.on("message", take);
