/** The calls of a client that wait for their turn, in the order in which they were made. */

import type { Call } from "./call.ts";
import { CallLine } from "./call_line.ts";

export class WaitingCalls {
  readonly #queries = new CallLine();
  readonly #mutations = new CallLine();
  /** Mutations to be sealed anew: at most as many as may be outstanding. */
  readonly #returned = new CallLine();
  /** No deadline of a waiting call is before this. */
  #deadlineAtMs = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#queries.size + this.#mutations.size + this.#returned.size;
  }

  /** Where the next scan for passed deadlines is due, or before. */
  get deadlineAtMs(): number {
    return this.#deadlineAtMs;
  }

  get firstQuery(): Call | null {
    return this.#queries.first;
  }

  get firstMutation(): Call | null {
    return this.#returned.first ?? this.#mutations.first;
  }

  add(call: Call): void {
    this.#addTo(call.isMutation ? this.#mutations : this.#queries, call);
  }

  /** Puts a mutation that had its turn before those that did not. */
  addReturned(call: Call): void {
    this.#addTo(this.#returned, call);
  }

  delete(call: Call): void {
    call.line?.delete(call);
    if (this.size === 0) this.#deadlineAtMs = Number.POSITIVE_INFINITY;
  }

  *[Symbol.iterator](): Iterator<Call> {
    yield* this.#returned;
    yield* this.#mutations;
    yield* this.#queries;
  }

  /** The calls whose deadline has passed; costs nothing while none can have. */
  late(nowMs: number): Call[] {
    if (nowMs < this.#deadlineAtMs) return [];
    this.#deadlineAtMs = Number.POSITIVE_INFINITY;
    const late: Call[] = [];
    for (const call of this) {
      if (call.deadlineAtMs <= nowMs) late.push(call);
      else this.#deadlineAtMs = Math.min(this.#deadlineAtMs, call.deadlineAtMs);
    }
    return late;
  }

  #addTo(line: CallLine, call: Call): void {
    line.add(call);
    this.#deadlineAtMs = Math.min(this.#deadlineAtMs, call.deadlineAtMs);
  }
}
