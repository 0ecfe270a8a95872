/** The requests queued between MULTI and EXEC, as the bytes of RESP. */

import { Buffer } from "node:buffer";
import type { Request } from "./request.ts";

/** Most bytes of a queue, as of a request … */
export const MAX_QUEUE_BYTES = 4 * 1024 * 1024;
/**
 * … most requests, where one that takes longer counts as several, and most words of all of them: EXEC
 * takes some fifty ms at most.
 */
export const MAX_QUEUED = 16_384;
const MAX_QUEUED_WORDS = 65_536;
const MIN_BYTES = 256;

const CRLF = "\r\n";

export class Transaction {
  /** How many requests are queued. */
  count = 0;
  /** Whether a request could not be queued: EXEC then carries nothing out. */
  isAborted = false;
  #bytes = Buffer.alloc(0);
  #length = 0;
  #words = 0;
  #weight = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Memory held. */
  get heldBytes(): number {
    return this.#bytes.length;
  }

  /** Lets go of the queue, since it will not be carried out. */
  abort(): void {
    this.isAborted = true;
    this.#bytes = Buffer.alloc(0);
    this.#length =
      this.count =
      this.#words =
      this.#weight =
        0;
  }

  /**
   * @param weight how many usual requests take as long
   * @returns false if the queue has no room for it
   */
  add(request: Request, weight: number): boolean {
    const length = encodedLength(request);
    this.#words += request.count;
    this.#weight += weight;
    const hasRoom = this.#weight <= MAX_QUEUED && this.#words <= MAX_QUEUED_WORDS &&
      this.#length + length <= MAX_QUEUE_BYTES;
    if (!hasRoom) return false;
    this.#reserve(length);
    this.#text(`*${request.count}${CRLF}`);
    for (let i = 0; i < request.count; i++) {
      this.#text(`$${request.lengthOf(i)}${CRLF}`);
      const start = request.startOf(i);
      const word = request.bytes.subarray(start, start + request.lengthOf(i));
      this.#length += word.copy(this.#bytes, this.#length);
      this.#text(CRLF);
    }
    this.count++;
    return true;
  }

  #text(text: string): void {
    this.#length += this.#bytes.write(text, this.#length, "latin1");
  }

  #reserve(length: number): void {
    const wanted = this.#length + length;
    if (wanted <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(MIN_BYTES, wanted, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

function encodedLength(request: Request): number {
  let length = 1 + String(request.count).length + CRLF.length;
  for (let i = 0; i < request.count; i++) {
    const bytes = request.lengthOf(i);
    length += 1 + String(bytes).length + 2 * CRLF.length + bytes;
  }
  return length;
}
