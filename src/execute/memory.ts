/** Carries out jobs in memory: every answer comes at once and is settled. */

import type { Section } from "../section.ts";
import type { Store, StoreCounts } from "../store/store.ts";
import { Action, type Executor, type Job, type OnSettled, SETTLED } from "./executor.ts";

export class MemoryExecutor implements Executor {
  readonly #store: Store;
  readonly isDurable = false;
  readonly sections: ReadonlyMap<string, Section> = new Map();
  readonly newest = SETTLED;

  constructor(store: Store) {
    this.#store = store;
  }

  get counts(): StoreCounts {
    return this.#store;
  }

  execute(job: Job): boolean {
    job.settlesWith = SETTLED;
    job.copiedBytes = 0;
    perform(this.#store, job);
    return true;
  }

  whenSettled(_: number, onSettled: OnSettled): void {
    queueMicrotask(() => onSettled(null));
  }
}

/** Performs a job's action on a store, and nothing else. */
export function perform(store: Store, job: Job): void {
  const { key, found } = job;
  switch (job.action) {
    case Action.GET:
      job.result = store.get(key, found);
      break;
    case Action.PEEK:
      job.result = store.peek(key, found);
      break;
    case Action.EXISTS:
      job.result = store.exists(key, found);
      break;
    case Action.SET:
      job.result = store.set(key, job.value, job.expiresAtMs, job.overwrite, found);
      break;
    case Action.DELETE:
      job.result = store.delete(key, found);
      break;
    case Action.ADD:
      job.result = store.add(key, job.delta, job.expiresAtMs, found);
      break;
    case Action.TOUCH:
      job.result = store.touch(key, job.expiresAtMs);
  }
}
