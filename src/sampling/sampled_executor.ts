/**
 * An executor that looks at some of the jobs of another: which key, and how long from the arrival of its
 * datagram, or from its beginning where that is not known, until its outcome is settled.
 */

import {
  type Executor,
  type Job,
  type OnSettled,
  SETTLED,
  type Settlement,
} from "../execute/executor.ts";
import type { Section } from "../section.ts";
import type { Observer, Span, StoreCounts } from "../store/store.ts";
import { latin1Of } from "./latin1.ts";
import { Sampler } from "./sampler.ts";
import { isSampled, type Samples } from "./samples.ts";

export class SampledExecutor implements Executor {
  readonly sections: ReadonlyMap<string, Section>;
  readonly #executor: Executor;
  readonly #samples: Samples;
  readonly #now: () => number;
  readonly #sampler: Sampler;
  /** When the requests at hand arrived, in ms; NaN if that is not known. */
  #arrivedAtMs = Number.NaN;

  /** @param now in ms, never backwards */
  constructor(executor: Executor, samples: Samples, now: () => number) {
    this.#executor = executor;
    this.#samples = samples;
    this.#now = now;
    this.#sampler = new Sampler(now);
    this.sections = new Map([...executor.sections, ...samples.sections]);
  }

  /** Requests have arrived, as many as `count`, and are carried out before `handled` is called. */
  arrive(count: number): void {
    if (this.#sampler.isDue(count)) this.#arrivedAtMs = this.#now();
  }

  handled(): void {
    this.#arrivedAtMs = Number.NaN;
  }

  execute(job: Job, resume: () => void): boolean {
    const weight = this.#sampler.next();
    return weight === 0 || !isSampled(job.action)
      ? this.#executor.execute(job, resume)
      : this.#watch(job, resume, weight);
  }

  #watch(job: Job, resume: () => void, weight: number): boolean {
    const { action } = job;
    const startedAtMs = Number.isNaN(this.#arrivedAtMs) ? this.#now() : this.#arrivedAtMs;
    const note = () => {
      this.#samples.noteTime(action, (this.#now() - startedAtMs) * 1_000, weight);
    };
    const noteSettled = () => {
      if (job.settlesWith === SETTLED) note();
      else this.#executor.whenSettled(job.settlesWith, note);
    };
    this.#samples.noteKey(latin1Of(job.key), weight);
    const isDone = this.#executor.execute(job, () => {
      noteSettled();
      resume();
    });
    if (isDone) noteSettled();
    return isDone;
  }

  get counts(): StoreCounts {
    return this.#executor.counts;
  }

  get isDurable(): boolean {
    return this.#executor.isDurable;
  }

  get answersLater(): boolean {
    return this.#executor.answersLater;
  }

  get outage(): string | null {
    return this.#executor.outage;
  }

  get newest(): Settlement {
    return this.#executor.newest;
  }

  get barrier(): Settlement {
    return this.#executor.barrier;
  }

  admitsDrop(prefix: Span): boolean {
    return this.#executor.admitsDrop(prefix);
  }

  observe(observer: Observer | null): void {
    this.#executor.observe(observer);
  }

  whenSettled(settlement: Settlement, onSettled: OnSettled): void {
    this.#executor.whenSettled(settlement, onSettled);
  }
}
