/** The disk of a journal: a thread that has the file, so that no sync delays anybody who reads. */

import { Worker } from "node:worker_threads";
import type { Disk } from "../../journal/disk.ts";
import { DataFolderError } from "./problem.ts";
import type { Answer, Start, Task } from "./worker.ts";

/** How this file is named where TypeScript runs, or was built; in a bundle it has no name. */
const OWN_NAME = /\/disk\.([jt]s)$/.exec(import.meta.url);
/** The thread's file, beside this one; in a bundle it lies where it does in src. */
const WORKER = OWN_NAME === null ? "./runtime/sqlite/worker.js" : `./worker.${OWN_NAME[1]}`;

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

const GONE = "the thread that commits has ended; start the server anew";

export class ThreadDisk implements Disk {
  readonly #worker: Worker;
  /** Who waits for an answer, in order. */
  #waiting: Waiting[] = [];
  /** One more than the attempt that is known to have failed last. */
  #attempt = 0;
  #isGone = false;

  /** How many tasks the thread has done, and of how many that is known here. */
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
      (error) => this.#fail(this.#waiting.length, `the thread that commits: ${error.message}`),
    );
    this.#worker.on("exit", () => {
      this.#isGone = true;
      this.#fail(this.#waiting.length, GONE);
    });
  }

  /**
   * Starts the thread and opens the file of a folder.
   * @param onWarning is told what is wrong when what was committed can't be put in order
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
    // The count may have turned over.
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
