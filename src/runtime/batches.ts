/** Datagrams in batches, over a socket of Linux: a server's side and a client's. */

import { DATAGRAM_BYTES, type Receive } from "../protocol/datagram.ts";
import type { LinuxSocket } from "./linux_socket.ts";
import { BATCH, Messages } from "./messages.ts";

/** With one byte more, a datagram that is too long shows. */
const ROOM_BYTES = DATAGRAM_BYTES + 1;

/** Answers what waits in a socket. */
export class AnswerBatch {
  readonly #socket: LinuxSocket;
  readonly #requests = new Messages(ROOM_BYTES);
  readonly #replies = new Messages(DATAGRAM_BYTES);
  /** Replies that came later, and are sent together with others that came with them. */
  readonly #later = new Messages(DATAGRAM_BYTES);
  #laterCount = 0;
  #isClosed = false;

  constructor(socket: LinuxSocket) {
    this.#socket = socket;
  }

  /** Answers a batch: a reply waits for 31 others at most, some 0.2 ms. */
  answer(receive: Receive): void {
    const count = this.#socket.receive(this.#requests);
    let answered = 0;
    for (let i = 0; i < count; i++) {
      const result = receive(this.#requests.received(i), this.#replies.datagrams[answered]);
      if (result instanceof Promise) this.sendLater(result, this.#requests.peerOf(i).slice());
      else if (result) this.#replies.addressTo(answered++, this.#requests.peerOf(i));
    }
    this.#send(this.#replies, answered);
  }

  /** To be called before the socket is closed, whose number may then be another's. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * Sends a reply when it comes, together with others that come then.
   * @param peer a struct sockaddr_in or sockaddr_in6; its own from now on
   */
  sendLater(result: Promise<Uint8Array | null>, peer: Uint8Array): void {
    void result.then((reply) => {
      if (reply === null || this.#isClosed) return;
      if (this.#laterCount === 0) queueMicrotask(() => this.#flush());
      this.#later.datagrams[this.#laterCount].set(reply);
      this.#later.addressTo(this.#laterCount++, peer);
      if (this.#laterCount === BATCH) this.#flush();
    });
  }

  #flush(): void {
    const count = this.#laterCount;
    this.#laterCount = 0;
    if (!this.#isClosed) this.#send(this.#later, count);
  }

  /** One that can't be sent is as lost on the way: the client asks again. */
  #send(replies: Messages, count: number): void {
    if (count > 0) this.#socket.send(replies, count, () => {});
  }
}

/** Collects what a client sends in one go, and takes what waits in its socket. */
export class CallBatch {
  readonly #socket: LinuxSocket;
  readonly #requests = new Messages(DATAGRAM_BYTES);
  readonly #replies = new Messages(ROOM_BYTES);
  readonly #onRefused: (datagram: Uint8Array) => void;
  readonly #flush = () => this.flush();
  #collected = 0;

  /**
   * @param server a struct sockaddr_in or sockaddr_in6
   * @param onRefused is told of a datagram that the system does not send
   */
  constructor(
    socket: LinuxSocket,
    server: Uint8Array,
    onRefused: (datagram: Uint8Array) => void,
  ) {
    this.#socket = socket;
    this.#requests.addressAllTo(server);
    this.#onRefused = onRefused;
  }

  /** Sends a datagram before the event loop turns, together with what else is sent by then. */
  send(datagram: Uint8Array): void {
    if (this.#collected === 0) queueMicrotask(this.#flush);
    this.#requests.datagrams[this.#collected++].set(datagram);
    if (this.#collected === BATCH) this.flush();
  }

  /** Sends what was collected now. */
  flush(): void {
    const count = this.#collected;
    this.#collected = 0;
    if (count === 0) return;
    const { datagrams } = this.#requests;
    this.#socket.send(this.#requests, count, (i) => this.#onRefused(datagrams[i]));
  }

  receive(onDatagram: (datagram: Uint8Array) => void): void {
    const count = this.#socket.receive(this.#replies);
    for (let i = 0; i < count; i++) onDatagram(this.#replies.received(i));
  }
}
