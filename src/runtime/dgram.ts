/** Sockets of node:dgram. */

import type { Socket } from "node:dgram";
import { type Address, isIPv6 } from "./address.ts";

/** Addresses are IP literals here: without a look-up for each, a datagram is sent at once. */
type Found = (error: null, address: string, family: number) => void;
const findLiteral = (host: string, _options: unknown, found: Found) =>
  found(null, host, isIPv6(host) ? 6 : 4);

/**
 * @param keepsAlive whether the socket keeps the process alive
 * @throws an Error with `code` EADDRINUSE, EADDRNOTAVAIL or EACCES
 */
export async function openSocket({ host, port }: Address, keepsAlive: boolean): Promise<Socket> {
  const { createSocket } = await import("node:dgram");
  const type = isIPv6(host) ? "udp6" : "udp4";
  const socket = createSocket({ type, lookup: findLiteral });
  // Before it is bound: on Deno the first receive, which begins then, would keep the process alive.
  if (!keepsAlive) socket.unref();
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/**
 * Asks for a receive buffer, if it is smaller now.
 * @returns its size in bytes, as the system counts; null where it can't be had
 */
export function raiseReceiveBuffer(socket: Socket, bytes: number): number | null {
  // Deno would instead allocate so many bytes for each datagram that it receives.
  if (process.versions.deno !== undefined) return null;
  try {
    if (socket.getRecvBufferSize() < bytes) socket.setRecvBufferSize(bytes);
    return socket.getRecvBufferSize();
  } catch {
    return null;
  }
}
