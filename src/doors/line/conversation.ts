/** The line protocol on one connection: each line gets a line in reply. */

import type { Buffer } from "node:buffer";
import { MAX_KEY_BYTES } from "../../store/item.ts";
import { MAX_STORED_BYTES } from "../../store/store.ts";
import type { Conversation } from "../conversation.ts";
import type { Keyspace } from "../keyspace.ts";
import { carryOut } from "../pass.ts";
import type { Replies } from "../replies.ts";
import { type Context, perform, writeError } from "./commands.ts";
import { LineRequest } from "./request.ts";

const BASE64_BYTES = 4 * Math.ceil(MAX_STORED_BYTES / 3);
/** The longest request is a SETB64 of the largest value; extra blanks are allowed for. */
export const MAX_LINE_BYTES = BASE64_BYTES + MAX_KEY_BYTES + 64;

export class LineConversation implements Conversation {
  readonly #context: Context;
  /** How many bytes of an unfinished line were scanned for its end. */
  #scanned = 0;
  /** Whether the line at hand is too long, and its end is still to come. */
  #isSkipping = false;

  constructor(keyspace: Keyspace, replies: Replies) {
    this.#context = { keyspace, request: new LineRequest(), replies, isOver: false };
  }

  readonly penaltyMs = 0;

  rest(): number {
    return 0;
  }

  ended(): void {}

  get isOver(): boolean {
    return this.#context.isOver;
  }

  take(bytes: Buffer, start: number, end: number): number {
    const { request, keyspace } = this.#context;
    const lineEnd = LineRequest.endOf(bytes, start, this.#scanned, end);
    this.#scanned = lineEnd === 0 ? end - start : 0;
    const isTooLong = (lineEnd === 0 ? end : lineEnd) - start > MAX_LINE_BYTES;
    if (this.#isSkipping || isTooLong) return this.#skip(lineEnd, start, end);
    if (lineEnd === 0) return 0;
    keyspace.counters.line++;
    request.read(bytes, start, lineEnd);
    this.#perform(this.#context);
    request.release();
    return lineEnd - start;
  }

  again(bytes: Buffer): void {
    const request = new LineRequest();
    request.read(bytes, 0, bytes.length);
    this.#perform({ ...this.#context, request });
  }

  #perform(context: Context): void {
    carryOut(() => perform(context), context.replies, writeError);
  }

  writeError(message: string, replies: Replies): void {
    writeError(message, replies);
  }

  /** Takes the received part of a line that is too long; the error is sent at the line's end. */
  #skip(lineEnd: number, start: number, end: number): number {
    this.#scanned = 0;
    this.#isSkipping = lineEnd === 0;
    if (this.#isSkipping) return end - start;
    writeError(`the line is longer than ${MAX_LINE_BYTES} bytes`, this.#context.replies);
    return lineEnd - start;
  }
}
