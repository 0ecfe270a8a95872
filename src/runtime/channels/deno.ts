/** A client's socket on Deno: Deno.listenDatagram. Without --unstable-net, see node.ts. */

import { isIPv6 } from "../address.ts";
import { bind, type NetAddress, receiveAll } from "../deno_udp.ts";
import type { Dial } from "./channel.ts";
import { TurnQueue } from "./turn_queue.ts";

/** Datagrams that Deno may deliver in one turn of its event loop: it delivers one for each receiver. */
const RECEIVERS = 8;

export const dial: Dial = async (server, events) => {
  const connection = bind(isIPv6(server.host) ? "::" : "0.0.0.0", 0);
  connection.unref();
  for (let i = 0; i < RECEIVERS; i++) void receiveAll(connection, events.onDatagram);
  const to: NetAddress = { transport: "udp", hostname: server.host, port: server.port };
  const queue = new TurnQueue((datagram) => {
    connection.send(datagram, to).catch(events.onError);
  });
  return {
    send: (datagram) => queue.add(datagram),
    close() {
      queue.flush();
      connection.close();
    },
  };
};
