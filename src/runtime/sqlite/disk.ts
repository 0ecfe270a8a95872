/** The disk of a journal: a thread that owns the file, so that no sync delays a read. */

import { Worker } from "node:worker_threads";
import type { Disk } from "../../journal/disk.ts";
import { Garbage } from "../garbage.ts";
import { DataFolderError } from "./problem.ts";
import type { Answer, Start, Task } from "./worker.ts";

/** This file's name as TypeScript or as built; in a bundle there is none. */
const OWN_NAME = /\/disk\.([jt]s)$/.exec(import.meta.url);
/** The thread's file, beside this one; in a bundle it has the same path as in src. */
const WORKER = OWN_NAME === null ? "./runtime/sqlite/worker.js" : `./worker.${OWN_NAME[1]}`;

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

const GONE = "the commit thread has ended; restart the server";

/**
 * Garbage on this thread for each committed byte: the values that were replaced, which had to live
 * until the commit; and how much of it may lie around.
 */
const GARBAGE_PER_BYTE = 2;
const GARBAGE_BYTES = 12 * 1024 * 1024;

export class ThreadDisk implements Disk {
  readonly #worker: Worker;
  /** Callers that wait for an answer, in order. */
  #waiting: Waiting[] = [];
  /** One more than the last attempt known to have failed. */
  #attempt = 0;
  #isGone = false;
  readonly #garbage = new Garbage(GARBAGE_BYTES);

  /** How many tasks the thread has done, and how many of them are known here. */
  readonly #done = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #known = 0;
  readonly #onWarning: (problem: string) => void;

  private constructor(folder: string, onWarning: (problem: string) => void) {
    this.#onWarning = onWarning;
    const start: Start = { folder, done: this.#done };
    this.#worker = new Worker(new URL(WORKER, import.meta.url), { workerData: start });
    this.#worker.on("message", (answer: Answer) => this.#settle(answer));
    this.#worker.on(
      "error",
      (error) => this.#fail(this.#waiting.length, `the commit thread failed: ${error.message}`),
    );
    this.#worker.on("exit", () => {
      this.#isGone = true;
      this.#fail(this.#waiting.length, GONE);
    });
  }

  /**
   * Starts the thread and opens the file of a folder.
   * @param onWarning called with the problem when committed batches can't be folded
   * @throws DataFolderError
   */
  static async open(
    folder: string,
    onWarning: (problem: string) => void = () => {},
  ): Promise<ThreadDisk> {
    const disk = new ThreadDisk(folder, onWarning);
    await disk.#answered();
    return disk;
  }

  commit(changes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#isGone) return Promise.reject(new DataFolderError(GONE));
    const task: Task = { changes, attempt: this.#attempt };
    this.#garbage.add(GARBAGE_PER_BYTE * changes.length);
    this.#worker.postMessage(task, [changes.buffer]);
    return this.#answered();
  }

  /** Closes the file and ends the thread. */
  async close(): Promise<void> {
    if (this.#isGone) return;
    const task: Task = { changes: null, attempt: this.#attempt };
    this.#worker.postMessage(task);
    await this.#answered();
    await this.#worker.terminate();
  }

  #answered(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  poll(): void {
    const done = Atomics.load(this.#done, 0);
    if (done === this.#known) return;
    // The count may have wrapped around.
    const tasks = (done - this.#known) | 0;
    this.#known = done;
    for (const { resolve } of this.#waiting.splice(0, tasks)) resolve();
  }

  #settle({ tasks, problem, attempt }: Answer): void {
    this.poll();
    this.#attempt = attempt + 1;
    if (problem === null) return;
    if (tasks === 0) this.#onWarning(problem);
    else this.#fail(tasks, problem);
  }

  #fail(tasks: number, problem: string): void {
    for (const { reject } of this.#waiting.splice(0, tasks)) reject(new DataFolderError(problem));
  }
}
