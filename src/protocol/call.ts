/** One call of a client, from when it is made until it has an answer or an error. */

import type { Effect } from "../errors.ts";
import type { CallLine } from "./call_line.ts";
import type { Request } from "./frame.ts";
import { isMutation, OPERATION_NAMES } from "./operations.ts";
import type { Transmission } from "./transmission.ts";

/** What came back: a reply's fields, in an array of its own. */
export interface Reply {
  readonly status: number;
  readonly toggles: number;
  readonly value: Uint8Array;
  /** Milliseconds; 0 for none or not told. */
  readonly remainingTtlMs: number;
}

/** When a call gives up. */
export interface Limit {
  /** Milliseconds from now. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** How a call ends: exactly one of the two is called, once. */
export interface Ending {
  readonly settle: (reply: Reply) => void;
  readonly fail: (error: Error) => void;
}

export class Call {
  readonly request: Request;
  readonly isMutation: boolean;
  /** Which call of its client it is, from 1. */
  readonly order: number;
  readonly startedAtMs: number;
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal | undefined;
  /** The line that it waits in, and who stands before and behind it; CallLine keeps these. */
  line: CallLine | null = null;
  before: Call | null = null;
  behind: Call | null = null;
  /** What is on its way for this call; null while it waits for its turn and when it has ended. */
  transmission: Transmission | null = null;
  /** Whether a copy is out that the server may carry out, or may have carried out. */
  mayHaveActed = false;
  /** Whether that was so on an earlier boot of the server. */
  mayHaveActedBefore = false;
  readonly #ending: Ending;
  #onAbort: (() => void) | undefined;

  constructor(request: Request, limit: Limit, order: number, nowMs: number, ending: Ending) {
    this.request = request;
    this.isMutation = isMutation(request.operation);
    this.order = order;
    this.startedAtMs = nowMs;
    this.deadlineAtMs = nowMs + limit.timeoutMs;
    this.signal = limit.signal;
    this.#ending = ending;
  }

  get name(): string {
    return OPERATION_NAMES[this.request.operation];
  }

  /** What is known of its effect if it ended now. */
  get effect(): Effect {
    return this.mayHaveActed ? "unknown" : "none";
  }

  onAbort(listener: () => void): void {
    this.#onAbort = listener;
    this.signal?.addEventListener("abort", listener);
  }

  settle(reply: Reply): void {
    this.#end();
    this.#ending.settle(reply);
  }

  fail(error: Error): void {
    this.#end();
    this.#ending.fail(error);
  }

  #end(): void {
    this.transmission = null;
    if (this.#onAbort !== undefined) this.signal?.removeEventListener("abort", this.#onAbort);
  }
}
