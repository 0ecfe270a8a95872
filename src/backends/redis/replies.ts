/**
 * Replies of version 2 of RESP, as they come in pieces. A value is a view of the received bytes: who keeps it
 * copies it.
 * Source: the Redis serialization protocol specification.
 */

import { Buffer } from "node:buffer";

/** An error that the engine replied. */
export class EngineError {
  /** The first word, such as MOVED, and all of it. */
  readonly code: string;
  readonly text: string;

  constructor(text: string) {
    this.text = text;
    [this.code] = text.split(" ", 1);
  }
}

/** A simple string is text, a bulk string bytes; an integer is a safe number or a bigint. */
export type Reply = string | Uint8Array | number | bigint | null | EngineError | readonly Reply[];

/** What came is no RESP. */
export class NoRespError extends Error {}

const CR = 0x0d;
/** Longer lines are not RESP's: errors and simple strings are short. */
const MAX_LINE_BYTES = 64 * 1024;
/** The engine's own limit for a string. */
const MAX_BULK_BYTES = 512 * 1024 * 1024;
const MAX_ARRAY = 1_048_576;
const MAX_DEPTH = 8;
/** What has no end yet. */
const MORE = Symbol("more");
type More = typeof MORE;

export class ReplyReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /**
   * Takes received bytes, and gives the replies that are complete.
   * @throws {NoRespError}
   */
  take(chunk: Buffer, onReply: (reply: Reply) => void): void {
    this.#bytes = this.#at < this.#bytes.length
      ? Buffer.concat([this.#bytes.subarray(this.#at), chunk])
      : chunk;
    this.#at = 0;
    while (this.#at < this.#bytes.length) {
      const start = this.#at;
      const reply = this.#read(0);
      if (reply === MORE) {
        this.#at = start;
        return;
      }
      onReply(reply);
    }
    this.#bytes = Buffer.alloc(0);
    this.#at = 0;
  }

  #read(depth: number): Reply | More {
    const line = this.#readLine();
    if (line === MORE) return MORE;
    const sign = line[0];
    const text = line.slice(1);
    switch (sign) {
      case "+":
        return text;
      case "-":
        return new EngineError(text);
      case ":":
        return integerOf(text);
      case "$":
        return this.#readBulk(lengthOf(text, MAX_BULK_BYTES));
      case "*":
        return this.#readArray(lengthOf(text, MAX_ARRAY), depth);
      default:
        throw new NoRespError(line);
    }
  }

  /** Without its end. A line that is too long, or begins with what no reply begins with, is none. */
  #readLine(): string | More {
    const end = this.#bytes.indexOf(CR, this.#at);
    const isOver = end >= 0 && end + 1 < this.#bytes.length;
    const length = (end < 0 ? this.#bytes.length : end) - this.#at;
    const isForeign = this.#at < this.#bytes.length &&
      !"+-:$*".includes(String.fromCharCode(this.#bytes[this.#at]));
    if (length > MAX_LINE_BYTES || (isForeign && !isOver)) {
      throw new NoRespError(this.#bytes.toString("latin1", this.#at, this.#at + 64));
    }
    if (!isOver) return MORE;
    const line = this.#bytes.toString("latin1", this.#at, end);
    this.#at = end + 2;
    return line;
  }

  #readBulk(length: number): Uint8Array | null | More {
    if (length < 0) return null;
    const end = this.#at + length;
    if (end + 2 > this.#bytes.length) return MORE;
    const bulk = this.#bytes.subarray(this.#at, end);
    this.#at = end + 2;
    return bulk;
  }

  #readArray(length: number, depth: number): readonly Reply[] | null | More {
    if (length < 0) return null;
    if (depth === MAX_DEPTH) throw new NoRespError("arrays within arrays");
    const replies: Reply[] = [];
    for (let i = 0; i < length; i++) {
      const reply = this.#read(depth + 1);
      if (reply === MORE) return MORE;
      replies.push(reply);
    }
    return replies;
  }
}

function integerOf(text: string): number | bigint {
  if (!/^-?\d{1,20}$/.test(text)) throw new NoRespError(text);
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

function lengthOf(text: string, most: number): number {
  const length = Number(text);
  if (/^(?:-1|\d{1,10})$/.test(text) && length <= most) return length;
  throw new NoRespError(text);
}
