/**
 * The replies of one connection's turn, held until what they tell is durable. A request's reply is an
 * error instead if what it told was taken back.
 */

import { Buffer } from "node:buffer";
import type { Replies } from "./replies.ts";

export class HeldReplies {
  readonly #bytes: Buffer;
  /** Where replies begin and end that tell what may not be durable, two numbers each. */
  readonly #doubtful: readonly number[];

  /** @param doubtful where such replies begin and end in what was written */
  constructor(replies: Replies, doubtful: readonly number[]) {
    this.#bytes = Buffer.from(replies.written);
    this.#doubtful = doubtful;
  }

  /** Bytes that it holds. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Writes the replies as they are. */
  confirm(replies: Replies): void {
    replies.copy(this.#bytes, 0, this.#bytes.length);
  }

  /** Writes the replies, with an error in the place of each that is no longer true. */
  refuse(replies: Replies, writeError: () => void): void {
    let at = 0;
    for (let i = 0; i < this.#doubtful.length; i += 2) {
      const [start, end] = [this.#doubtful[i], this.#doubtful[i + 1]];
      replies.copy(this.#bytes, at, start - at);
      if (end > start) writeError();
      at = end;
    }
    replies.copy(this.#bytes, at, this.#bytes.length - at);
  }
}
