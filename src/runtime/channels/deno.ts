/** A client's socket on Deno: Deno.listenDatagram. Without --unstable-net, see node.ts. */

import { copyBytes } from "../../bytes.ts";
import { unspecifiedHost } from "../address.ts";
import { bind, type NetAddress, receiveAll } from "../deno_udp.ts";
import type { Dial } from "./channel.ts";
import { TurnQueue } from "./turn_queue.ts";

export const dial: Dial = async (server, events) => {
  const connection = bind(unspecifiedHost(server.host), 0);
  connection.unref();
  void receiveAll(connection, events.onDatagram);
  const to: NetAddress = { transport: "udp", hostname: server.host, port: server.port };
  return new TurnQueue({
    send(datagram) {
      // A copy, since Deno may read it in a later turn.
      connection.send(copyBytes(datagram), to).catch(events.onError);
    },
    onError: events.onError,
    close: () => connection.close(),
  });
};
