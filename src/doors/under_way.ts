/** The requests of a connection that wait for a store which answers later, in their order. */

import type { Buffer } from "node:buffer";
import type { Pass } from "./pass.ts";

/** Most requests that wait; the client's next ones are read when there is room. */
const MAX_REQUESTS = 256;
/** Most bytes of requests and replies in the line, as of a request. */
const MAX_BYTES = 4 * 1024 * 1024;
/** What a request costs besides its bytes. */
const REQUEST_BYTES = 512;

export interface WaitingRequest {
  readonly pass: Pass;
  readonly request: Buffer;
  /** What it is answered with; null if its answers are still to come. */
  readonly reply: Buffer | null;
}

export class UnderWay {
  readonly #line: WaitingRequest[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#line.length === 0;
  }

  /** Whether no other request may be begun now. */
  get isFull(): boolean {
    const last = this.#line.at(-1);
    if (last === undefined) return false;
    return last.pass.isStepwise || this.#line.length >= MAX_REQUESTS || this.#bytes >= MAX_BYTES;
  }

  get heldBytes(): number {
    return this.#line.reduce((sum, { pass }) => sum + pass.heldBytes, this.#bytes);
  }

  /** The first request, if it can be answered, or its next pass be begun. */
  get ready(): WaitingRequest | null {
    const first = this.#line[0];
    return first === undefined || first.pass.isUnderWay ? null : first;
  }

  add(request: WaitingRequest): void {
    this.#line.push(request);
    this.#bytes += costOf(request);
  }

  shift(): void {
    const first = this.#line.shift();
    if (first !== undefined) this.#bytes -= costOf(first);
  }

  clear(): void {
    for (const { pass } of this.#line.splice(0)) pass.onAnswered = () => {};
    this.#bytes = 0;
  }
}

function costOf({ request, reply }: WaitingRequest): number {
  return REQUEST_BYTES + request.length + (reply?.length ?? 0);
}
