/**
 * A queue of calls. Joining at the end and leaving from anywhere take constant time. (Finding the
 * first entry of a Set steps over all entries deleted before it.)
 */

import { assert } from "../assert.ts";

/** An element of at most one line; the line maintains these fields. */
export interface Linked<T> {
  line: object | null;
  before: T | null;
  behind: T | null;
}

export class CallLine<Call extends Linked<Call>> {
  #first: Call | null = null;
  #last: Call | null = null;
  #size = 0;

  get first(): Call | null {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  /** @param call one that is in no line */
  add(call: Call): void {
    assert(call.line === null, "a call stands in one line");
    call.line = this;
    call.before = this.#last;
    if (this.#last === null) this.#first = call;
    else this.#last.behind = call;
    this.#last = call;
    this.#size++;
  }

  /** Does nothing to a call that is not in this line. */
  delete(call: Call): void {
    if (call.line !== this) return;
    if (call.before === null) this.#first = call.behind;
    else call.before.behind = call.behind;
    if (call.behind === null) this.#last = call.before;
    else call.behind.before = call.before;
    call.line = call.before = call.behind = null;
    this.#size--;
  }

  *[Symbol.iterator](): Iterator<Call> {
    for (let call = this.#first; call !== null; call = call.behind) yield call;
  }
}
