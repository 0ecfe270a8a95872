/**
 * Chooses the sequence of a client's next mutation: never a whole window above a mutation that
 * still waits, and past the window of an abandoned mutation, so that a late copy of it is not
 * admitted.
 * Source: docs/WIRE.md, section 5, «The client».
 */

import { WINDOW } from "./replay_window.ts";
import { type NonceStream, sequenceOf } from "./nonces.ts";

export class MutationOrder {
  readonly #stream: NonceStream;
  /** The next mutation's sequence should be at least this; 0 when nothing was abandoned. */
  #jumpTo = 0;

  constructor(stream: NonceStream) {
    this.#stream = stream;
  }

  /**
   * The sequence for a mutation that starts now, or null while it must wait.
   * @param oldestWaiting the lowest unanswered sequence of this stream; Infinity for none
   */
  next(oldestWaiting: number): number | null {
    const jump = Math.min(this.#jumpTo, oldestWaiting + WINDOW - 1);
    const sequence = Math.max(this.#stream.peek(), jump);
    return sequence < oldestWaiting + WINDOW ? sequence : null;
  }

  /** Writes the nonce with the sequence that `next` gave. */
  take(datagram: Uint8Array, sequence: number): void {
    this.#stream.skipTo(sequence);
    this.#stream.take(datagram);
    const isNewStream = sequenceOf(datagram) !== sequence;
    if (isNewStream || sequence >= this.#jumpTo) this.#jumpTo = 0;
  }

  /** Notes that the caller of a sent mutation gave up: deadline or abort. */
  abandon(datagram: Uint8Array): void {
    if (!this.#stream.owns(datagram)) return;
    this.#jumpTo = Math.max(this.#jumpTo, sequenceOf(datagram) + WINDOW);
  }

  /** Whether a datagram's sequence counts for `oldestWaiting`. */
  owns(datagram: Uint8Array): boolean {
    return this.#stream.owns(datagram);
  }
}
