/** A server's socket on Deno: Deno.listenDatagram. Without --unstable-net, see node.ts. */

import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import { OneArrival, type Peer, type Receive, type ServerSocket } from "../protocol/socket.ts";
import { bind, type DatagramConnection, deno, type NetAddress, receiveAll } from "./deno_udp.ts";
import { listenForStreams } from "./net_streams.ts";
import type { Listener, Runtime } from "./runtime.ts";

/** A server's socket: a peer is the source as Deno reports it. */
class DenoSocket implements ServerSocket {
  /** A new array for each reply: Deno sends it while the next datagram is answered. */
  reply = new Uint8Array(DATAGRAM_BYTES);
  readonly #arrival = new OneArrival();
  readonly #connection: DatagramConnection;

  constructor(connection: DatagramConnection) {
    this.#connection = connection;
  }

  take(datagram: Uint8Array, source: NetAddress, receive: Receive): void {
    receive(this.#arrival.of(datagram, source), this);
  }

  send(peer: Peer): void {
    const sent = this.reply;
    this.reply = new Uint8Array(DATAGRAM_BYTES);
    // A reply that can't be sent counts as lost on the way.
    this.#connection.send(sent, peer as NetAddress).catch(() => {});
  }

  keep(peer: Peer): Peer {
    return peer;
  }
}

export const runtime: Runtime = {
  listenForStreams,
  name: "deno",
  version: deno.version.deno,

  async listen(address, receive): Promise<Listener> {
    const connection = bind(address.host, address.port);
    const server = new DenoSocket(connection);
    void receiveAll(connection, (datagram, source) => server.take(datagram, source, receive));
    const { hostname, port } = connection.addr;
    return {
      address: { host: hostname, port },
      receiveBufferBytes: null,
      close: () => connection.close(),
    };
  },
};
