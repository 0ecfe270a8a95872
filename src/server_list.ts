/**
 * Servers as people write them: `127.0.0.1:4040`, or with a name `cache-1=10.0.0.1:4040`, or a list
 * `cache-1=10.0.0.1:4040,cache-2=10.0.0.2:4040*2`, where the second gets twice as many keys. Each of these
 * may also be a URL: server_url.ts.
 */

import { InvalidArgumentError } from "./errors.ts";
import { checkServerName } from "./protocol/server_name.ts";
import { type Address, formatAddress, parseAddress } from "./runtime/address.ts";
import { agreedSpread, noSecrets, readServerUrl, type Spread } from "./server_url.ts";

export { type Spread, SPREADS } from "./server_url.ts";

export const MAX_SERVERS = 100;
export const MAX_WEIGHT = 100;
/** The sum of the weights bounds what it costs to choose a key's server. */
export const MAX_WEIGHTS = 1_000;

/** A server of a list. */
export interface ListedServer {
  readonly name: string | undefined;
  readonly address: Address;
  /** The address as text, with its port. */
  readonly text: string;
  /** 1…100: how many keys it gets, compared with the others. */
  readonly weight: number;
}

/**
 * Reads a server, or a list of servers.
 * @param given text with commas between the servers, also as a URL, or an array
 * @param spread whether each key has one of them, which its name decides, or any of them has all keys; by
 *   default what the URL says, otherwise `keys`
 * @param anyBy how to say that any of them has all keys, for an error; null if that is no use
 * @throws {InvalidArgumentError} for what is no list, for one where names are missing or come twice, and
 *   for a URL that says something else about the spread
 */
export function parseServerList(
  given: string | readonly string[],
  spread?: Spread,
  anyBy: string | null = "KG_SPREAD=any",
): ListedServer[] {
  const { servers: list, spread: ofUrl } = readServerUrl(given);
  const texts = typeof list === "string" ? list.split(",") : list;
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) {
    throw new InvalidArgumentError("Servers are given as text, or as an array of texts.");
  }
  const servers = texts.map((text) => text.trim()).filter((text) => text !== "").map(parseServer);
  checkList(servers, agreedSpread(spread, ofUrl) ?? "keys", anyBy);
  return servers;
}

function parseServer(entry: string): ListedServer {
  noSecrets(entry);
  const [, name, text, digits = "1"] = /^(?:([^=]*)=)?([^=*]*)(?:\*(.*))?$/.exec(entry) ?? [];
  if (text === undefined) {
    throw new InvalidArgumentError(`"${entry}" is not a server: write cache-1=HOST:PORT.`);
  }
  const weight = Number(digits);
  if (!/^\d+$/.test(digits) || weight < 1 || weight > MAX_WEIGHT) {
    throw new InvalidArgumentError(
      `"${entry}": the weight is a whole number of 1 to ${MAX_WEIGHT}, as in ${text}*2.`,
    );
  }
  const address = parseAddress(text);
  if (address.port === 0) {
    throw new InvalidArgumentError(`"${text}" has port 0: no server can have it.`);
  }
  return {
    name: name === undefined ? undefined : checkServerName(name),
    address,
    text: formatAddress(address),
    weight,
  };
}

function checkList(
  servers: readonly ListedServer[],
  spread: Spread,
  anyBy: string | null,
): void {
  if (servers.length === 0) throw new InvalidArgumentError("The list of servers is empty.");
  if (servers.length === 1) return;
  if (servers.length > MAX_SERVERS) {
    throw new InvalidArgumentError(`A list has at most ${MAX_SERVERS} servers.`);
  }
  const nameless = servers.find(({ name }) => name === undefined);
  if (nameless !== undefined && spread === "keys") {
    const or = anyBy === null
      ? ""
      : ` (Or ${anyBy}, if any of them leads to all keys, as gateways before one engine do.)`;
    throw new InvalidArgumentError(
      `"${nameless.text}" needs a name among several servers, since names decide which of them has a ` +
        `key: start it with --name cache-1, and write cache-1=${nameless.text}.${or}`,
    );
  }
  checkOnce("name", servers.flatMap(({ name }) => name ?? []));
  checkOnce("address", servers.map(({ text }) => text));
  if (servers.reduce((sum, { weight }) => sum + weight, 0) > MAX_WEIGHTS) {
    throw new InvalidArgumentError(`All weights together are at most ${MAX_WEIGHTS}.`);
  }
}

function checkOnce(what: string, texts: readonly string[]): void {
  const twice = texts.find((text, i) => texts.indexOf(text) !== i);
  if (twice !== undefined) throw new InvalidArgumentError(`The ${what} "${twice}" comes twice.`);
}
