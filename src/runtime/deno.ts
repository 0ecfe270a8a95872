/** UDP on Deno: Deno.listenDatagram, which needs --unstable-net. Without it, see node.ts. */

import { isIPv6 } from "node:net";
import { copyBytes } from "../bytes.ts";
import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import { OneArrival, type Peer, type Receive, type ServerSocket } from "../protocol/socket.ts";
import { listenForStreams } from "./net_streams.ts";
import type { Channel, Listener, Runtime } from "./runtime.ts";

interface NetAddress {
  readonly transport: "udp";
  readonly hostname: string;
  readonly port: number;
}

/** The part of Deno that is used here. */
interface DatagramConnection {
  readonly addr: NetAddress;
  receive(into: Uint8Array): Promise<[Uint8Array, NetAddress]>;
  send(datagram: Uint8Array, to: NetAddress): Promise<number>;
  close(): void;
  unref(): void;
}

interface DenoUdp {
  readonly version: { readonly deno: string };
  listenDatagram(options: NetAddress): DatagramConnection;
}

const deno = (globalThis as unknown as { Deno: DenoUdp }).Deno;

/** One byte more than a datagram has, so that a longer one is noticed. */
const RECEIVE_BYTES = DATAGRAM_BYTES + 1;

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

  async dial(server, events): Promise<Channel> {
    const connection = bind(isIPv6(server.host) ? "::" : "0.0.0.0", 0);
    connection.unref();
    void receiveAll(connection, (datagram) => events.onDatagram(datagram));
    const to: NetAddress = { transport: "udp", hostname: server.host, port: server.port };
    return {
      // A copy, since Deno sends it in a later turn.
      send: (datagram) => void connection.send(copyBytes(datagram), to).catch(events.onError),
      close: () => connection.close(),
    };
  },
};

function bind(hostname: string, port: number): DatagramConnection {
  try {
    return deno.listenDatagram({ transport: "udp", hostname, port });
  } catch (error) {
    throw withCode(error);
  }
}

/** Deno's errors have names where Node's have codes. */
function withCode(error: unknown): unknown {
  const codes: Readonly<Record<string, string>> = {
    AddrInUse: "EADDRINUSE",
    AddrNotAvailable: "EADDRNOTAVAIL",
    PermissionDenied: "EACCES",
  };
  if (!(error instanceof Error) || codes[error.name] === undefined) return error;
  return Object.assign(error, { code: codes[error.name] });
}

async function receiveAll(
  connection: DatagramConnection,
  onDatagram: (datagram: Uint8Array, source: NetAddress) => void,
): Promise<void> {
  const buffer = new Uint8Array(RECEIVE_BYTES);
  while (true) {
    try {
      const [datagram, source] = await connection.receive(buffer);
      onDatagram(datagram, source);
    } catch (error) {
      if (isClosed(error)) return;
      // A client that was answered is gone (ICMP port unreachable): the socket goes on.
    }
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && (error.name === "BadResource" || error.name === "Interrupted");
}
