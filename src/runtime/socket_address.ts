/** An address in the kernel's forms. Source: ip(7), ipv6(7), proc(5). */

import { networkInterfaces } from "node:os";
import { type Address, isIPv6 } from "./address.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
/** Where a sockaddr_in6 has its scope, in this machine's byte order. */
const SCOPE_AT = 24;

/** A struct sockaddr_in or sockaddr_in6 of Linux. */
export function socketAddress({ host, port }: Address): Uint8Array<ArrayBuffer> {
  const [address, zone] = host.split("%");
  const isV6 = isIPv6(address);
  const bytes = new Uint8Array(isV6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES);
  bytes[0] = isV6 ? AF_INET6 : AF_INET;
  bytes[2] = port >> 8;
  bytes[3] = port;
  bytes.set(addressBytes(address), isV6 ? 8 : 4);
  if (zone !== undefined) new DataView(bytes.buffer).setUint32(SCOPE_AT, scopeOf(zone), true);
  return bytes;
}

/** The number of a zone, given as a number or a network interface's name; 0 if there is none. */
function scopeOf(zone: string): number {
  if (/^\d+$/.test(zone)) return Number(zone);
  const addresses = networkInterfaces()[zone] ?? [];
  return addresses.find(({ scopeid }) => scopeid)?.scopeid ?? 0;
}

/** The 4 or 16 bytes of an IP literal, in network order. */
export function addressBytes(host: string): number[] {
  return isIPv6(host) ? ipv6Bytes(host) : host.split(".").map(Number);
}

function ipv6Bytes(host: string): number[] {
  // URL writes an address with its longest run of zeros as "::" and no dotted quad.
  const [head, tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string | undefined) => (part ? part.split(":") : []);
  const zeros = new Array(8 - groups(head).length - groups(tail).length).fill("0");
  const all = tail === undefined ? groups(head) : [...groups(head), ...zeros, ...groups(tail)];
  return all.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
