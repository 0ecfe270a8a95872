/** The load of `kg bench` on several threads: each has some of the clients, and a part of the rest. */

import { Worker } from "node:worker_threads";
import { addSamples } from "../load/samples.ts";
import type { Measured } from "../load/measured.ts";
import { Load, type Share, type Task } from "./bench_load.ts";
import type { LoadMessage, LoadOrder } from "./bench_thread.ts";

/** This file's name as TypeScript or as built; in a bundle there is none. */
const OWN_NAME = /\/bench_threads\.([jt]s)$/.exec(import.meta.url);
/** The thread's file, beside this one; in a bundle it has the same path as in src. */
const THREAD = OWN_NAME === null ? "./commands/bench_thread.js" : `./bench_thread.${OWN_NAME[1]}`;

/** The whole load, on one thread or several. */
export interface Loads {
  /** Datagrams sent again so far. */
  readonly retransmissions: number;
  /** Does a task, until its end or until it is stopped, and adds what was measured. */
  run(task: Task, measured: Measured, stop: AbortSignal): Promise<void>;
  close(): void;
}

/** @param threads 1 to the number of clients */
export async function openLoads(share: Share, threads: number): Promise<Loads> {
  if (threads === 1) return await Load.open(share);
  return await ThreadLoads.open(sharesOf(share, threads));
}

function sharesOf(whole: Share, threads: number): Share[] {
  const { clients, keys, ratePerS } = whole;
  return partsOf(clients, threads).map((own, i) => {
    return {
      ...whole,
      clients: own,
      ratePerS: ratePerS === null ? null : ratePerS * own / clients,
      offsetMs: boundary(clients, i, threads) * 1_000 / (ratePerS ?? 1),
      keys: { first: boundary(keys.end, i, threads), end: boundary(keys.end, i + 1, threads) },
    };
  });
}

/** Where the i-th of several parts of a whole number begins. */
const boundary = (whole: number, i: number, parts: number): number => Math.floor(whole * i / parts);

function partsOf(whole: number, parts: number): number[] {
  const at = (i: number) => boundary(whole, i, parts);
  return Array.from({ length: parts }, (_, i) => at(i + 1) - at(i));
}

/** The part of a count that belongs to each share, by its clients. */
function countsOf(count: number, shares: readonly Share[]): number[] {
  const clients = shares.reduce((sum, share) => sum + share.clients, 0);
  let before = 0;
  return shares.map((share) => {
    if (!Number.isFinite(count)) return count;
    const first = boundary(count, before, clients);
    before += share.clients;
    return boundary(count, before, clients) - first;
  });
}

class ThreadLoads implements Loads {
  readonly #shares: readonly Share[];
  readonly #threads: readonly LoadThread[];

  private constructor(shares: readonly Share[]) {
    this.#shares = shares;
    this.#threads = shares.map((share) => new LoadThread(share));
  }

  static async open(shares: readonly Share[]): Promise<Loads> {
    const loads = new ThreadLoads(shares);
    try {
      await Promise.all(loads.#threads.map((thread) => thread.isOpen));
    } catch (error) {
      loads.close();
      throw error;
    }
    return loads;
  }

  get retransmissions(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.retransmissions, 0);
  }

  async run(task: Task, measured: Measured, stop: AbortSignal): Promise<void> {
    const counts = task === "fill" ? [] : countsOf(task.count, this.#shares);
    const ends = this.#threads.map((thread, i) =>
      thread.run(task === "fill" ? task : { ...task, count: counts[i] }, measured)
    );
    const tellToStop = () => {
      for (const thread of this.#threads) thread.stop();
    };
    stop.addEventListener("abort", tellToStop);
    if (stop.aborted) tellToStop();
    try {
      await Promise.all(ends);
    } finally {
      stop.removeEventListener("abort", tellToStop);
    }
  }

  close(): void {
    for (const thread of this.#threads) thread.close();
  }
}

class LoadThread {
  retransmissions = 0;
  readonly isOpen: Promise<void>;
  readonly #worker: Worker;

  constructor(share: Share) {
    this.#worker = new Worker(new URL(THREAD, import.meta.url), { workerData: share });
    this.isOpen = this.#until(() => {});
  }

  run(task: Task, measured: Measured): Promise<void> {
    const isDone = this.#until((message) => {
      if (message.kind === "samples") addSamples(measured, message.samples);
    });
    this.#tell(task);
    return isDone;
  }

  /** Ends the task early. */
  stop(): void {
    this.#tell("stop");
  }

  close(): void {
    void this.#worker.terminate();
  }

  #tell(order: LoadOrder): void {
    this.#worker.postMessage(order);
  }

  /** Takes messages until the thread says that it is done. */
  #until(onMessage: (message: LoadMessage) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#worker.off("message", take);
        this.#worker.off("error", fail);
        this.#worker.off("exit", lost);
        settle();
      };
      const fail = (error: unknown) => end(() => reject(error));
      const lost = () => fail(new Error("a thread of kg bench has ended"));
      const take = (message: LoadMessage) => {
        if (message.kind === "failed") fail(new Error(message.problem));
        else if (message.kind === "done") {
          this.retransmissions = message.retransmissions;
          end(resolve);
        } else onMessage(message);
      };
      this.#worker.on("message", take);
      this.#worker.on("error", fail);
      this.#worker.on("exit", lost);
    });
  }
}
