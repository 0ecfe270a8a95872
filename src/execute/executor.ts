/**
 * The seam between requests and storage. A wire or a door turns a request into a job, an executor
 * carries out the job, and the job then holds the outcome. Memory answers at once. A journal
 * answers at once too, but its answer may not be settled yet. An executor with a network behind it
 * may answer later.
 *
 * One rule holds for every answer: if it reveals state that is not settled, it waits until that
 * state is settled. No other answer waits.
 */

import type { Section } from "../section.ts";
import {
  type Found,
  NONE,
  type Observer,
  type Page,
  Result,
  type Span,
  type StoreCounts,
} from "../store/store.ts";

/** What a job does to one key, or to all keys with a prefix. */
export const Action = {
  /** Read the value; the key counts as read. */
  GET: 0,
  /** Read the value; the key does not count as read. */
  PEEK: 1,
  /** Read the expiry; the key counts as read. */
  EXISTS: 2,
  /** Tell a page of keys. */
  SCAN: 3,
  SET: 4,
  DELETE: 5,
  ADD: 6,
  TOUCH: 7,
  /** Remove all keys with a prefix. */
  DROP: 8,
} as const;
export type Action = (typeof Action)[keyof typeof Action];

/** Whether an action changes nothing. */
export const isRead = (action: Action): boolean => action <= Action.SCAN;

/** A settlement: the number of the batch that an answer depends on. Batches count from 1. */
export type Settlement = number;
/** The settlement of an answer that depends on nothing. */
export const SETTLED: Settlement = 0;

/** Why something could not be made durable, as human-readable text. */
export type Problem = string;

/** A settlement that failed: this one and all later ones were taken back. */
export interface Refusal {
  readonly problem: Problem;
  readonly from: Settlement;
}

/** Called when a settlement is over: with null when all changes up to it are durable. */
export type OnSettled = (refusal: Refusal | null) => void;

const NO_BYTES = new Uint8Array(0);

/** The stream of a job that need not follow another. */
export const NO_STREAM = 0;

/** One action on one key, or on a prefix. A job is reused for the next action. */
export class Job {
  action: Action = Action.GET;
  /** A key; for SCAN and DROP a prefix, which may be empty. */
  readonly key: Span = { bytes: NO_BYTES, start: 0, length: 0 };
  /** For SET: 0 bytes to 1 MiB. */
  readonly value: Span = { bytes: NO_BYTES, start: 0, length: 0 };
  /** For ADD: signed 64 bits. */
  delta = 0n;
  /** For SET: whether an existing value is replaced. */
  overwrite = false;
  /** For SET and DELETE: whether only a value that is equal to `expected` is replaced or removed. */
  ifEqual = false;
  readonly expected: Span = { bytes: NO_BYTES, start: 0, length: 0 };
  /** For SET, ADD and TOUCH: whole ms on the store's clock; 0 for never. */
  expiresAtMs = 0;
  /** Jobs of one stream that change something are carried out in their order; a number, or NO_STREAM. */
  stream = NO_STREAM;
  /** For GET and PEEK: whether it is asked when the key expires. */
  wantsExpiry = true;
  /** For reads: whether they see only settled state, and so do not wait. */
  readsSettled = false;
  /** Where the value that the action finds goes. */
  found: Found = { bytes: NO_BYTES, start: 0, room: NONE, length: NONE, expiresAtMs: 0 };

  /** For SCAN: the page. */
  page: Page = {
    ...{ cursor: 0, bytes: NO_BYTES, start: 0, room: 0, mostKeys: 0, maxKeyBytes: 0 },
    ...{ count: 0, length: 0 },
  };

  /** Out: the outcome. */
  result: Result = Result.MISSING;
  /** Out: why it is UNAVAILABLE or UNKNOWN, as a sentence without its end. */
  problem = "";
  /** Out: what must settle before the result may be reported. */
  settlesWith: Settlement = SETTLED;
  /** Out: bytes of stored values that had to be copied beyond what was requested. */
  copiedBytes = 0;
}

export interface Executor {
  readonly counts: StoreCounts;
  /** Whether stored data outlives the process. */
  readonly isDurable: boolean;
  /** Whether most jobs are answered later. */
  readonly answersLater: boolean;
  /** Why no job can be carried out at present, as a sentence without its end; null if they can. */
  readonly outage: string | null;
  /** STATS sections about this executor, by name. */
  readonly sections: ReadonlyMap<string, Section>;
  /** What must settle before an answer that depends on all keys may be given. */
  readonly newest: Settlement;
  /**
   * What must settle before this executor answers every job but DROP at once; SETTLED for nothing.
   * Who can't wait within a request waits for this before it.
   */
  readonly barrier: Settlement;

  /** Whether a DROP of a prefix would be answered at once. */
  admitsDrop(prefix: Span): boolean;

  /**
   * Carries out a job after all earlier jobs on its key, and after all earlier changes of its stream. An executor that answers later points the
   * job's spans at copies of its own, since their bytes may be overwritten once this returns. It writes to
   * `job.found` only in the step in which it calls `resume`.
   * @returns true if the job is done; false if `resume` will be called when it is
   */
  execute(job: Job, resume: () => void): boolean;

  /** From now on tells an observer of every change in memory, settled or not; null ends that. */
  observe(observer: Observer | null): void;

  /** Calls back once a settlement is over, never before this returns. */
  whenSettled(settlement: Settlement, onSettled: OnSettled): void;
}
