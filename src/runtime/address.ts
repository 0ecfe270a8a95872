/** Addresses as people write them: host:port, [IPv6]:port, or a host alone. */

import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { InvalidArgumentError } from "../errors.ts";

/** Where a server listens by default. */
export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 4040;
const MAX_PORT = 65_535;

export interface Address {
  /** A name or an IP literal, without brackets. */
  readonly host: string;
  /** 0…65,535; 0 asks the system to choose one. */
  readonly port: number;
}

const BRACKETED = /^\[(.+)\](?::(\d+))?$/;
const PLAIN = /^([^:[\]]+)(?::(\d+))?$/;

/**
 * Reads an address; the default port is 4040, or another that is given.
 * @throws {InvalidArgumentError}
 */
export function parseAddress(text: string, defaultPort = DEFAULT_PORT): Address {
  if (isIPv6(text)) return { host: text, port: defaultPort };
  const [, ipv6, ipv6Port] = BRACKETED.exec(text) ?? [];
  const [, plain, plainPort] = PLAIN.exec(text) ?? [];
  const host = ipv6 !== undefined && isIPv6(ipv6) ? ipv6 : plain;
  const port = Number(ipv6Port ?? plainPort ?? defaultPort);
  const isPortAlone = /^\d+$/.test(text);
  if (host !== undefined && port <= MAX_PORT && !isPortAlone) return { host, port };
  throw new InvalidArgumentError(
    `"${text}" is not an address: write host:port, as 127.0.0.1:${defaultPort} or ` +
      `[::1]:${defaultPort}.`,
  );
}

export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * The address with its name resolved to an IP literal: IPv4 first, otherwise in the system's order.
 * @throws {InvalidArgumentError} when the name has no address
 */
export async function resolveAddress({ host, port }: Address): Promise<Address> {
  if (isIP(host) !== 0) return { host, port };
  try {
    return { host: (await lookup(host, { order: "ipv4first" })).address, port };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidArgumentError(`The host "${host}" has no address: ${reason}.`);
  }
}

/** Whether an IP literal is this machine's loopback: 127.0.0.0/8 or ::1 (RFC 1122, RFC 4291). */
export function isLoopback(host: string): boolean {
  return isIPv6(host) ? /^(?:0*:)+0*1$/.test(host) : host.startsWith("127.");
}
