/** Addresses as people write them: host:port, [IPv6]:port, or a host alone. */

import * as net from "node:net";
import { InvalidArgumentError } from "../errors.ts";

/** Where a server listens by default. */
export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 4040;
export const DEFAULT_SERVER = `${DEFAULT_HOST}:${DEFAULT_PORT}`;
const MAX_PORT = 65_535;

export interface Address {
  /** A name or an IP literal, without brackets. */
  readonly host: string;
  /** 0…65,535; 0 asks the system to choose one. */
  readonly port: number;
}

const BRACKETED = /^\[(.+)\](?::(\d+))?$/;
const PLAIN = /^([^:[\]]+)(?::(\d+))?$/;

/** Whether text is an IPv6 literal, with or without a zone. */
export function isIPv6(text: string): boolean {
  // Names and IPv4 literals have no colon, and the expression behind net.isIPv6 takes Node 6 ms to compile.
  return text.includes(":") && net.isIPv6(text);
}

/** The unspecified address of an IP literal's family, which a client's socket is bound to. */
export function unspecifiedHost(host: string): string {
  return isIPv6(host) ? "::" : "0.0.0.0";
}

/**
 * Reads an address; the default port is 4040, or another that is given.
 * @throws {InvalidArgumentError}
 */
export function parseAddress(text: string, defaultPort = DEFAULT_PORT): Address {
  const plain = PLAIN.exec(text);
  const [, host, digits] = plain ?? BRACKETED.exec(text) ?? [text, text];
  const port = Number(digits ?? defaultPort);
  const isHost = plain === null ? isIPv6(host) : !/^\d+$/.test(text);
  if (isHost && port <= MAX_PORT) return { host, port };
  throw new InvalidArgumentError(
    `"${text}" is not an address: write host:port, as 127.0.0.1:${defaultPort} or ` +
      `[::1]:${defaultPort}.`,
  );
}

export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A host's name leads to no address, or can't be looked up now. */
export class NoAddressError extends InvalidArgumentError {}

/**
 * The address with its name resolved to an IP literal: IPv4 first, otherwise in the system's order.
 * @throws {NoAddressError} when the name has no address
 */
export async function resolveAddress({ host, port }: Address): Promise<Address> {
  if (net.isIPv4(host) || isIPv6(host)) return { host, port };
  const { lookup } = await import("node:dns/promises");
  try {
    return { host: (await lookup(host, { order: "ipv4first" })).address, port };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NoAddressError(`The host "${host}" has no address: ${reason}.`);
  }
}

/** Whether an IP literal is this machine's loopback: 127.0.0.0/8 or ::1 (RFC 1122, RFC 4291). */
export function isLoopback(host: string): boolean {
  return isIPv6(host) ? /^(?:0*:)+0*1$/.test(host) : host.startsWith("127.");
}
