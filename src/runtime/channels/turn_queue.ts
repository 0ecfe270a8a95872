/**
 * The datagrams that a client sends in one turn of the event loop. They leave together when the turn
 * ends, since it costs much less to send to a server that is awake than to wake it each time. But a
 * client that has not been busy sends the first at once, so that a lone request loses no time.
 */

import { setImmediate } from "node:timers";
import { DATAGRAM_BYTES } from "../../protocol/datagram.ts";
import type { Channel } from "./channel.ts";

/** The most datagrams that wait; with another all leave. */
const MAX_WAITING = 32;
/** So long after a turn with several datagrams a client counts as busy. */
const BUSY_MS = 10;

/** What is behind a queue. */
export interface QueuedSocket {
  /**
   * Sends a datagram, the first of those that leave together or another. Its array is reused
   * afterwards: a datagram that is read later may have become another, which counts as lost.
   */
  send(datagram: Uint8Array, isFirst: boolean): void;
  /** Takes what `send` throws. */
  onError(error: unknown): void;
  close(): void;
}

export class TurnQueue implements Channel {
  readonly #socket: QueuedSocket;
  /** Copies, which are reused. */
  readonly #datagrams: Uint8Array[] = [];
  #waiting = 0;
  /** In this turn. */
  #added = 0;
  #busyUntilMs = Number.NEGATIVE_INFINITY;
  readonly #endTurn = () => {
    if (this.#added > 1) this.#busyUntilMs = performance.now() + BUSY_MS;
    this.#added = 0;
    this.#flush();
  };

  constructor(socket: QueuedSocket) {
    this.#socket = socket;
  }

  send(datagram: Uint8Array): void {
    const isFirst = this.#added++ === 0;
    if (isFirst) setImmediate(this.#endTurn);
    const copy = this.#datagrams[this.#waiting++] ??= new Uint8Array(DATAGRAM_BYTES);
    copy.set(datagram);
    const isLone = isFirst && performance.now() >= this.#busyUntilMs;
    if (isLone || this.#waiting > MAX_WAITING) this.#flush();
  }

  /** Sends those that wait, and closes the socket. */
  close(): void {
    this.#flush();
    this.#socket.close();
  }

  #flush(): void {
    const count = this.#waiting;
    this.#waiting = 0;
    for (let i = 0; i < count; i++) {
      try {
        this.#socket.send(this.#datagrams[i], i === 0);
      } catch (error) {
        this.#socket.onError(error);
      }
    }
  }
}
