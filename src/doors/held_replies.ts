/**
 * The replies of one connection's turn, held until what they report is settled. A reply is replaced
 * by an error if what it reported was taken back.
 */

import { Buffer } from "node:buffer";
import { assert } from "../assert.ts";
import type { Refusal, Settlement } from "../execute/executor.ts";
import type { Replies } from "./replies.ts";

/** A reply that reports something unsettled: its place in the written bytes, and its settlement. */
export interface Dependence {
  readonly start: number;
  readonly end: number;
  readonly settlesWith: Settlement;
}

export class HeldReplies {
  /** The settlement that all replies wait for. */
  readonly settlesWith: Settlement;
  readonly #bytes: Buffer;
  readonly #dependences: readonly Dependence[];

  /** @param dependences at least one, in order */
  constructor(replies: Replies, dependences: readonly Dependence[]) {
    assert(dependences.length > 0, "replies that depend on nothing are not held");
    this.#bytes = Buffer.from(replies.written);
    this.#dependences = dependences;
    this.settlesWith = dependences.reduce((most, each) => Math.max(most, each.settlesWith), 0);
  }

  /** Bytes held. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Writes the replies, with an error instead of each reply that is no longer true. */
  write(
    replies: Replies,
    refusal: Refusal | null,
    writeError: (problem: string) => void,
  ): void {
    let at = 0;
    for (const { start, end, settlesWith } of this.#dependences) {
      if (refusal === null || settlesWith < refusal.from) continue;
      replies.copy(this.#bytes, at, start - at);
      if (end > start) writeError(refusal.problem);
      at = end;
    }
    replies.copy(this.#bytes, at, this.#bytes.length - at);
  }
}
