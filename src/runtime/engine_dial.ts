/** Connections to an engine, by node:net and node:tls. */

import type { Buffer } from "node:buffer";
import { connect as connectPlainly, isIP, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { CLOSED, type DialEngine, type SocketEvents } from "../backends/redis/node.ts";
import { parseAddress } from "./address.ts";

export interface EngineTls {
  /** Certificates in PEM that are trusted instead of the system's. */
  readonly ca: string | undefined;
}

export const DEFAULT_ENGINE_PORT = 6379;

/** @param tls null for plain TCP */
export function dialEngine(tls: EngineTls | null): DialEngine {
  return (address, events) => {
    const { host, port } = parseAddress(address, DEFAULT_ENGINE_PORT);
    const socket = tls === null ? connectPlainly({ host, port, noDelay: true }) : connectSecurely({
      ...{ host, port, ca: tls.ca },
      // The name that the certificate must have; an IP address is not sent (RFC 6066).
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    follow(socket, events, tls !== null);
    return {
      write: (bytes) => void socket.write(bytes),
      destroy: () => void socket.destroy(),
    };
  };
}

function follow(socket: Socket, events: SocketEvents, isTls: boolean): void {
  let problem = "";
  let isFatal = false;
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  socket.once(isTls ? "secureConnect" : "connect", () => events.onOpen());
  socket.on("data", (bytes: Buffer) => events.onBytes(bytes));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    problem = wordsOf(error, isTls);
    isFatal = isTls && !PASSING.has(error.code ?? "");
  });
  socket.on("close", () => events.onClose(problem || CLOSED, isFatal));
}

/** Of the way to the engine, not of its certificate. */
const PASSING: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
]);

function wordsOf({ code, message }: NodeJS.ErrnoException, isTls: boolean): string {
  switch (code) {
    case "ECONNREFUSED":
      return "nothing listens there";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host has no address";
    case "ECONNRESET":
      return CLOSED;
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return "it does not speak TLS: is it redis:// without s?";
    default:
      return isTls ? `TLS: ${message}` : message;
  }
}
