/**
 * What every executor with a network behind it has in common: its answers come later, and those to the
 * mutations of one stream in the order of the mutations, since a later one also says that the earlier
 * ones are decided (docs/WIRE.md, section 5, «The server», rule 4).
 */

import {
  type Executor,
  type Job,
  NO_STREAM,
  type OnSettled,
  SETTLED,
} from "../execute/executor.ts";
import type { Section } from "../section.ts";
import { Result, type StoreCounts } from "../store/store.ts";

/** Most jobs under way; the others are answered at once, and nothing is done. */
const MAX_JOBS = 65_536;
/** Most bytes of their keys and values, which those of a connection that has gone take as well. */
const MAX_BYTES = 64 * 1024 * 1024;
const STOPPING = "this server stops";
const TOO_MANY = "too many requests are under way to the engine";

/** Writes the outcome of a job. It is called in the step in which the job is handed back. */
export type Fill = (job: Job) => void;

/** Ends a job. */
export type Done = (fill: Fill) => void;

/** A job, until it is handed back. */
interface Turn {
  readonly job: Job;
  readonly resume: () => void;
  fill: Fill | null;
}

export abstract class LaterExecutor implements Executor {
  /** What is behind it outlives this process, so a client must not think that all is gone. */
  readonly isDurable = true;
  readonly answersLater = true;
  readonly newest = SETTLED;
  readonly barrier = SETTLED;
  abstract readonly sections: ReadonlyMap<string, Section>;
  abstract readonly outage: string | null;
  abstract readonly counts: StoreCounts;
  readonly #streams = new Map<number, Turn[]>();
  #underWay = 0;
  #bytes = 0;
  #isDraining = false;
  #onIdle: (() => void) | null = null;

  /** Jobs that have no answer yet. */
  get underWay(): number {
    return this.#underWay;
  }

  execute(job: Job, resume: () => void): boolean {
    job.settlesWith = SETTLED;
    job.copiedBytes = 0;
    const bytes = job.key.length + job.value.length + job.expected.length;
    const isFull = this.#underWay >= MAX_JOBS || this.#bytes + bytes > MAX_BYTES;
    if (isFull || this.#isDraining) {
      unavailable(isFull ? TOO_MANY : STOPPING)(job);
      return true;
    }
    this.#underWay++;
    this.#bytes += bytes;
    const turn: Turn = { job, resume, fill: null };
    const turns = this.#turnsOf(job);
    turns.push(turn);
    let isBeginning = true;
    this.begin(job, (fill) => {
      this.#underWay--;
      this.#bytes -= bytes;
      turn.fill = fill;
      if (!isBeginning) this.#handBack(job.stream, turns);
      if (this.#underWay === 0) this.#onIdle?.();
    });
    isBeginning = false;
    // A job that is done by now is handed back by returning, unless an earlier one is before it.
    if (turn.fill === null || turns[0] !== turn) return false;
    turns.shift();
    (turn.fill as Fill)(job);
    if (turns.length === 0) this.#streams.delete(job.stream);
    return true;
  }

  /** From now on refuses all jobs. @returns when those under way are done */
  async drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#onIdle = resolve);
  }

  /** The mutations of the same stream that are not handed back; any other job is alone. */
  #turnsOf({ stream }: Job): Turn[] {
    if (stream === NO_STREAM) return [];
    const turns = this.#streams.get(stream) ?? [];
    this.#streams.set(stream, turns);
    return turns;
  }

  /**
   * Begins a job. The bytes that its spans point at are only there until this returns: what is needed
   * later is copied, and the spans are pointed at the copies.
   */
  protected abstract begin(job: Job, done: Done): void;

  admitsDrop(): boolean {
    return true;
  }

  /** Nobody is told of changes: most are made elsewhere. */
  observe(): void {}

  whenSettled(_: number, onSettled: OnSettled): void {
    queueMicrotask(() => onSettled(null));
  }

  #handBack(stream: number, turns: Turn[]): void {
    while (turns.length > 0 && turns[0].fill !== null) {
      const { job, resume, fill } = turns[0];
      turns.shift();
      fill?.(job);
      resume();
    }
    if (turns.length === 0 && this.#streams.get(stream) === turns) this.#streams.delete(stream);
  }
}

/** Nothing has changed, for a reason. */
export function unavailable(problem: string): Fill {
  return (job) => {
    job.result = Result.UNAVAILABLE;
    job.problem = problem;
  };
}

/** The change may have been made, or may yet be. */
export function unknown(problem: string): Fill {
  return (job) => {
    job.result = Result.UNKNOWN;
    job.problem = problem;
  };
}
