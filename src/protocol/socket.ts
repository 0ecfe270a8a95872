/**
 * A socket as the server sees it: datagrams arrive in batches, each with its peer; replies are
 * handed over one by one and sent together.
 */

/** The sender of a datagram, in its socket's own form. It is valid until `Receive` returns. */
export type Peer = unknown;

/** Datagrams that a socket received in one batch: at least one, and a bounded number. */
export interface Arrivals {
  readonly count: number;
  /** The i-th datagram, of any length, from any sender. It is valid until `Receive` returns. */
  datagram(i: number): Uint8Array;
  peer(i: number): Peer;
}

export interface ServerSocket {
  /** The buffer for the next reply: 1,024 bytes, valid until `send`. */
  readonly reply: Uint8Array;
  /** Sends the datagram in `reply` before the event loop turns, best effort. */
  send(peer: Peer): void;
  /** A lasting copy of a peer. */
  keep(peer: Peer): Peer;
}

/** Takes the datagrams that arrived at a socket, and answers them now or later. Never throws. */
export type Receive = (arrivals: Arrivals, socket: ServerSocket) => void;

/** A datagram that arrived alone. One object serves all datagrams of a socket. */
export class OneArrival implements Arrivals {
  readonly count = 1;
  #datagram: Uint8Array = new Uint8Array(0);
  #peer: Peer;

  of(datagram: Uint8Array, peer: Peer): Arrivals {
    this.#datagram = datagram;
    this.#peer = peer;
    return this;
  }

  datagram(): Uint8Array {
    return this.#datagram;
  }

  peer(): Peer {
    return this.#peer;
  }
}
