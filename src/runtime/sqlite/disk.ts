/** The disk of a journal: a thread that has the file, so that no sync delays anybody who reads. */

import { Worker } from "node:worker_threads";
import type { Disk } from "../../journal/disk.ts";
import { DataFolderError } from "./problem.ts";
import type { Answer, Task } from "./worker.ts";

/** How this file is named where TypeScript runs, or was built; in a bundle it has no name. */
const OWN_NAME = /\/disk\.([jt]s)$/.exec(import.meta.url);
/** The thread's file, beside this one; in a bundle it lies where it does in src. */
const WORKER = OWN_NAME === null ? "./runtime/sqlite/worker.js" : `./worker.${OWN_NAME[1]}`;

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

export class ThreadDisk implements Disk {
  readonly #worker: Worker;
  #waiting: Waiting | null = null;
  #isGone = false;

  private constructor(folder: string) {
    this.#worker = new Worker(new URL(WORKER, import.meta.url), { workerData: folder });
    this.#worker.on("message", (problem: Answer) => this.#settle(problem));
    this.#worker.on("error", (error) => this.#settle(`the thread that commits: ${error.message}`));
    this.#worker.on("exit", () => {
      this.#isGone = true;
      this.#settle("the thread that commits has ended; start the server anew");
    });
  }

  /** Starts the thread and opens the file of a folder. @throws DataFolderError */
  static async open(folder: string): Promise<ThreadDisk> {
    const disk = new ThreadDisk(folder);
    await disk.#answered();
    return disk;
  }

  commit(changes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#ask(changes);
  }

  /** Closes the file and ends the thread. */
  async close(): Promise<void> {
    if (!this.#isGone) await this.#ask(null);
    await this.#worker.terminate();
  }

  #ask(task: Task): Promise<void> {
    const answered = this.#answered();
    if (this.#isGone) this.#settle("the thread that commits has ended; start the server anew");
    else this.#worker.postMessage(task, task === null ? [] : [task.buffer]);
    return answered;
  }

  #answered(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #settle(problem: Answer): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (problem === null) waiting?.resolve();
    else waiting?.reject(new DataFolderError(problem));
  }
}
