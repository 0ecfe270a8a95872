/**
 * Which hosts a request may name. A page from elsewhere can make a browser send requests here under the
 * page's own name, once that name leads to this address (DNS rebinding). It can't under an address or
 * under localhost; other names have to be allowed.
 */

import * as net from "node:net";

const PORT = /:\d+$/;

/** @param host the header; absent in HTTP/1.0 @param allowed names, in lower case */
export function isOwnHost(host: string | undefined, allowed: readonly string[]): boolean {
  if (host === undefined) return false;
  const name = host.toLowerCase().replace(PORT, "").replace(/\.$/, "");
  const isAddress = net.isIPv4(name) || /^\[.*\]$/.test(name) && net.isIPv6(name.slice(1, -1));
  return isAddress || name === "localhost" || allowed.includes(name);
}
