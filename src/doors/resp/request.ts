/**
 * A request, in either version of RESP: an array of bulk strings, or a line of words typed by hand. It is read as far as
 * it has arrived, and reading goes on from there when more arrives.
 * Source: the Redis serialization protocol specification, version 2; limits and messages are those
 * of a Redis server with `proto-max-bulk-len 1mb`.
 */

import { Buffer } from "node:buffer";
import { MAX_STORED_BYTES, type Span } from "../../store/store.ts";
import { splitWords } from "./inline.ts";

/** Most arguments of a request, the command's name included … */
const MAX_ARGUMENTS = 65_536;
/** … and of a request typed by hand. */
const MAX_WORDS = 1_024;
/** Most arguments, and most bytes of one, before the password was given. */
const MAX_STRANGERS_ARGUMENTS = 10;
const MAX_STRANGERS_BYTES = 16_384;
/** Most bytes of a request. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** Most bytes of a line: a request typed by hand, or the announcement of a length. */
const MAX_LINE_BYTES = 64 * 1024;

const CR = 0x0d;
const LF = 0x0a;
const STAR = 0x2a;
const DOLLAR = 0x24;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const MAX_DIGITS = 10;

const USUAL_ARGUMENTS = 8;
const NOTHING = Buffer.alloc(0);

/** The client does not speak the protocol: it gets an error, and the connection ends. */
export class ProtocolViolation extends Error {}

/** Results of reading a number, other than a number: more must come, or it is not a number. */
const MORE = -2;
const NOT_A_NUMBER = -3;
const UNKNOWN = -1;
/** Any number below 0. */
const NEGATIVE = -1;

export class Request {
  /** The number of arguments, the command's name included. */
  count = 0;
  bytes: Buffer = NOTHING;
  /** Where the request begins in `bytes`; arguments are located from there. */
  #origin = 0;
  #starts = new Int32Array(USUAL_ARGUMENTS);
  #lengths = new Int32Array(USUAL_ARGUMENTS);
  #isTrusted = true;
  /** How many arguments were announced. */
  #expected = UNKNOWN;
  /** The length announced for the argument at hand. */
  #length = UNKNOWN;
  /** How far the request was read, from its beginning. */
  #read = 0;
  /** The position after the last number read. */
  #next = 0;

