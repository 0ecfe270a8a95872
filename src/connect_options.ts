/** What a client is made of: from its options, its servers' URL, and the environment, in this order. */

import type { CryptoChoice } from "./arguments.ts";
import { InvalidArgumentError } from "./errors.ts";
import { checkOptions } from "./known_options.ts";
import { MOST_WAITING } from "./protocol/exchange.ts";
import { decodeKey } from "./protocol/keys.ts";
import { DEFAULT_SERVER } from "./runtime/address.ts";
import { variable } from "./runtime/environment.ts";
import { type ListedServer, parseServerList } from "./server_list.ts";
import {
  agreedSpread,
  choiceOf,
  ON_DOWNS,
  type OnDown,
  readServerUrl,
  type Spread,
  SPREADS,
} from "./server_url.ts";

/** How `connect` makes a client. */
export interface ConnectOptions {
  /**
   * The master key: 32 bytes, 44 characters of base64 or 64 of hex. Of several lines the first counts. By
   * default it comes from the environment: KG_KEY, or otherwise the file that KG_KEY_FILE names.
   */
  readonly key?: string | Uint8Array;
  /**
   * How to seal: `native` (the default: on Bun by the system's OpenSSL if there is one, otherwise
   * like `node`), `node` (node:crypto) or `web` (Web Crypto alone).
   */
  readonly crypto?: CryptoChoice;
  /**
   * What calls do whose server has not answered for 250 ms or more, until it does. `error` (the default
   * for several servers): they fail at once with a ServerDownError. `miss`, for caches: get, getMany,
   * exists and touch find nothing, and set stores nothing; all others fail. Without it, calls to a lone
   * server wait until their deadline. It counts more than the `onDown` of a URL.
   */
  readonly onDown?: OnDown;
  /**
   * What several servers are. `keys` (the default): each has its share of the keys. `any`: all lead to
   * the same keys, as gateways before one engine do; the first that is up gets the calls. By default the
   * environment variable KG_SPREAD. A URL must not say otherwise.
   */
  readonly spread?: Spread;
  /**
   * How many calls may wait for their turn at a server, besides the 64 queries and 64 mutations that are
   * under way: 1 to 1,048,576, by default 65,536. Those beyond it end at once in an OverloadedError; those
   * that wait have their turn in the order in which they were made, or end by their deadline or their
   * signal. One that waits takes 0.5 to 2 KiB.
   */
  readonly maxWaiting?: number;
}

const OPTIONS: ReadonlySet<string> = new Set(
  ["key", "crypto", "onDown", "spread", "maxWaiting"] satisfies (keyof ConnectOptions)[],
);
const CRYPTO_CHOICES: readonly CryptoChoice[] = ["native", "node", "web"];

/** What all servers of a client have in common. */
export interface Terms {
  readonly masterKey: Uint8Array;
  readonly crypto: CryptoChoice | undefined;
  readonly maxWaiting: number | undefined;
}

export interface Chosen extends Terms {
  readonly listed: readonly ListedServer[];
  readonly onDown: OnDown | undefined;
  readonly spread: Spread;
}

/** @throws {InvalidArgumentError | MasterKeyError} */
export async function readOptions(
  servers: string | readonly string[] | undefined,
  options: ConnectOptions,
): Promise<Chosen> {
  checkOptions("connect", options, OPTIONS);
  const url = readServerUrl(servers ?? variable("KG_SERVER") ?? DEFAULT_SERVER);
  const onDown = choiceOf("onDown", options.onDown, ON_DOWNS) ?? url.onDown;
  const spread = agreedSpread(choiceOf("spread", options.spread, SPREADS), url.spread) ??
    defaultSpread(url.servers);
  return {
    listed: parseServerList(url.servers, spread),
    onDown,
    spread,
    masterKey: await masterKeyOf(options.key),
    crypto: choiceOf("crypto", options.crypto, CRYPTO_CHOICES),
    maxWaiting: maxWaitingOf(options),
  };
}

/** The variable is looked at only where it matters. */
function defaultSpread(servers: string | readonly string[]): Spread {
  const isOne = typeof servers === "string" && !servers.includes(",");
  return (isOne ? undefined : choiceOf("KG_SPREAD", variable("KG_SPREAD"), SPREADS)) ?? "keys";
}

async function masterKeyOf(given: string | Uint8Array | undefined): Promise<Uint8Array> {
  if (given !== undefined) return decodeKey(firstLine(given));
  const key = variable("KG_KEY");
  if (key !== undefined) return decodeKey(firstLine(key), "KG_KEY");
  const path = variable("KG_KEY_FILE");
  if (path === undefined) {
    throw new InvalidArgumentError(
      "A client needs its server's key: pass { key }, or set KG_KEY, or KG_KEY_FILE to the path of " +
        "a file that has it.",
    );
  }
  const { readKeyText } = await import("./runtime/key_file.ts");
  return decodeKey(firstLine(await readKeyText(path)), `What is in "${path}"`);
}

/** Of a key file's two keys a client uses the first. */
function firstLine(key: string | Uint8Array): string | Uint8Array {
  return typeof key === "string" ? key.trim().split(/\s*\n/, 1)[0] : key;
}

function maxWaitingOf({ maxWaiting }: ConnectOptions): number | undefined {
  if (maxWaiting === undefined) return undefined;
  const isInRange = maxWaiting >= 1 && maxWaiting <= MOST_WAITING;
  if (Number.isSafeInteger(maxWaiting) && isInRange) return maxWaiting;
  throw new InvalidArgumentError(
    `maxWaiting is ${String(maxWaiting)}; it must be a whole number, 1 to ${MOST_WAITING}.`,
  );
}
