/** Addresses as people write them: host:port, [IPv6]:port, or a host alone. */

import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { InvalidArgumentError } from "../errors.ts";

/** Where a server listens when nobody says otherwise. */
export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 4040;
const MAX_PORT = 65_535;

export interface Address {
  /** A name or an IP literal, without brackets. */
  readonly host: string;
  /** 0…65,535; 0 asks the system for one. */
  readonly port: number;
}

const BRACKETED = /^\[([^\]]+)\](?::(.+))?$/;

/**
 * Reads an address; without a port it gets 4040.
 * @throws {InvalidArgumentError}
 */
export function parseAddress(text: string): Address {
  const bracketed = BRACKETED.exec(text);
  if (bracketed !== null) return checked(text, bracketed[1], bracketed[2]);
  if (isIPv6(text)) return checked(text, text, undefined);
  const colon = text.lastIndexOf(":");
  if (colon < 0) return checked(text, text, undefined);
  return checked(text, text.slice(0, colon), text.slice(colon + 1));
}

function checked(text: string, host: string, port: string | undefined): Address {
  const number = port === undefined ? DEFAULT_PORT : Number(port);
  const isPort = /^\d+$/.test(port ?? "0") && number <= MAX_PORT;
  if (host !== "" && !host.includes(":") === !isIPv6(host) && isPort) return { host, port: number };
  throw new InvalidArgumentError(
    `"${text}" is not an address: write host:port, as 127.0.0.1:${DEFAULT_PORT} or ` +
      `[::1]:${DEFAULT_PORT}.`,
  );
}

export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * The address with its name resolved to an IP literal, IPv4 before IPv6 as the system orders it.
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
