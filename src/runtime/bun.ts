/** UDP on Bun: Bun.udpSocket, several times as fast there as node:dgram. */

import { isIPv6 } from "node:net";
import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import { DatagramBatch } from "./datagram_batch.ts";
import { openLibc } from "./libc.ts";
import { raiseReceiveBuffer } from "./receive_buffer.ts";
import type { Channel, Listener, Runtime } from "./runtime.ts";

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

export const runtime: Runtime = {
  name: "bun",
  version: bun.version,

  async listen(address, receive, isImmediate): Promise<Listener> {
    let reply = new Uint8Array(DATAGRAM_BYTES);
    const socket = await bun.udpSocket({
      hostname: address.host,
      port: address.port,
      socket: {
        data(socket, datagram, port, source) {
          const result = receive(datagram, reply);
          if (result instanceof Promise) {
            const own = reply;
            reply = new Uint8Array(DATAGRAM_BYTES);
            void result.then((isAnswered) => isAnswered && trySend(socket, own, port, source));
            return;
          }
          if (result) trySend(socket, reply, port, source);
          batch?.answer(receive);
        },
        // Whoever asked is gone (ICMP port unreachable): nothing to do, but without a handler
        // it would end the process.
        error() {},
      },
    });
    const libc = openLibc();
    const batch = libc !== null && isImmediate ? new DatagramBatch(libc, socket.fd) : null;
    return {
      address: { host: socket.hostname, port: socket.port },
      receiveBufferBytes: libc === null ? null : raiseReceiveBuffer(libc, socket.fd),
      close: () => socket.close(),
    };
  },

  async dial(server, events): Promise<Channel> {
    const socket = await bun.udpSocket({
      hostname: isIPv6(server.host) ? "::" : "0.0.0.0",
      port: 0,
      socket: {
        data: (_socket, datagram) => events.onDatagram(datagram),
        error: (_socket, error) => events.onError(error),
      },
    });
    socket.unref();
    return {
      send: (datagram) => void socket.send(datagram, server.port, server.host),
      close: () => socket.close(),
    };
  },
};

/** The kernel's buffer may be full, or a pending error of an earlier send is thrown: the client
 * sends again. */
function trySend(socket: BunSocket, reply: Uint8Array, port: number, address: string): void {
  try {
    socket.send(reply, port, address);
  } catch {
    // As lost on the way.
  }
}
