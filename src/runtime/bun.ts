/**
 * UDP on Bun: Bun.udpSocket, several times as fast there as node:dgram. On Linux it brings the first
 * datagram of a turn, and what waits behind that is taken in batches.
 */

import { isIPv6 } from "node:net";
import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import type { Address } from "./address.ts";
import { AnswerBatch, CallBatch } from "./batches.ts";
import { listenForStreams } from "./bun_streams.ts";
import { LinuxSocket } from "./linux_socket.ts";
import type { Channel, Listener, Runtime } from "./runtime.ts";
import { socketAddress } from "./socket_address.ts";

/** The part of Bun that is used here. */
interface BunSocket {
  readonly hostname: string;
  readonly port: number;
  readonly fd: number;
  send(data: Uint8Array, port: number, address: string): boolean;
  close(): void;
  unref(): void;
}

interface BunUdp {
  readonly version: string;
  udpSocket(options: {
    hostname: string;
    port: number;
    socket: {
      data(socket: BunSocket, datagram: Uint8Array, port: number, address: string): void;
      error(socket: BunSocket, error: unknown): void;
    };
  }): Promise<BunSocket>;
}

const bun = (globalThis as unknown as { Bun: BunUdp }).Bun;

/** Who asked last: often it is who asks next. */
class Peer {
  readonly #host: string;
  readonly #port: number;
  readonly address: Uint8Array | null;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.address = host === "" ? null : socketAddress({ host, port });
  }

  is(host: string, port: number): boolean {
    return port === this.#port && host === this.#host;
  }
}

export const runtime: Runtime = {
  name: "bun",
  version: bun.version,

  async listen(address, receive): Promise<Listener> {
    const reply = new Uint8Array(DATAGRAM_BYTES);
    let batch: AnswerBatch | null = null;
    let peer = new Peer("", 0);
    const socket = await bun.udpSocket({
      hostname: address.host,
      port: address.port,
      socket: {
        data(socket, datagram, port, source) {
          const answered = receive(datagram, reply);
          if (answered instanceof Promise) {
            if (!peer.is(source, port)) peer = new Peer(source, port);
            if (batch !== null && peer.address !== null) batch.sendLater(answered, peer.address);
            else void answered.then((later) => later && trySend(socket, later, port, source));
          } else if (answered) {
            trySend(socket, reply, port, source);
          }
          batch?.answer(receive);
        },
        // Whoever asked is gone (ICMP port unreachable): nothing to do, but without a handler
        // it would end the process.
        error() {},
      },
    });
    const linuxSocket = LinuxSocket.from(socket.fd);
    if (linuxSocket !== null) batch = new AnswerBatch(linuxSocket);
    return {
      address: { host: socket.hostname, port: socket.port },
      receiveBufferBytes: linuxSocket?.raiseReceiveBuffer() ?? null,
      close() {
        batch?.close();
        batch = null;
        socket.close();
      },
    };
  },

  async dial(server, events): Promise<Channel> {
    let batch: CallBatch | null = null;
    const socket = await bun.udpSocket({
      hostname: isIPv6(server.host) ? "::" : "0.0.0.0",
      port: 0,
      socket: {
        data(_socket, datagram) {
          events.onDatagram(datagram);
          batch?.receive(events.onDatagram);
        },
        error: (_socket, error) => events.onError(error),
      },
    });
    socket.unref();
    const send = (datagram: Uint8Array) => void socket.send(datagram, server.port, server.host);
    batch = batchFor(socket, server, (datagram) => {
      try {
        send(datagram);
      } catch (error) {
        events.onError(error);
      }
    });
    const close = () => {
      batch?.flush();
      batch = null;
      socket.close();
    };
    return { send: (datagram) => batch === null ? send(datagram) : batch.send(datagram), close };
  },

  async listenForStreams(address, accept) {
    return listenForStreams(address, accept);
  },
};

/** Batches where the system has them; what is refused there goes Bun's way, which tells why. */
function batchFor(
  socket: BunSocket,
  server: Address,
  onRefused: (datagram: Uint8Array) => void,
): CallBatch | null {
  const linuxSocket = LinuxSocket.from(socket.fd);
  const peer = socketAddress(server);
  return linuxSocket === null || peer === null ? null : new CallBatch(linuxSocket, peer, onRefused);
}

/** The kernel's buffer may be full, or a pending error of an earlier send is thrown: the client
 * sends again. */
function trySend(socket: BunSocket, reply: Uint8Array, port: number, address: string): void {
  try {
    socket.send(reply, port, address);
  } catch {
    // As lost on the way.
  }
}
