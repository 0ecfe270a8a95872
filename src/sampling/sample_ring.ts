/**
 * Samples on their way from a reader to the server's thread: a ring in shared memory. When the ring is
 * full a sample is lost.
 */

import { MAX_KEY_BYTES } from "../protocol/frame.ts";
import type { Span } from "../store/store.ts";
import { latin1Of } from "./latin1.ts";
import type { Sample } from "./samples.ts";

/** What was taken and what was put, in samples; each on its own cache line. */
const TAKEN_AT = 0;
const PUT_AT = 16;
const HEAD_BYTES = 32 * Int32Array.BYTES_PER_ELEMENT;
/** As many as a reader has in a second, the longest time between two collections. */
const SLOTS = 1_024;
/** A slot: the weight, the time in µs, the key's length, and the key. */
const HEAD_WORDS = 3;
const SLOT_BYTES = HEAD_WORDS * Int32Array.BYTES_PER_ELEMENT + MAX_KEY_BYTES;
const SLOT_WORDS = Math.ceil(SLOT_BYTES / Int32Array.BYTES_PER_ELEMENT);
export const SAMPLE_RING_BYTES = HEAD_BYTES + SLOTS * SLOT_WORDS * Int32Array.BYTES_PER_ELEMENT;

export class SampleRing {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  /** @param memory SAMPLE_RING_BYTES */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
  }

  /** The reader's side: a read of a key of 1 to 128 bytes. */
  put(key: Span, us: number, weight: number): void {
    const put = this.#words[PUT_AT];
    if (((put - Atomics.load(this.#words, TAKEN_AT)) | 0) >= SLOTS) return;
    const at = slotAt(put);
    this.#words[at] = weight;
    this.#words[at + 1] = Math.round(us);
    this.#words[at + 2] = key.length;
    const keyAt = (at + HEAD_WORDS) * Int32Array.BYTES_PER_ELEMENT;
    this.#bytes.set(key.bytes.subarray(key.start, key.start + key.length), keyAt);
    Atomics.store(this.#words, PUT_AT, put + 1);
  }

  /** The server's side: passes on what is there, at most SLOTS. */
  takeAll(onSample: (sample: Sample) => void): void {
    const put = Atomics.load(this.#words, PUT_AT);
    for (let taken = this.#words[TAKEN_AT]; taken !== put; taken = (taken + 1) | 0) {
      const at = slotAt(taken);
      const start = (at + HEAD_WORDS) * Int32Array.BYTES_PER_ELEMENT;
      const key = latin1Of({ bytes: this.#bytes, start, length: this.#words[at + 2] });
      onSample({ isRead: true, key, us: this.#words[at + 1], weight: this.#words[at] });
      Atomics.store(this.#words, TAKEN_AT, taken + 1);
    }
  }
}

const slotAt = (sample: number): number =>
  HEAD_BYTES / Int32Array.BYTES_PER_ELEMENT + (sample & (SLOTS - 1)) * SLOT_WORDS;
