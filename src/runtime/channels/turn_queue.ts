/**
 * The datagrams that a client sends in one turn of the event loop. They leave together when the turn
 * ends: to send to a server that is awake takes a third of the time that it takes to wake one. But
 * after a turn with one datagram at most the first leaves at once, so that a lone request loses no
 * time.
 */

import { setImmediate } from "node:timers";
import { DATAGRAM_BYTES } from "../../protocol/datagram.ts";

/** The most datagrams that wait; with another all leave. */
const MAX_WAITING = 32;

export class TurnQueue {
  readonly #send: (datagram: Uint8Array, isFirst: boolean) => void;
  /**
   * Copies, which are reused. A system whose buffers are full may send one later: if it has been
   * overwritten by then, that counts as lost on the way.
   */
  readonly #datagrams: Uint8Array[] = [];
  #waiting = 0;
  /** In this turn. */
  #added = 0;
  #wasBusy = false;
  readonly #endTurn = () => {
    this.flush();
    this.#wasBusy = this.#added > 1;
    this.#added = 0;
  };

  /** @param send sends a datagram, the first of those that leave together or another */
  constructor(send: (datagram: Uint8Array, isFirst: boolean) => void) {
    this.#send = send;
  }

  /** Takes a copy of a datagram of 1,024 bytes. */
  add(datagram: Uint8Array): void {
    const isFirst = this.#added++ === 0;
    if (isFirst) setImmediate(this.#endTurn);
    const copy = this.#datagrams[this.#waiting++] ??= new Uint8Array(DATAGRAM_BYTES);
    copy.set(datagram);
    if ((isFirst && !this.#wasBusy) || this.#waiting > MAX_WAITING) this.flush();
  }

  /** Sends those that wait. */
  flush(): void {
    const count = this.#waiting;
    this.#waiting = 0;
    for (let i = 0; i < count; i++) this.#send(this.#datagrams[i], i === 0);
  }
}
