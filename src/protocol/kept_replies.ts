/**
 * The replies to recent mutations, kept so that a retransmission gets the answer of the first
 * copy: a ring of 8 MiB outside the heap, where a new reply takes the place of the oldest.
 * Source: docs/WIRE.md, section 5.
 *
 * A position counts the bytes ever written, so a reply is still there while its position is at
 * most a ring behind the end. Replies whose nonces hash alike are linked, newest first, and a
 * link that leads out of the ring ends the search: nothing is ever removed from the index.
 */

import { assert } from "../assert.ts";
import { equalBytes, readU32, readU64, writeU64 } from "./bytes.ts";
import { NONCE_BYTES } from "./datagram.ts";
import { MAX_VALUE_BYTES, type Outcome } from "./frame.ts";

const RING_BYTES = 8 * 1024 * 1024;
/** So that a list holds four replies at most on average, when all are of the smallest size. */
const LISTS = 2 ** 16;

/** An entry: link ‖ nonce ‖ status ‖ toggles ‖ value length ‖ expiry ‖ held ‖ value. */
const LINK_AT = 0;
const NONCE_AT = LINK_AT + 8;
const STATUS_AT = NONCE_AT + NONCE_BYTES;
const TOGGLES_AT = STATUS_AT + 1;
const LENGTH_AT = TOGGLES_AT + 1;
const EXPIRY_AT = LENGTH_AT + 2;
const HELD_AT = EXPIRY_AT + 8;
const ENTRY_VALUE_AT = HELD_AT + 1;
const MAX_ENTRY_BYTES = ENTRY_VALUE_AT + MAX_VALUE_BYTES;

assert(MAX_VALUE_BYTES < 2 ** 16, "a kept length fits two bytes");
assert(RING_BYTES > MAX_ENTRY_BYTES, "a reply fits the ring");

export class KeptReplies {
  readonly #ring: Uint8Array;
  /** The position of the newest entry of each list, plus one; 0 for none. */
  readonly #newest = new Float64Array(LISTS);
  #end = 0;

  constructor(ringBytes = RING_BYTES) {
    assert(ringBytes >= MAX_ENTRY_BYTES, "a reply fits the ring");
    this.#ring = new Uint8Array(ringBytes);
  }

  /**
   * Keeps the outcome of the mutation whose nonce opens `datagram`; its value is at `valueAt`.
   * @param isHeld whether it is to be told only later, by `release`
   * @returns the position of what is kept
   */
  keep(
    datagram: Uint8Array,
    outcome: Outcome,
    frame: Uint8Array,
    valueAt: number,
    isHeld = false,
  ): number {
    const at = this.#claim(ENTRY_VALUE_AT + outcome.length);
    const list = listOf(datagram);
    const ring = this.#ring;
    writeU64(ring, at + LINK_AT, this.#newest[list]);
    for (let i = 0; i < NONCE_BYTES; i++) ring[at + NONCE_AT + i] = datagram[i];
    ring[at + STATUS_AT] = outcome.status;
    ring[at + TOGGLES_AT] = outcome.toggles;
    ring[at + LENGTH_AT] = outcome.length;
    ring[at + LENGTH_AT + 1] = outcome.length >>> 8;
    writeU64(ring, at + EXPIRY_AT, outcome.expiresAtMs);
    ring[at + HELD_AT] = isHeld ? 1 : 0;
    for (let i = 0; i < outcome.length; i++) ring[at + ENTRY_VALUE_AT + i] = frame[valueAt + i];
    const position = this.#end - (ENTRY_VALUE_AT + outcome.length);
    this.#newest[list] = position + 1;
    return position;
  }

  /**
   * Finds the reply to the mutation whose nonce opens `datagram`; writes its value to `frame`
   * at `valueAt` and the rest to `outcome`.
   * @returns false when it is no longer kept
   */
  find(datagram: Uint8Array, outcome: Outcome, frame: Uint8Array, valueAt: number): boolean {
    const at = this.#locate(datagram);
    if (at >= 0) this.#read(at, outcome, frame, valueAt);
    return at >= 0;
  }

  /**
   * As `find`, of what is kept at a position; it is no longer held then.
   * @returns false when it is no longer kept
   */
  release(position: number, outcome: Outcome, frame: Uint8Array, valueAt: number): boolean {
    if (position < this.#end - this.#ring.length) return false;
    const at = position % this.#ring.length;
    this.#ring[at + HELD_AT] = 0;
    this.#read(at, outcome, frame, valueAt);
    return true;
  }

  isHeld(datagram: Uint8Array): boolean {
    const at = this.#locate(datagram);
    return at >= 0 && this.#ring[at + HELD_AT] === 1;
  }

  #read(at: number, outcome: Outcome, frame: Uint8Array, valueAt: number): void {
    const ring = this.#ring;
    outcome.status = ring[at + STATUS_AT];
    outcome.toggles = ring[at + TOGGLES_AT];
    outcome.length = ring[at + LENGTH_AT] | (ring[at + LENGTH_AT + 1] << 8);
    outcome.expiresAtMs = readU64(ring, at + EXPIRY_AT);
    for (let i = 0; i < outcome.length; i++) frame[valueAt + i] = ring[at + ENTRY_VALUE_AT + i];
  }

  /** Takes room for an entry in one piece; returns its offset in the ring. */
  #claim(bytes: number): number {
    const ringBytes = this.#ring.length;
    const at = this.#end % ringBytes;
    const skip = at + bytes > ringBytes ? ringBytes - at : 0;
    this.#end += skip + bytes;
    return skip > 0 ? 0 : at;
  }

  /** The offset of a nonce's entry, or −1. Each step goes to an older entry, so it ends. */
  #locate(datagram: Uint8Array): number {
    const ringBytes = this.#ring.length;
    let position = this.#newest[listOf(datagram)] - 1;
    while (position >= 0 && position >= this.#end - ringBytes) {
      const at = position % ringBytes;
      if (equalBytes(this.#ring, at + NONCE_AT, datagram, 0, NONCE_BYTES)) return at;
      position = readU64(this.#ring, at + LINK_AT) - 1;
    }
    return -1;
  }
}

/** Consecutive sequences of a stream fall into different lists. */
function listOf(nonce: Uint8Array): number {
  const mixed = readU32(nonce, 4) ^ Math.imul(readU32(nonce, 8), 0x9e3779b1);
  return (mixed ^ (mixed >>> 16)) & (LISTS - 1);
}
