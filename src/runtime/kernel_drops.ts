/**
 * How many datagrams the kernel dropped before a socket's owner read them: Linux reports it in the
 * last column of /proc/net/udp and /proc/net/udp6 (proc(5)).
 */

import { readFileSync } from "node:fs";
import type { Address } from "./address.ts";
import { addressBytes } from "./socket_address.ts";

const LOCAL_ADDRESS_COLUMN = 1;

/** The sum over the sockets bound to these addresses; null where the system does not report it. */
export function kernelDrops(addresses: readonly Address[]): number | null {
  try {
    const tables = ["/proc/net/udp", "/proc/net/udp6"].map((path) => readFileSync(path, "utf8"));
    return sumDrops(tables.join("\n"), addresses);
  } catch {
    return null;
  }
}

/** Exported for its test: the sum from the text of the tables. */
export function sumDrops(tables: string, addresses: readonly Address[]): number {
  const wanted = new Set(addresses.map(tableForm));
  let drops = 0;
  for (const row of tables.split("\n")) {
    const columns = row.trim().split(/\s+/);
    if (wanted.has(columns[LOCAL_ADDRESS_COLUMN])) drops += Number(columns.at(-1)) || 0;
  }
  return drops;
}

/** An address as the kernel writes it: 32-bit words, each with its bytes reversed, and a port. */
function tableForm({ host, port }: Address): string {
  const bytes = addressBytes(host);
  let form = "";
  for (let word = 0; word < bytes.length; word += 4) {
    for (let i = 3; i >= 0; i--) form += hex(bytes[word + i], 2);
  }
  return `${form}:${hex(port, 4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
