/**
 * A server's socket on Bun: Bun.udpSocket, several times as fast there as node:dgram. On Linux it
 * delivers the first datagram of a batch; the others are read from the socket.
 */

import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import { OneArrival, type Peer, type Receive, type ServerSocket } from "../protocol/socket.ts";
import type { Address } from "./address.ts";
import { ServerBatch } from "./batches.ts";
import { listenForStreams } from "./bun_streams.ts";
import { bun, type BunSocket } from "./bun_udp.ts";
import { LinuxSocket } from "./linux_socket.ts";
import { Poll } from "./poll.ts";
import { divide } from "./steering.ts";
import { type Listener, RECEIVE_BUFFER_BYTES, type Runtime } from "./runtime.ts";
import { socketAddress } from "./socket_address.ts";

/** The address of the last client, which is often that of the next. */
class LastPeer {
  #host = "";
  #port = 0;
  #address: Uint8Array = new Uint8Array(0);

  addressOf(host: string, port: number): Uint8Array {
    if (port !== this.#port || host !== this.#host) {
      this.#address = socketAddress({ host, port });
      this.#host = host;
      this.#port = port;
    }
    return this.#address;
  }
}

/** A server's socket where there are no batches: a peer is an address. */
class PlainSocket implements ServerSocket {
  readonly reply = new Uint8Array(DATAGRAM_BYTES);
  readonly #arrival = new OneArrival();
  #socket: BunSocket | null;

  constructor(socket: BunSocket) {
    this.#socket = socket;
  }

  take(datagram: Uint8Array, host: string, port: number, receive: Receive): void {
    receive(this.#arrival.of(datagram, { host, port }), this);
  }

  send(peer: Peer): void {
    const { host, port } = peer as Address;
    try {
      this.#socket?.send(this.reply, port, host);
    } catch {
      // The kernel's buffer is full, or an earlier send failed: this counts as lost on the way.
    }
  }

  keep(peer: Peer): Peer {
    return peer;
  }

  close(): void {
    this.#socket = null;
  }
}

/** A server's side of a socket. */
interface Serving {
  readonly take: (datagram: Uint8Array, host: string, port: number) => void;
  /** Where it answers by socket address. */
  readonly socket?: ServerSocket;
  close(): void;
}

export const runtime: Runtime = {
  name: "bun",
  version: bun.version,

  async listen(address, receive): Promise<Listener> {
    let take: Serving["take"] = () => {};
    const socket = await bun.udpSocket({
      hostname: address.host,
      port: address.port,
      socket: {
        data: (_socket, datagram, port, host) => take(datagram, host, port),
        // An earlier reply found no receiver (ICMP port unreachable). Without a handler this would
        // end the process.
        error() {},
      },
    });
    const linuxSocket = LinuxSocket.from(socket.fd);
    const server = linuxSocket === null
      ? takePlainly(socket, receive)
      : takeInBatches(linuxSocket, receive);
    take = server.take;
    // With the zone of an IPv6 address, which Bun does not tell.
    const bound = { host: address.host, port: socket.port };
    return {
      address: { host: socket.hostname, port: socket.port },
      receiveBufferBytes: linuxSocket?.raiseReceiveBuffer(RECEIVE_BUFFER_BYTES) ?? null,
      divide: (readers) =>
        linuxSocket === null || server.socket === undefined
          ? null
          : divide(linuxSocket, server.socket, bound, readers),
      close() {
        take = () => {};
        server.close();
        socket.close();
      },
    };
  },

  async listenForStreams(address, accept) {
    return listenForStreams(address, accept);
  },

  waiterFor(channels) {
    const poll = Poll.of(channels.map(({ descriptor = -1 }) => descriptor));
    return poll && ((ms) => poll.wait(ms));
  },
};

function takeInBatches(socket: LinuxSocket, receive: Receive): Serving {
  const batch = new ServerBatch(socket);
  const last = new LastPeer();
  return {
    take: (datagram, host, port) => batch.take(datagram, last.addressOf(host, port), receive),
    socket: batch,
    close: () => batch.close(),
  };
}

function takePlainly(socket: BunSocket, receive: Receive): Serving {
  const plain = new PlainSocket(socket);
  return {
    take: (datagram, host, port) => plain.take(datagram, host, port, receive),
    close: () => plain.close(),
  };
}
