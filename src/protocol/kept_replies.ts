/**
 * The replies to recent mutations, kept so that a retransmission gets the first copy's answer:
 * a ring of 8 MiB outside the heap, where a new reply replaces the oldest.
 * Source: docs/WIRE.md, section 5.
 *
 * A position counts all bytes ever written, so a reply is still there while its position is at
 * most a ring behind the end. Replies whose nonces hash alike are linked, newest first. A link
 * that leads out of the ring ends the search, so nothing is ever removed from the index.
 */

import { assert } from "../assert.ts";
import { equalBytes, readU32, readU64, writeU64 } from "../bytes.ts";
import { NONCE_BYTES } from "./datagram.ts";
import { MAX_VALUE_BYTES, type Outcome, VALUE_AT } from "./frame.ts";

const RING_BYTES = 8 * 1024 * 1024;
/** A list holds at most four replies on average, even if all have the smallest size. */
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
   * Keeps the outcome of the mutation whose nonce begins `datagram`; its value is in
   * `frame`, where a reply has its value.
   * @param isHeld whether the reply must not be sent before `release`
   * @returns the position of the kept reply
   */
  keep(
    datagram: Uint8Array,
    outcome: Outcome,
    frame: Uint8Array,
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
    for (let i = 0; i < outcome.length; i++) ring[at + ENTRY_VALUE_AT + i] = frame[VALUE_AT + i];
    const position = this.#end - (ENTRY_VALUE_AT + outcome.length);
    this.#newest[list] = position + 1;
    return position;
  }

  /**
   * Finds the reply to the mutation whose nonce begins `datagram`; writes its value to `frame`
   * and the rest to `outcome`.
   * @returns false if the reply is no longer kept
   */
  find(datagram: Uint8Array, outcome: Outcome, frame: Uint8Array): boolean {
    const at = this.#locate(datagram);
    if (at < 0) return false;
    const ring = this.#ring;
    outcome.status = ring[at + STATUS_AT];
    outcome.toggles = ring[at + TOGGLES_AT];
    outcome.length = ring[at + LENGTH_AT] | (ring[at + LENGTH_AT + 1] << 8);
    outcome.expiresAtMs = readU64(ring, at + EXPIRY_AT);
    for (let i = 0; i < outcome.length; i++) frame[VALUE_AT + i] = ring[at + ENTRY_VALUE_AT + i];
    return true;
  }

  /** Lets the reply kept at a position, if it is still kept, be sent from now on. */
  release(position: number): void {
    if (position < this.#end - this.#ring.length) return;
    this.#ring[(position % this.#ring.length) + HELD_AT] = 0;
  }

  isHeld(datagram: Uint8Array): boolean {
    const at = this.#locate(datagram);
    return at >= 0 && this.#ring[at + HELD_AT] === 1;
  }

  /** Claims contiguous room for an entry; returns its offset in the ring. */
  #claim(bytes: number): number {
    const ringBytes = this.#ring.length;
    const at = this.#end % ringBytes;
    const skip = at + bytes > ringBytes ? ringBytes - at : 0;
    this.#end += skip + bytes;
    return skip > 0 ? 0 : at;
  }

  /** The offset of a nonce's entry, or −1. Each step goes to an older entry, so the search ends. */
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
