/** UDP by node:dgram: on Node, and on Deno where listenDatagram is not enabled. */

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { copyBytes } from "../protocol/bytes.ts";
import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import type { Address } from "./address.ts";
import { listenForStreams } from "./net_streams.ts";
import { type Channel, type Listener, RECEIVE_BUFFER_BYTES, type Runtime } from "./runtime.ts";

/** @returns whether there was something to copy */
export function copyTo(reply: Uint8Array, sent: Uint8Array | null): boolean {
  if (sent !== null) reply.set(sent);
  return sent !== null;
}

export const runtime: Runtime = {
  listenForStreams,
  name: "node",
  version: process.versions.node,

  async listen(address, receive): Promise<Listener> {
    const socket = await bind(address);
    let isClosed = false;
    const answer = async (datagram: Uint8Array, source: RemoteInfo) => {
      // One array a reply: node:dgram sends it in a later turn.
      const reply = new Uint8Array(DATAGRAM_BYTES);
      const answered = receive(datagram, reply);
      const isAnswered = answered instanceof Promise ? copyTo(reply, await answered) : answered;
      if (!isAnswered || isClosed) return;
      socket.send(reply, source.port, source.address, ignoreError);
    };
    socket.on("message", (datagram: Uint8Array, source: RemoteInfo) => {
      // A forged source, as port 0, makes send throw.
      answer(datagram, source).catch(ignoreError);
    });
    socket.on("error", ignoreError);
    const { address: host, port } = socket.address();
    const close = () => {
      isClosed = true;
      socket.close();
    };
    return { address: { host, port }, receiveBufferBytes: raiseReceiveBuffer(socket), close };
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

/** A reply that can't be sent is as one lost on the way: the client asks again. */
function ignoreError(): void {}
