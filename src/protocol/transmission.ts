/** One sealed datagram in flight, and the copies of it that were sent. */

import { assert } from "../assert.ts";
import { equalBytes } from "../bytes.ts";
import { NONCE_BYTES } from "./datagram.ts";
import type { Epoch } from "./epoch.ts";
import { META_AT } from "./frame.ts";
import { sequenceOf } from "./nonces.ts";

export class Transmission {
  readonly datagram: Uint8Array;
  /** The epoch that a mutation is sealed under. */
  readonly epoch: Epoch | null;
  readonly sequence: number;
  /** Its position among the client's first sends, from 1; 0 before it is sent. */
  sendOrder = 0;
  sentAtMs = 0;
  copies = 0;
  /** When the next copy is due; Infinity before the first. */
  nextCopyAtMs = Number.POSITIVE_INFINITY;
  /** The wait from the last copy to the next. */
  intervalMs = 0;

  /** @param datagram begins with its nonce */
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
    this.intervalMs = intervalMs;
    this.#count(nowMs);
  }

  /**
   * Notes another copy; the wait for the next copy doubles until it is long enough.
   * @param longIntervalMs doubling makes no wait longer than this
   */
  repeat(nowMs: number, longIntervalMs: number): void {
    if (this.intervalMs < longIntervalMs) {
      this.intervalMs = Math.min(this.intervalMs * 2, longIntervalMs);
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
    this.nextCopyAtMs = nowMs + this.intervalMs;
  }
}
