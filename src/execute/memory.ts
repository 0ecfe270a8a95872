/**
 * Carries out jobs in memory: every answer comes at once and is settled. Only a drop waits, while as
 * many are under way as the store can note, and what its stream changes after it.
 */

import type { Section } from "../section.ts";
import { type Observer, Result, type Span, type Store, type StoreCounts } from "../store/store.ts";
import { Action, type Executor, isRead, type Job, type OnSettled, SETTLED } from "./executor.ts";
import { ParkedJobs } from "./parked_jobs.ts";

export class MemoryExecutor implements Executor {
  readonly #store: Store;
  readonly isDurable = false;
  readonly answersLater: boolean = false;
  readonly outage: string | null = null;
  readonly sections: ReadonlyMap<string, Section> = new Map();
  readonly newest = SETTLED;
  readonly barrier = SETTLED;
  readonly #parked = new ParkedJobs();

  constructor(store: Store) {
    this.#store = store;
    store.onDropEnd = () => this.#parked.retry((job, resume) => this.execute(job, resume));
  }

  get counts(): StoreCounts {
    return this.#store;
  }

  admitsDrop(prefix: Span): boolean {
    return this.#store.admitsDrop(prefix);
  }

  execute(job: Job, resume: () => void): boolean {
    job.settlesWith = SETTLED;
    job.copiedBytes = 0;
    const mustWait = !isRead(job.action) && this.#mustWait(job);
    if (mustWait) this.#parked.park(job, resume);
    else perform(this.#store, job);
    return !mustWait;
  }

  #mustWait(job: Job): boolean {
    if (this.#parked.isBefore(job)) return true;
    return job.action === Action.DROP && !this.admitsDrop(job.key);
  }

  observe(observer: Observer | null): void {
    this.#store.observe(observer);
  }

  whenSettled(_: number, onSettled: OnSettled): void {
    queueMicrotask(() => onSettled(null));
  }
}

/** Performs a job's action on a store, and nothing else. The store must admit a drop. */
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
    case Action.SCAN:
      job.result = store.scan(key, job.page);
      break;
    case Action.SET:
      job.result = job.ifEqual
        ? store.setIfEqual(key, job.expected, job.value, job.expiresAtMs, found)
        : store.set(key, job.value, job.expiresAtMs, job.overwrite, found);
      break;
    case Action.DELETE:
      job.result = job.ifEqual
        ? store.deleteIfEqual(key, job.expected, found)
        : store.delete(key, found);
      break;
    case Action.ADD:
      job.result = store.add(key, job.delta, job.expiresAtMs, found);
      break;
    case Action.TOUCH:
      job.result = store.touch(key, job.expiresAtMs);
      break;
    case Action.DROP:
      store.drop(key);
      job.result = Result.DONE;
  }
}
