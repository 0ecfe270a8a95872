/** One sealed datagram on its way, with the copies that were sent of it. */

import { assert } from "../assert.ts";
import { equalBytes } from "./bytes.ts";
import { NONCE_BYTES } from "./datagram.ts";
import type { Epoch } from "./epoch.ts";
import { META_AT } from "./frame.ts";
import { sequenceOf } from "./streams.ts";

/**
 * Waits double up to this. With 64 requests outstanding that is at most 640 datagrams a second;
 * without it, a call of two seconds on a bad network would have too few copies to count on.
 */
const LONG_INTERVAL_MS = 100;

export class Transmission {
  readonly datagram: Uint8Array;
  /** The epoch that a mutation is sealed under. */
  readonly epoch: Epoch | null;
  readonly sequence: number;
  /** Which of the client's first sends it was, from 1; 0 before it is sent. */
  sendOrder = 0;
  sentAtMs = 0;
  copies = 0;
  /** When the next copy is due; Infinity before the first. */
  nextCopyAtMs = Number.POSITIVE_INFINITY;
  #intervalMs = 0;

  /** @param datagram one that begins with its nonce */
  constructor(datagram: Uint8Array, epoch: Epoch | null) {
    this.datagram = datagram;
    this.epoch = epoch;
    this.sequence = sequenceOf(datagram);
  }

  /** Notes the first copy. */
  begin(sendOrder: number, nowMs: number, intervalMs: number): void {
    assert(this.copies === 0, "a transmission begins once");
    this.sendOrder = sendOrder;
    this.sentAtMs = nowMs;
    this.#intervalMs = intervalMs;
    this.#count(nowMs);
  }

  /** Notes another copy; the wait for the next one doubles until it is long enough. */
  repeat(nowMs: number): void {
    if (this.#intervalMs < LONG_INTERVAL_MS) {
      this.#intervalMs = Math.min(this.#intervalMs * 2, LONG_INTERVAL_MS);
    }
    this.#count(nowMs);
  }

  /** Whether a reply echoes the nonce of this datagram. */
  isAnsweredBy(reply: Uint8Array): boolean {
    return (
      sequenceOf(reply, META_AT) === this.sequence &&
      equalBytes(reply, META_AT, this.datagram, 0, NONCE_BYTES)
    );
  }

  #count(nowMs: number): void {
    this.copies++;
    this.nextCopyAtMs = nowMs + this.#intervalMs;
  }
}