  /**
   * Goes on reading a request that begins at `start`.
   * @param isTrusted whether its sender has given the password, if one is asked for
   * @returns how many bytes it takes, or 0 if more must come; it may have no argument at all
   * @throws ProtocolViolation
   */
  read(bytes: Buffer, start: number, end: number, isTrusted = true): number {
    this.bytes = bytes;
    this.#isTrusted = isTrusted;
    this.#origin = start;
    if (this.#expected === UNKNOWN && bytes[start] !== STAR) return this.#readLine(start, end);
    if (!this.#readHead(end) || !this.#readArguments(end)) return 0;
    this.#expected = UNKNOWN;
    const length = this.#read;
    this.#read = 0;
    return length;
  }

  /** Releases the bytes, and after a whole request the memory used to read it. */
  release(): void {
    this.bytes = NOTHING;
    if (this.#expected !== UNKNOWN) return;
    this.count = 0;
    if (this.#starts.length > USUAL_ARGUMENTS) this.#makeRoom(USUAL_ARGUMENTS);
  }

  /** Memory held besides the received bytes. */
  get heldBytes(): number {
    const { length } = this.#starts;
    return length > USUAL_ARGUMENTS ? 2 * length * Int32Array.BYTES_PER_ELEMENT : 0;
  }

  startOf(argument: number): number {
    return this.#origin + this.#starts[argument];
  }

  lengthOf(argument: number): number {
    return this.#lengths[argument];
  }

  /** Points a span at an argument. */
  show(argument: number, span: Span): Span {
    span.bytes = this.bytes;
    span.start = this.startOf(argument);
    span.length = this.#lengths[argument];
    return span;
  }

  /** One character for each byte. */
  latin1(argument: number): string {
    const start = this.startOf(argument);
    return this.bytes.toString("latin1", start, start + this.#lengths[argument]);
  }

  /** Whether an argument is this word, in any case. @param word in lower case */
  is(argument: number, word: string): boolean {
    return this.#lengths[argument] === word.length &&
      this.latin1(argument).toLowerCase() === word;
  }

  #readHead(end: number): boolean {
    if (this.#expected !== UNKNOWN) return true;
    const count = this.#readNumber(1, end);
    if (count === MORE) return this.#waitForLine(end, "too big mbulk count string");
    if (count === NOT_A_NUMBER || count > MAX_ARGUMENTS) {
      throw new ProtocolViolation("invalid multibulk length");
    }
    this.#checkStrangers(count, 0);
    this.#begin(count);
    this.#read = this.#next;
    return true;
  }

  #checkStrangers(words: number, bytes: number): void {
    if (this.#isTrusted) return;
    if (words > MAX_STRANGERS_ARGUMENTS) {
      throw new ProtocolViolation("unauthenticated multibulk length");
    }
    if (bytes > MAX_STRANGERS_BYTES) throw new ProtocolViolation("unauthenticated bulk length");
  }

  #readArguments(end: number): boolean {
    while (this.count < this.#expected) {
      if (this.#length === UNKNOWN && !this.#readLength(end)) return false;
      const behind = this.#read + this.#length + 2;
      if (this.#origin + behind > end) return false;
      this.#add(this.#read, this.#length);
      this.#read = behind;
      this.#length = UNKNOWN;
    }
    return true;
  }

  #readLength(end: number): boolean {
    const at = this.#origin + this.#read;
    if (at >= end) return false;
    const first = this.bytes[at];
    const isLength = first === DOLLAR;
    // The line must be complete before it is judged, as in Redis.
    const length = isLength ? this.#readNumber(this.#read + 1, end) : MORE;
    if (length === MORE && (isLength || !this.#hasLine(at, end))) {
      return this.#waitForLine(end, "too big bulk count string");
    }
    if (!isLength) {
      throw new ProtocolViolation(`expected '$', got '${String.fromCharCode(first)}'`);
    }
    if (length < 0 || length > MAX_STORED_BYTES || this.#next + length > MAX_REQUEST_BYTES) {
      throw new ProtocolViolation("invalid bulk length");
    }
    this.#checkStrangers(0, length);
    this.#length = length;
    this.#read = this.#next;
    return true;
  }

  /** Reads a line that is a number. @param from relative to the beginning of the request */
  #readNumber(from: number, end: number): number {
    const { bytes } = this;
    let at = this.#origin + from;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    let number = 0;
    const first = at;
    while (at < end && bytes[at] >= ZERO && bytes[at] <= NINE && at - first < MAX_DIGITS) {
      number = number * 10 + bytes[at++] - ZERO;
    }
    if (at + 1 >= end) return MORE;
    const digits = at - first;
    const isPadded = bytes[first] === ZERO && (digits > 1 || isNegative);
    if (bytes[at] === CR && digits > 0 && !isPadded) {
      this.#next = at + 2 - this.#origin;
      return isNegative ? NEGATIVE : number;
    }
    return this.#hasLine(at, end) ? NOT_A_NUMBER : MORE;
  }

  #hasLine(from: number, end: number): boolean {
    const at = this.bytes.indexOf(CR, from);
    return at !== -1 && at + 1 < end;
  }

  #waitForLine(end: number, message: string): false {
    if (end - this.#origin - this.#read > MAX_LINE_BYTES) throw new ProtocolViolation(message);
    return false;
  }

  #readLine(start: number, end: number): number {
    const at = this.bytes.indexOf(LF, start + this.#read);
    if (at === -1 || at >= end) {
      this.#read = end - start;
      if (this.#read > MAX_LINE_BYTES) throw new ProtocolViolation("too big inline request");
      return 0;
    }
    const isCrlf = at > start && this.bytes[at - 1] === CR;
    const words = splitWords(this.bytes.toString("latin1", start, isCrlf ? at - 1 : at));
    if (words === null) throw new ProtocolViolation("unbalanced quotes in request");
    if (words.length > MAX_WORDS) throw new ProtocolViolation("too big inline request");
    this.#checkStrangers(words.length, Math.max(0, ...words.map(({ length }) => length)));
    this.#takeWords(words);
    return at + 1 - start;
  }

  #takeWords(words: readonly string[]): void {
    this.bytes = Buffer.from(words.join(""), "latin1");
    this.#origin = this.#read = 0;
    this.#begin(words.length);
    this.#expected = UNKNOWN;
    let start = 0;
    for (const { length } of words) {
      this.#add(start, length);
      start += length;
    }
  }

  #begin(expected: number): void {
    this.#expected = Math.max(expected, 0);
    this.count = 0;
  }

  #add(start: number, length: number): void {
    if (this.count === this.#starts.length) this.#makeRoom(2 * this.count);
    this.#starts[this.count] = start;
    this.#lengths[this.count++] = length;
  }

  #makeRoom(argumentCount: number): void {
    const [starts, lengths] = [this.#starts, this.#lengths];
    this.#starts = new Int32Array(argumentCount);
    this.#lengths = new Int32Array(argumentCount);
    this.#starts.set(starts.subarray(0, this.count));
    this.#lengths.set(lengths.subarray(0, this.count));
  }
}
