/**
 * Replies on their way to a socket. One object serves every connection, since requests are carried
 * out one at a time and their replies are copied out before the next connection's turn.
 */

import { Buffer } from "node:buffer";
import { assert } from "../assert.ts";
import { copyRun } from "../store/copy.ts";
import { MAX_STORED_BYTES } from "../store/store.ts";

/** Replies are sent at this many bytes, or when there is nothing more to answer. */
export const FLUSH_BYTES = 64 * 1024;
/** Room for one more value after those, as base64 at most; a larger buffer is not kept. */
const USUAL_BYTES = FLUSH_BYTES + 2 * MAX_STORED_BYTES;

export class Replies {
  bytes: Buffer = Buffer.allocUnsafeSlow(USUAL_BYTES);
  length = 0;
  /** Bytes that were written and taken back, since the start. */
  takenBack = 0;

  /** Makes room for this many more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.length + count, 2 * this.bytes.length));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** A short ASCII text. */
  ascii(text: string): void {
    this.reserve(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i);
  }

  /** Any text, as UTF-8. */
  text(text: string): void {
    this.reserve(3 * text.length);
    this.length += this.bytes.write(text, this.length);
  }

  /** One byte for each character, as a request's `latin1` reads it. */
  latin1(text: string): void {
    this.reserve(text.length);
    this.length += this.bytes.write(text, this.length, "latin1");
  }

  copy(bytes: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    copyRun(bytes, start, this.bytes, this.length, length);
    this.length += length;
  }

  /** A safe integer in decimal. */
  integer(number: number): void {
    assert(Number.isSafeInteger(number), "a number in a reply is a safe integer");
    this.ascii(String(number));
  }

  /** Takes back everything written after a position. */
  takeBack(to: number): void {
    this.takenBack += this.length - to;
    this.length = to;
  }

  /** All bytes written. */
  get written(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > USUAL_BYTES) this.bytes = Buffer.allocUnsafeSlow(USUAL_BYTES);
  }
}
