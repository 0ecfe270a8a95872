/** A client's socket through node:dgram: on Node, and on Deno where listenDatagram is not enabled. */

import { isIPv6 } from "../address.ts";
import { openSocket, raiseReceiveBuffer } from "../dgram.ts";
import { CHANNEL_BUFFER_BYTES, type Dial } from "./channel.ts";
import { TurnQueue } from "./turn_queue.ts";

export const dial: Dial = async (server, events) => {
  const host = isIPv6(server.host) ? "::" : "0.0.0.0";
  const socket = await openSocket({ host, port: 0 }, false);
  socket.on("message", events.onDatagram);
  socket.on("error", events.onError);
  raiseReceiveBuffer(socket, CHANNEL_BUFFER_BYTES);
  const onSent = (error: Error | null) => {
    if (error) events.onError(error);
  };
  // To learn of an error costs time, and the first of some datagrams tells for all.
  const queue = new TurnQueue((datagram, isFirst) => {
    socket.send(datagram, server.port, server.host, isFirst ? onSent : undefined);
  }, events.onError);
  return {
    send: (datagram) => queue.add(datagram),
    close() {
      queue.flush();
      socket.close();
    },
  };
};
