/**
 * The measurements of a thread on their way to the thread that reports: every sample, in arrays that are
 * passed on when they are full, and at the end.
 */

import { codeOf, type Measured, type Recorder } from "./measured.ts";
import type { Kind } from "./workload.ts";

/** A sample is three numbers: what it is, ms, and when it ended. */
const NUMBERS = 3;
const Sort = { HIT: 0, MISS: 1, SET: 2, LATE: 3, READ_FAILED: 4, WRITE_FAILED: 5 } as const;
const SORTS: Readonly<Record<Kind, number>> = { hit: Sort.HIT, miss: Sort.MISS, set: Sort.SET };
const SAMPLES = 8_192;

export interface Samples {
  readonly numbers: Float64Array<ArrayBuffer>;
  /** The codes of the failures, in their order. */
  readonly codes: readonly string[];
}

export class SampleRecorder implements Recorder {
  readonly #pass: (samples: Samples) => void;
  #numbers = new Float64Array(NUMBERS * SAMPLES);
  #length = 0;
  #codes: string[] = [];

  /** @param pass takes over what it is given */
  constructor(pass: (samples: Samples) => void) {
    this.#pass = pass;
  }

  note(kind: Kind, latencyMs: number, endedAtMs: number): void {
    this.#add(SORTS[kind], latencyMs, endedAtMs);
  }

  noteFailure(isRead: boolean, error: unknown, latencyMs: number, endedAtMs: number): void {
    this.#codes.push(codeOf(error));
    this.#add(isRead ? Sort.READ_FAILED : Sort.WRITE_FAILED, latencyMs, endedAtMs);
  }

  noteLateness(latenessMs: number): void {
    this.#add(Sort.LATE, latenessMs, 0);
  }

  /** Passes on what is there. */
  flush(): void {
    if (this.#length === 0) return;
    this.#pass({ numbers: this.#numbers.slice(0, this.#length), codes: this.#codes });
    this.#length = 0;
    this.#codes = [];
  }

  #add(sort: number, ms: number, endedAtMs: number): void {
    this.#numbers[this.#length] = sort;
    this.#numbers[this.#length + 1] = ms;
    this.#numbers[this.#length + 2] = endedAtMs;
    this.#length += NUMBERS;
    if (this.#length === this.#numbers.length) this.flush();
  }
}

/** Adds a thread's samples to the whole. */
export function addSamples(measured: Measured, { numbers, codes }: Samples): void {
  let failures = 0;
  for (let i = 0; i < numbers.length; i += NUMBERS) {
    const [ms, endedAtMs] = [numbers[i + 1], numbers[i + 2]];
    switch (numbers[i]) {
      case Sort.HIT:
        measured.note("hit", ms, endedAtMs);
        break;
      case Sort.MISS:
        measured.note("miss", ms, endedAtMs);
        break;
      case Sort.SET:
        measured.note("set", ms, endedAtMs);
        break;
      case Sort.LATE:
        measured.noteLateness(ms);
        break;
      case Sort.READ_FAILED:
        measured.noteCode(true, codes[failures++], ms, endedAtMs);
        break;
      default:
        measured.noteCode(false, codes[failures++], ms, endedAtMs);
    }
  }
}
