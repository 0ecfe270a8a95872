/**
 * The commit thread: it owns the file, and does one thing at a time. Batches that came while it was
 * busy become one commit. When enough was committed it folds the batches, a step between two
 * commits, and each step folds more than the commits since the last step have added.
 */

import { parentPort, workerData } from "node:worker_threads";
import { Garbage } from "../garbage.ts";
import { DataFile } from "./file.ts";
import { Fold } from "./fold.ts";
import { DataFolderError, problemOf } from "./problem.ts";

/** What the thread is given when it starts. */
export interface Start {
  readonly folder: string;
  /** Shared: how many tasks were done, so that the other thread need not wait for a message. */
  readonly done: Int32Array;
}

export interface Task {
  /** The changes to commit; null asks the thread to end. */
  readonly changes: Uint8Array<ArrayBuffer> | null;
  /** A higher number than before means that the other thread knows of the last failure. */
  readonly attempt: number;
}

/** What the thread answers, also when it has started. */
export interface Answer {
  /** How many of the oldest tasks this is about; 0 for a problem of the thread itself. */
  readonly tasks: number;
  /** Null, or why they were not done. */
  readonly problem: string | null;
  /** The last attempt that failed. */
  readonly attempt: number;
}

/** The batches of one fold have about this many bytes, since their result is kept in memory. */
const FOLD_BYTES = 2 * 1024 * 1024;
/** Batches of this many bytes are folded when nothing was committed for a while … */
const IDLE_FOLD_BYTES = 1024 * 1024;
const IDLE_MS = 100;
/** … and batches of this many at any time, a step between two commits. */
const BUSY_FOLD_BYTES = 32 * 1024 * 1024;
/** A step folds STEP_KEYS keys, and one more for every BYTES_A_KEY committed bytes. */
const STEP_KEYS = 256;
const BYTES_A_KEY = 32;
/** How long after a failed step the next is tried. */
const RETRY_MS = 1_000;
/** Bytes of committed batches that may accumulate as garbage. */
const GARBAGE_BYTES = 4 * 1024 * 1024;

class Committer {
  readonly #done: Int32Array;
  readonly #file: DataFile;
  #isClosed = false;
  /** The batches to commit next. */
  #waiting: Uint8Array[] = [];
  /** The last failure, and the attempt that failed. */
  #failed = { attempt: -1, problem: "" };
  #fold: Fold | null = null;
  /**
   * Bytes of the batches that are not folded, and of those that the current fold began with. No
   * fold begins before the first commit, since a starting server reads the file meanwhile.
   */
  #unfoldedBytes: number;
  #foldedBytes = 0;
  /** Whether a step is scheduled, and whether it comes even if the thread is busy. */
  #isDue = false;
  #isUrgent = false;
  #committedAtMs = 0;
  #bytesSinceStep = 0;
  #batchesSinceStep = 0;
  readonly #garbage = new Garbage(GARBAGE_BYTES);

  /** @throws DataFolderError */
  constructor({ folder, done }: Start) {
    this.#done = done;
    this.#file = DataFile.open(folder);
    this.#unfoldedBytes = this.#file.batchBytes();
  }

  take({ changes, attempt }: Task): void {
    if (changes === null) {
      this.#isClosed = true;
      this.#answer(1, problemIn(() => this.#file.close()));
    } else if (attempt <= this.#failed.attempt) {
      // These changes build on the batch that failed.
      this.#answer(1, this.#failed.problem);
    } else {
      if (this.#waiting.length === 0) setImmediate(() => this.#commit(attempt));
      this.#waiting.push(changes);
    }
  }

  #answer(tasks: number, problem: string | null): void {
    if (problem === null) Atomics.add(this.#done, 0, tasks);
    answer(tasks, problem, this.#failed.attempt);
  }

  /** Commits all waiting batches. */
  #commit(attempt: number): void {
    const batches = this.#waiting;
    this.#waiting = [];
    const problem = problemIn(() => this.#file.commit(batches));
    if (problem !== null) this.#failed = { attempt, problem };
    this.#answer(batches.length, problem);
    if (problem !== null) {
      this.#overwriteRefused();
      return;
    }
    for (const { length } of batches) this.#noteCommitted(length);
  }

  /** Tries until no crash can bring back what was refused, also if nothing else is committed. */
  #overwriteRefused(): void {
    if (this.#isClosed || this.#file.overwriteRefused()) return;
    setTimeout(() => this.#overwriteRefused(), RETRY_MS);
  }

  #noteCommitted(bytes: number): void {
    this.#garbage.add(bytes);
    this.#unfoldedBytes += bytes;
    this.#bytesSinceStep += bytes;
    this.#batchesSinceStep++;
    this.#committedAtMs = performance.now();
    this.#isUrgent ||= this.#unfoldedBytes >= BUSY_FOLD_BYTES;
    if (!this.#isDue) this.#schedule();
  }

  /** Schedules a step: at once if it is urgent or the thread is idle, otherwise a little later. */
  #schedule(): void {
    const isIdle = performance.now() - this.#committedAtMs >= IDLE_MS;
    this.#isDue = this.#fold !== null || this.#unfoldedBytes >= IDLE_FOLD_BYTES;
    if (!this.#isDue) return;
    if (this.#isUrgent || isIdle) setImmediate(() => this.#step());
    else setTimeout(() => this.#schedule(), IDLE_MS);
  }

  #step(): void {
    if (this.#isClosed) return;
    try {
      if (this.#fold === null) {
        // A rest too small for a fold of its own is folded with the last one.
        const isLast = this.#unfoldedBytes < FOLD_BYTES + IDLE_FOLD_BYTES;
        this.#fold = new Fold(this.#file, isLast ? this.#unfoldedBytes : FOLD_BYTES);
        this.#foldedBytes = this.#fold.bytes;
        // Commits before the fold are no reason for a long step.
        this.#bytesSinceStep = this.#batchesSinceStep = 0;
      }
      const keys = STEP_KEYS + Math.ceil(this.#bytesSinceStep / BYTES_A_KEY);
      const batches = this.#batchesSinceStep;
      this.#bytesSinceStep = this.#batchesSinceStep = 0;
      if (!this.#fold.step(keys, batches)) this.#endFold();
      this.#schedule();
    } catch (error) {
      // Committed changes are safe all the same. The fold starts over.
      this.#answer(0, problemOf(error));
      this.#fold = null;
      setTimeout(() => this.#schedule(), RETRY_MS);
    }
  }

  #endFold(): void {
    this.#fold = null;
    this.#unfoldedBytes -= this.#foldedBytes;
    this.#garbage.add(this.#foldedBytes);
    // Folds that are due together follow one another.
    this.#isUrgent &&= this.#unfoldedBytes >= BUSY_FOLD_BYTES / 2;
  }
}

/** @returns the problem, or null */
function problemIn(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return error instanceof DataFolderError ? error.message : problemOf(error);
  }
}

function answer(tasks: number, problem: string | null, attempt: number): void {
  parentPort?.postMessage({ tasks, problem, attempt } satisfies Answer);
}

const start = workerData as Start;
const problem = problemIn(() => {
  const committer = new Committer(start);
  parentPort?.on("message", (task: Task) => committer.take(task));
  Atomics.add(start.done, 0, 1);
});
answer(1, problem, -1);
