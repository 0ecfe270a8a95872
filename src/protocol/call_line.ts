/**
 * Calls in a row: one joins at the end, and any of them leaves, in the same few steps however many
 * there are. (Of a Set, finding the first steps over all that left before it.)
 */

import { assert } from "../assert.ts";
import type { Call } from "./call.ts";

export class CallLine {
  #first: Call | null = null;
  #last: Call | null = null;
  #size = 0;

  get first(): Call | null {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  /** @param call one that stands in no line */
  add(call: Call): void {
    assert(call.line === null, "a call stands in one line");
    call.line = this;
    call.before = this.#last;
    if (this.#last === null) this.#first = call;
    else this.#last.behind = call;
    this.#last = call;
    this.#size++;
  }

  /** Does nothing to a call that does not stand here. */
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
