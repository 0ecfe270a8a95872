/** UDP through node:dgram: on Node, and on Deno where listenDatagram is not enabled. */

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { copyBytes } from "../bytes.ts";
import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import { OneArrival, type Peer, type Receive, type ServerSocket } from "../protocol/socket.ts";
import type { Address } from "./address.ts";
import { listenForStreams } from "./net_streams.ts";
import { type Channel, type Listener, RECEIVE_BUFFER_BYTES, type Runtime } from "./runtime.ts";

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
    const socket = await bind(address);
    const server = new NodeSocket(socket);
    socket.on("message", (datagram, source) => server.take(datagram, source, receive));
    socket.on("error", ignoreError);
    const { address: host, port } = socket.address();
    return {
      address: { host, port },
      receiveBufferBytes: raiseReceiveBuffer(socket),
      close: () => server.close(),
    };
  },

  async dial(server, events): Promise<Channel> {
    const socket = await bind({ host: isIPv6(server.host) ? "::" : "0.0.0.0", port: 0 });
    socket.unref();
    socket.on("message", events.onDatagram);
    socket.on("error", events.onError);
    const onSent = (error: Error | null) => {
      if (error) events.onError(error);
    };
    return {
      // A copy, since node:dgram may send it in a later turn.
      send: (datagram) => socket.send(copyBytes(datagram), server.port, server.host, onSent),
      close: () => socket.close(),
    };
  },
};

function bind({ host, port }: Address): Promise<Socket> {
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** Null where the system refuses, as it does on Deno. */
function raiseReceiveBuffer(socket: Socket): number | null {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    return socket.getRecvBufferSize();
  } catch {
    return null;
  }
}

/** A reply that can't be sent counts as lost on the way: the client asks again. */
function ignoreError(): void {}
