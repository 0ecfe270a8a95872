/** UDP on Deno: Deno.listenDatagram, which needs --unstable-net. Without it, see node.ts. */

import { isIPv6 } from "node:net";
import { copyBytes } from "../protocol/bytes.ts";
import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import { copyTo } from "./node.ts";
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

/** One byte more than a datagram has, so that a longer one shows. */
const RECEIVE_BYTES = DATAGRAM_BYTES + 1;

export const runtime: Runtime = {
  listenForStreams,
  name: "deno",
  version: deno.version.deno,

  async listen(address, receive): Promise<Listener> {
    const connection = bind(address.host, address.port);
    void receiveAll(connection, async (datagram, source) => {
      // One array a reply: Deno sends it while the next datagram is answered.
      const reply = new Uint8Array(DATAGRAM_BYTES);
      const answered = receive(datagram, reply);
      const isAnswered = answered instanceof Promise ? copyTo(reply, await answered) : answered;
      if (isAnswered) await connection.send(reply, source);
    });
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

/** Deno names its errors where Node gives codes. */
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
  onDatagram: (datagram: Uint8Array, source: NetAddress) => void | Promise<void>,
): Promise<void> {
  const buffer = new Uint8Array(RECEIVE_BYTES);
  while (true) {
    try {
      const [datagram, source] = await connection.receive(buffer);
      void Promise.resolve(onDatagram(datagram, source)).catch(() => {});
    } catch (error) {
      if (isClosed(error)) return;
      // Whoever was answered is gone (ICMP port unreachable): the socket goes on.
    }
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && (error.name === "BadResource" || error.name === "Interrupted");
}
