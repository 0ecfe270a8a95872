/** A server's socket through node:dgram: on Node, and on Deno without listenDatagram. */

import type { RemoteInfo, Socket } from "node:dgram";
import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import { OneArrival, type Peer, type Receive, type ServerSocket } from "../protocol/socket.ts";
import { openSocket, raiseReceiveBuffer } from "./dgram.ts";
import { listenForStreams } from "./net_streams.ts";
import { type Listener, RECEIVE_BUFFER_BYTES, type Runtime } from "./runtime.ts";

/** A server's socket: a peer is the source as node:dgram reports it. */
class NodeSocket implements ServerSocket {
  /** A new array for each reply: node:dgram sends it in a later turn. */
  reply = new Uint8Array(DATAGRAM_BYTES);
  readonly #arrival = new OneArrival();
  readonly #socket: Socket;
  #isClosed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  take(datagram: Uint8Array, source: RemoteInfo, receive: Receive): void {
    receive(this.#arrival.of(datagram, source), this);
  }

  send(peer: Peer): void {
    const { port, address } = peer as RemoteInfo;
    const sent = this.reply;
    this.reply = new Uint8Array(DATAGRAM_BYTES);
    if (this.#isClosed) return;
    try {
      this.#socket.send(sent, port, address, ignoreError);
    } catch {
      // A forged source, such as port 0.
    }
  }

  keep(peer: Peer): Peer {
    return peer;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
  }
}

export const runtime: Runtime = {
  listenForStreams,
  name: "node",
  version: process.versions.node,

  async listen(address, receive): Promise<Listener> {
    const socket = await openSocket(address, true);
    const server = new NodeSocket(socket);
    socket.on("message", (datagram, source) => server.take(datagram, source, receive));
    socket.on("error", ignoreError);
    const { address: host, port } = socket.address();
    return {
      address: { host, port },
      receiveBufferBytes: raiseReceiveBuffer(socket, RECEIVE_BUFFER_BYTES),
      close: () => server.close(),
    };
  },
};

/** A reply that can't be sent counts as lost on the way: the client asks again. */
function ignoreError(): void {}
