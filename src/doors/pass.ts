/**
 * A request through a door whose store answers later. The request is carried out in passes: in a pass a job
 * that has no answer yet is asked for, and for now answered with «no such key». When all that was asked is
 * answered, the request is carried out again with these answers, in their order, until a pass needs no
 * other. The replies of all passes except the last are thrown away. So the commands need not know of it.
 *
 * What is asked in one pass must be right whatever the answers are: so reads are asked together, and
 * changes of one kind; a change that follows a read, or another kind of change, waits for the next pass.
 */

import { Action, type Executor, isRead, Job } from "../execute/executor.ts";
import { copyRun } from "../store/copy.ts";
import { type Found, MAX_STORED_BYTES, NONE, Result } from "../store/store.ts";
import type { Replies } from "./replies.ts";

/** What concerns all keys waits for everything before it … */
const ALL_KEYS: ReadonlySet<Action> = new Set([Action.SCAN, Action.DROP]);
/** … and everything waits for it, as it does for a look that a change may follow. */
const STEPWISE: ReadonlySet<Action> = new Set([...ALL_KEYS, Action.PEEK]);
/** Most jobs of a request that are under way at a time; fewer where each may bring 1 MiB. */
const MAX_UNDER_WAY = 1_024;
const MAX_VALUES_UNDER_WAY = 128;
const PARTLY = "other parts of the command may have been carried out";
const NO_BYTES = new Uint8Array(0);

/** The store could not carry out a job: the request ends with this message. */
class JobFailure extends Error {}

/** Carries out a request; if its store fails, its reply is an error. */
export function carryOut(
  run: () => void,
  replies: Replies,
  writeError: (message: string, replies: Replies) => void,
): void {
  const start = replies.length;
  try {
    run();
  } catch (failure) {
    if (!(failure instanceof JobFailure)) throw failure;
    replies.takeBack(start);
    writeError(failure.message, replies);
  }
}

interface Asked {
  readonly job: Job;
  isAnswered: boolean;
}

export class Pass {
  /** Whether every answer of this pass was real. */
  isLast = true;
  /** Whether what the request does next may depend on an answer: nothing may overtake it then. */
  isStepwise = false;
  /** Whether nothing of the same connection is before it. */
  isFirst = false;
  /** Lookups of this pass. */
  hits = 0;
  misses = 0;
  /** Of the values that came. */
  heldBytes = 0;
  /** Called when everything that was asked is answered. */
  onAnswered: () => void = () => {};
  readonly #executor: Executor;
  readonly #asked: Asked[] = [];
  #next = 0;
  #underWay = 0;

  constructor(executor: Executor) {
    this.#executor = executor;
  }

  /** Whether something that was asked has no answer yet. */
  get isUnderWay(): boolean {
    return this.#underWay > 0;
  }

  /** Begins another pass, with the answers so far. */
  begin(): void {
    this.isLast = true;
    this.hits = this.misses = 0;
    this.#next = 0;
  }

  /**
   * Gives a job its answer, or asks for it.
   * @param job has the outcome afterwards
   * @throws {JobFailure} if it could not be carried out
   */
  execute(job: Job): void {
    if (STEPWISE.has(job.action)) this.isStepwise = true;
    if (this.#next === this.#asked.length && this.#mayAsk(job)) this.#ask(job);
    const asked = this.#asked[this.#next++];
    if (!asked?.isAnswered) {
      this.isLast = false;
      // What may not be asked for yet must not be overtaken by another request.
      this.isStepwise ||= asked === undefined;
      takeNothing(job);
      return;
    }
    const failure = failureOf(asked.job);
    if (failure === null) takeAnswer(job, asked.job);
    else {
      this.isLast = true;
      throw this.#isPartlyDone(asked.job)
        ? new JobFailure(`${failure.message}; ${PARTLY}`)
        : failure;
    }
  }

  /** Whether the request has changed something else. */
  #isPartlyDone(failed: Job): boolean {
    return this.#asked.some(({ job }) =>
      job !== failed && !isRead(job.action) &&
      (job.result === Result.DONE || job.result === Result.UNKNOWN)
    );
  }

  #mayAsk({ action, found }: Job): boolean {
    if (ALL_KEYS.has(action) && !this.isFirst) return false;
    if (this.#underWay === 0) return this.isLast;
    const last = this.#asked[this.#asked.length - 1].job.action;
    const isLike = action === last || (isRead(action) && isRead(last));
    return isLike &&
      this.#underWay < (found.room === NONE ? MAX_UNDER_WAY : MAX_VALUES_UNDER_WAY);
  }

  #ask(given: Job): void {
    const asked: Asked = { job: copyOf(given), isAnswered: false };
    this.#asked.push(asked);
    this.#underWay++;
    const isDone = this.#executor.execute(asked.job, () => {
      asked.isAnswered = true;
      this.heldBytes += asked.job.found.bytes.length;
      if (--this.#underWay === 0) this.onAnswered();
    });
    if (!isDone) return;
    asked.isAnswered = true;
    this.#underWay--;
  }
}

/** A job of its own, whose bytes the executor copies if it answers later. */
function copyOf(given: Job): Job {
  const job = new Job();
  const { action, delta, overwrite, ifEqual, expiresAtMs } = given;
  Object.assign(job, { action, delta, overwrite, ifEqual, expiresAtMs });
  // Through a door a GET tells no time to live.
  job.wantsExpiry = action !== Action.GET;
  Object.assign(job.key, given.key);
  Object.assign(job.value, given.value);
  Object.assign(job.expected, given.expected);
  const room = given.found.room === NONE ? NONE : MAX_STORED_BYTES;
  job.found = { bytes: NO_BYTES, start: 0, room, grows: true, length: NONE, expiresAtMs: 0 };
  if (action === Action.SCAN) {
    job.page = { ...given.page, bytes: new Uint8Array(given.page.room), start: 0 };
  }
  return job;
}

function failureOf({ result, problem, found, action }: Job): JobFailure | null {
  if (result === Result.UNAVAILABLE) return new JobFailure(problem);
  if (result === Result.UNKNOWN) {
    return new JobFailure(`${problem}; it is not known whether this was carried out`);
  }
  const isTooLarge = found.length !== NONE && found.room !== NONE && found.length > found.room;
  if (!isTooLarge) return null;
  const text = `the value there is larger than ${MAX_STORED_BYTES} bytes`;
  return new JobFailure(isRead(action) ? text : `${text}; the change was carried out`);
}

function takeAnswer(job: Job, { result, found, page, action }: Job): void {
  job.result = result;
  takeFound(job.found, found);
  if (action !== Action.SCAN) return;
  const { cursor, count, length } = page;
  Object.assign(job.page, { cursor, count, length });
  copyRun(page.bytes, page.start, job.page.bytes, job.page.start, length);
}

function takeFound(to: Found, { bytes, start, length, expiresAtMs }: Found): void {
  to.length = length;
  to.expiresAtMs = expiresAtMs;
  if (length !== NONE && length <= to.room) copyRun(bytes, start, to.bytes, to.start, length);
}

/** For now it is as if there were no such key, and no keys at all. */
function takeNothing(job: Job): void {
  job.result = Result.MISSING;
  job.found.length = NONE;
  job.found.expiresAtMs = 0;
  Object.assign(job.page, { cursor: 0, count: 0, length: 0 });
}
