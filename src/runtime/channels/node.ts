/** A client's socket through node:dgram: on Node, and on Deno where listenDatagram is not enabled. */

import { unspecifiedHost } from "../address.ts";
import { openSocket, raiseReceiveBuffer } from "../dgram.ts";
import { CHANNEL_BUFFER_BYTES, type Dial } from "./channel.ts";
import { TurnQueue } from "./turn_queue.ts";

export const dial: Dial = async (server, events) => {
  const socket = await openSocket({ host: unspecifiedHost(server.host), port: 0 }, false);
  socket.on("message", events.onDatagram);
  socket.on("error", events.onError);
  raiseReceiveBuffer(socket, CHANNEL_BUFFER_BYTES);
  const onSent = (error: Error | null) => {
    if (error) events.onError(error);
  };
  return new TurnQueue({
    send(datagram, isFirst) {
      // To learn of an error costs time, and the first of some datagrams tells for all.
      socket.send(datagram, server.port, server.host, isFirst ? onSent : undefined);
    },
    onError: events.onError,
    close: () => socket.close(),
  });
};
