/** Datagrams in batches, over a Linux socket: the server's side and the client's. */

import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import type { Arrivals, Peer, Receive, ServerSocket } from "../protocol/socket.ts";
import type { LinuxSocket } from "./linux_socket.ts";
import { BATCH, Messages } from "./messages.ts";

/** One byte more than a datagram has, so that a longer one is noticed. */
const ROOM_BYTES = DATAGRAM_BYTES + 1;

/**
 * A server's socket. Bun delivers the first datagram of a batch; the others are read from the
 * socket. A peer is a struct sockaddr_in or sockaddr_in6.
 */
export class ServerBatch implements Arrivals, ServerSocket {
  /** The number of datagrams in the batch at hand, at most BATCH. */
  count = 0;
  readonly #socket: LinuxSocket;
  readonly #requests = new Messages(ROOM_BYTES);
  readonly #replies = new Messages(DATAGRAM_BYTES);
  /** The number of replies written but not sent yet. */
  #replyCount = 0;
  #isReceiving = false;
  #isClosed = false;
  readonly #flush = () => this.flush();

  constructor(socket: LinuxSocket) {
    this.#socket = socket;
  }

  /** Gives a datagram, and those that wait behind it, to the server, and sends the replies. */
  take(datagram: Uint8Array, peer: Uint8Array, receive: Receive): void {
    this.#requests.put(0, datagram, peer);
    this.#serve(1 + this.#socket.receive(this.#requests, 1), receive);
  }

  /** The same with the datagrams that wait. @returns how many there were */
  takeWaiting(receive: Receive): number {
    return this.#serve(this.#socket.receive(this.#requests, 0), receive);
  }

  /** The same, but waits for one if there is none; the socket limits the wait. */
  takeOrWait(receive: Receive): number {
    return this.#serve(this.#socket.receiveOrWait(this.#requests), receive);
  }

  #serve(count: number, receive: Receive): number {
    if (count === 0) return 0;
    this.count = count;
    this.#isReceiving = true;
    receive(this, this);
    this.#isReceiving = false;
    this.flush();
    return count;
  }

  datagram(i: number): Uint8Array {
    return this.#requests.received(i);
  }

  peer(i: number): Uint8Array {
    return this.#requests.peerOf(i);
  }

  get reply(): Uint8Array {
    return this.#replies.datagrams[this.#replyCount];
  }

  /** Replies of one batch, or of one turn of the event loop, leave together. */
  send(peer: Peer): void {
    this.#replies.addressTo(this.#replyCount, peer as Uint8Array);
    if (this.#replyCount === 0 && !this.#isReceiving) queueMicrotask(this.#flush);
    if (++this.#replyCount === BATCH) this.flush();
  }

  keep(peer: Peer): Peer {
    return (peer as Uint8Array).slice();
  }

  /** Call this before the socket is closed, since its descriptor may be reused afterwards. */
  close(): void {
    this.flush();
    this.#isClosed = true;
  }

  /** A reply that can't be sent counts as lost on the way: the client asks again. */
  flush(): void {
    const count = this.#replyCount;
    this.#replyCount = 0;
    if (count > 0 && !this.#isClosed) this.#socket.send(this.#replies, count, () => {});
  }
}

/** Collects the datagrams that a client sends, and takes those that wait in its socket. */
export class CallBatch {
  readonly #socket: LinuxSocket;
  readonly #requests = new Messages(DATAGRAM_BYTES);
  readonly #replies = new Messages(ROOM_BYTES);
  readonly #onRefused: (datagram: Uint8Array) => void;
  readonly #flush = () => this.flush();
  #collected = 0;

  /**
   * @param server a struct sockaddr_in or sockaddr_in6
   * @param onRefused called with a datagram that the system refuses to send
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

  /** Sends a datagram before the event loop turns, together with others sent by then. */
  send(datagram: Uint8Array): void {
    if (this.#collected === 0) queueMicrotask(this.#flush);
    this.#requests.datagrams[this.#collected++].set(datagram);
    if (this.#collected === BATCH) this.flush();
  }

  /** Sends the collected datagrams now. */
  flush(): void {
    const count = this.#collected;
    this.#collected = 0;
    if (count === 0) return;
    const { datagrams } = this.#requests;
    this.#socket.send(this.#requests, count, (i) => this.#onRefused(datagrams[i]));
  }

  receive(onDatagram: (datagram: Uint8Array) => void): void {
    const count = this.#socket.receive(this.#replies, 0);
    for (let i = 0; i < count; i++) onDatagram(this.#replies.received(i));
  }
}
