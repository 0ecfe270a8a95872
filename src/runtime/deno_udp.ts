/** UDP sockets of Deno: Deno.listenDatagram, which needs --unstable-net. */

import { DATAGRAM_BYTES } from "../protocol/datagram.ts";

export interface NetAddress {
  readonly transport: "udp";
  readonly hostname: string;
  readonly port: number;
}

/** The part of Deno that is used here. */
export interface DatagramConnection {
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

export const deno = (globalThis as unknown as { Deno: DenoUdp }).Deno;

/** One byte more than a datagram has, so that a longer one is noticed. */
const RECEIVE_BYTES = DATAGRAM_BYTES + 1;

/** @throws an Error with `code` EADDRINUSE, EADDRNOTAVAIL or EACCES */
export function bind(hostname: string, port: number): DatagramConnection {
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

/** Receives one datagram after the other until the socket is closed. */
export async function receiveAll(
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
