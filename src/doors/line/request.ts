/** A request of the line protocol: words separated by blanks, ended by LF or CR LF. */

import { Buffer } from "node:buffer";
import type { Span } from "../../store/store.ts";

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

const NOTHING = Buffer.alloc(0);

/** More than any request has. */
const MAX_WORDS = 6;

export class LineRequest {
  bytes: Buffer = NOTHING;
  /** The number of words, the command included; counted up to six. */
  count = 0;
  readonly #starts = new Int32Array(MAX_WORDS);
  readonly #ends = new Int32Array(MAX_WORDS);
  #end = 0;

  /** Where the line that begins at `start` ends, its LF included; 0 if it does not end yet. */
  static endOf(bytes: Buffer, start: number, scanned: number, end: number): number {
    const at = bytes.indexOf(LF, start + scanned);
    return at === -1 || at >= end ? 0 : at + 1;
  }

  /** Releases the bytes. */
  release(): void {
    this.bytes = NOTHING;
  }

  /** @param end just after the line's LF */
  read(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.#end = end - 1 > start && bytes[end - 2] === CR ? end - 2 : end - 1;
    this.count = 0;
    let at = start;
    while (this.count < MAX_WORDS) {
      while (at < this.#end && isBlank(bytes[at])) at++;
      if (at === this.#end) return;
      this.#starts[this.count] = at;
      while (at < this.#end && !isBlank(bytes[at])) at++;
      this.#ends[this.count++] = at;
    }
  }

  /** One character for each byte. */
  latin1(word: number): string {
    return this.bytes.toString("latin1", this.#starts[word], this.#ends[word]);
  }

  show(word: number, span: Span): void {
    span.bytes = this.bytes;
    span.start = this.#starts[word];
    span.length = this.#ends[word] - span.start;
  }

  /** How many blanks precede a word that is not the first. */
  blanksBefore(word: number): number {
    return this.#starts[word] - this.#ends[word - 1];
  }

  /** Everything after a word and the one blank that follows it. */
  showRest(word: number, span: Span): void {
    span.bytes = this.bytes;
    span.start = Math.min(this.#ends[word] + 1, this.#end);
    span.length = this.#end - span.start;
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
