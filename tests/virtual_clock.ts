/** Time that passes when a test says so, and runs what is due on the way, in order. */

import type { Alarm } from "../src/protocol/wake_timer.ts";

interface Task {
  readonly atMs: number;
  /** Of two tasks at one time, the one that was set first runs first. */
  readonly order: number;
  run: (() => void) | null;
}

/** Lets every promise that needs only a turn of the event loop go on. */
export function promisesRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class VirtualClock {
  readonly #settle: () => Promise<void>;
  /** A binary heap, the earliest first. */
  readonly #heap: Task[] = [];
  #nowMs = 1_000;
  #orders = 0;
  #pending = 0;

  /** @param settle awaited after every step */
  constructor(settle: () => Promise<void> = promisesRun) {
    this.#settle = settle;
  }

  readonly now = (): number => this.#nowMs;

  readonly makeAlarm = (ring: () => void): Alarm => {
    let cancel = () => {};
    return {
      set: (delayMs) => {
        cancel();
        cancel = this.at(this.#nowMs + delayMs, ring);
      },
      clear: () => cancel(),
      keepAlive: () => {},
    };
  };

  /** Runs a function at a time. @returns a way to cancel it */
  at(atMs: number, run: () => void): () => void {
    const task: Task = { atMs, order: this.#orders++, run };
    this.#push(task);
    this.#pending++;
    return () => {
      if (task.run !== null) this.#pending--;
      task.run = null;
    };
  }

  /** The number of tasks that wait. */
  get pendingTasks(): number {
    return this.#pending;
  }

  /** Lets time pass; promises get to go on after every step. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.#settle();
    while (this.#heap.length > 0 && this.#heap[0].atMs <= endMs) await this.step();
    this.#nowMs = endMs;
  }

  /** Runs the next task, at its time. @returns false when there is none */
  async step(): Promise<boolean> {
    const task = this.#pop();
    if (task === undefined) return false;
    if (task.run === null) return true;
    this.#nowMs = Math.max(this.#nowMs, task.atMs);
    this.#pending--;
    const { run } = task;
    task.run = null;
    run();
    await this.#settle();
    return true;
  }

  /** The machine sleeps: time passes and nothing runs until it is over. */
  sleep(ms: number): void {
    this.#nowMs += ms;
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let at = heap.push(task) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(task, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = task;
  }

  #pop(): Task | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
