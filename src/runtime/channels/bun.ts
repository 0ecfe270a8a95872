/**
 * A client's socket on Bun: Bun.udpSocket. On Linux it delivers the first datagram of a batch; the
 * others are read from the socket, and datagrams are sent in batches.
 */

import { type Address, unspecifiedHost } from "../address.ts";
import { CallBatch } from "../batches.ts";
import { bun, type BunSocket } from "../bun_udp.ts";
import { LinuxSocket } from "../linux_socket.ts";
import { socketAddress } from "../socket_address.ts";
import { CHANNEL_BUFFER_BYTES, type Dial } from "./channel.ts";

export const dial: Dial = async (server, events) => {
  let batch: CallBatch | null = null;
  const socket = await bun.udpSocket({
    hostname: unspecifiedHost(server.host),
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
  return {
    descriptor: socket.fd,
    send: (datagram) => batch === null ? send(datagram) : batch.send(datagram),
    close,
  };
};

/** Batches where the system has them; a refused datagram is sent by Bun, which reports why. */
function batchFor(
  socket: BunSocket,
  server: Address,
  onRefused: (datagram: Uint8Array) => void,
): CallBatch | null {
  const linuxSocket = LinuxSocket.from(socket.fd);
  linuxSocket?.raiseReceiveBuffer(CHANNEL_BUFFER_BYTES);
  return linuxSocket && new CallBatch(linuxSocket, socketAddress(server), onRefused);
}
