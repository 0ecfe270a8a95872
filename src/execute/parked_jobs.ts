/** Jobs that are carried out later, in their order, with copies of the bytes that they point at. */

import { copyBytes } from "../bytes.ts";
import type { Span } from "../store/store.ts";
import { type Job, NO_STREAM } from "./executor.ts";

interface ParkedJob {
  readonly job: Job;
  /** Called when the job is done. */
  readonly resume: () => void;
}

export class ParkedJobs {
  #jobs: ParkedJob[] = [];
  /** The streams of the parked jobs: what they send later waits too. */
  readonly #streams = new Set<number>();

  /** Whether a job must wait since an earlier one of its stream does. */
  isBefore({ stream }: Job): boolean {
    return stream !== NO_STREAM && this.#streams.has(stream);
  }

  park(job: Job, resume: () => void): void {
    for (const span of [job.key, job.value, job.expected]) own(span);
    this.#jobs.push({ job, resume });
    this.#streams.add(job.stream);
  }

  /** Tries all of them again. @param execute parks a job again, or carries it out and returns true */
  retry(execute: (job: Job, resume: () => void) => boolean): void {
    this.#streams.clear();
    for (const { job, resume } of this.#jobs.splice(0)) {
      if (execute(job, resume)) resume();
    }
  }
}

function own(span: Span): void {
  span.bytes = copyBytes(span.bytes, span.start, span.start + span.length);
  span.start = 0;
}
