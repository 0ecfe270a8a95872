/** One call by a client, from its start until its answer or its error. */

import type { Effect } from "../errors.ts";
import { onAbort } from "./aborts.ts";
import type { Linked } from "./call_line.ts";
import type { Request } from "./frame.ts";
import { isMutation, OPERATION_NAMES } from "./operations.ts";
import type { Transmission } from "./transmission.ts";

/** The fields of a reply; the value is in an array of its own. */
export interface Reply {
  readonly status: number;
  readonly toggles: number;
  readonly value: Uint8Array;
  /** Milliseconds; 0 for none or not reported. */
  readonly remainingTtlMs: number;
  /** No server was asked, since the one that has the key is down. */
  readonly isDown?: true;
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

export class Call implements Linked<Call> {
  readonly request: Request;
  readonly isMutation: boolean;
  readonly startedAtMs: number;
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal | undefined;
  /** The line that the call waits in, and its neighbours there; CallLine maintains these. */
  line: object | null = null;
  before: Call | null = null;
  behind: Call | null = null;
  /** The datagram in flight; null while the call waits for its turn and after it has ended. */
  transmission: Transmission | null = null;
  /** Whether a copy was sent that the server may carry out, or may have carried out. */
  mayHaveActed = false;
  /** Whether `mayHaveActed` was true for an earlier boot of the server. */
  mayHaveActedBefore = false;
  readonly #ending: Ending;
  #forgetAbort: (() => void) | undefined;

  constructor(request: Request, limit: Limit, nowMs: number, ending: Ending) {
    this.request = request;
    this.isMutation = isMutation(request.operation);
    this.startedAtMs = nowMs;
    this.deadlineAtMs = nowMs + limit.timeoutMs;
    this.signal = limit.signal;
    this.#ending = ending;
  }

  get name(): string {
    return OPERATION_NAMES[this.request.operation];
  }

  /** The known effect of the call if it ended now. */
  get effect(): Effect {
    return this.mayHaveActed ? "unknown" : "none";
  }

  onAbort(listener: () => void): void {
    if (this.signal !== undefined) this.#forgetAbort = onAbort(this.signal, listener);
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
    this.#forgetAbort?.();
  }
}
