/** Sockets of node:dgram. */

import type { Socket } from "node:dgram";
import { type Address, isIPv6 } from "./address.ts";

/**
 * @param keepsAlive whether the socket keeps the process alive
 * @throws an Error with `code` EADDRINUSE, EADDRNOTAVAIL or EACCES
 */
export async function openSocket({ host, port }: Address, keepsAlive: boolean): Promise<Socket> {
  const { createSocket } = await import("node:dgram");
  const family = isIPv6(host) ? 6 : 4;
  const socket = createSocket({
    type: `udp${family}`,
    // Addresses are IP literals here: without a look-up for each, a datagram is sent at once.
    lookup: (literal, _options, found) => found(null, literal, family),
  });
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
