/** The options that the client commands share: the server, its key and how long to wait. */

import { DEFAULT_SERVER } from "../runtime/address.ts";
import type { CryptoChoice } from "../arguments.ts";
import { type Spread, SPREADS } from "../server_list.ts";
import { readServerUrl } from "../server_url.ts";
import { choiceOf, type Input, type Options } from "./command.ts";
import { parseDuration } from "./quantities.ts";

const DEFAULT_TIMEOUT = "1s";
/** Where any of several servers will do, there is time to find the first one down. */
const DEFAULT_TIMEOUT_OF_ANY = "3s";

export const CRYPTO_OPTION = {
  crypto: {
    type: "string",
    value: "native|node|web",
    help: "how to seal: the fastest way available, node:crypto or Web Crypto",
  },
} as const satisfies Options;

export const KEY_FILE_OPTION = {
  "key-file": {
    type: "string",
    value: "FILE",
    help: "the key (default: KG_KEY, then KG_KEY_FILE, then this user's own)",
  },
} as const satisfies Options;

export const CLIENT_OPTIONS = {
  server: {
    type: "string",
    value: "SERVERS",
    help: `HOST:PORT, or NAME=HOST:PORT,... (default: KG_SERVER, ${DEFAULT_SERVER})`,
  },
  spread: {
    type: "string",
    value: "keys|any",
    help: "each server has its share of the keys, or any has all (KG_SPREAD; keys)",
  },
  ...KEY_FILE_OPTION,
  timeout: {
    type: "string",
    value: "TIME",
    help: `how long to wait (default: ${DEFAULT_TIMEOUT})`,
  },
  json: { type: "boolean", help: "print a line of JSON, of an error too" },
  ...CRYPTO_OPTION,
} as const satisfies Options;

/** Of SET and DELETE. */
export const IF_EQUAL_OPTION = {
  "if-equal": {
    type: "string",
    value: "VALUE",
    help: "only if the key has this value now",
  },
} as const satisfies Options;

/** The option of a call, which has none without the option of the command. */
export function ifEqualOf(input: Input): { readonly ifEqual?: string } {
  const ifEqual = input.text("if-equal");
  return ifEqual === undefined ? {} : { ifEqual };
}

export function cryptoChoice(input: Input): CryptoChoice {
  return choiceOf(input, "crypto", ["native", "node", "web"]);
}

export function serversOf(input: Input): string {
  return input.text("server") ?? (process.env.KG_SERVER || DEFAULT_SERVER);
}

/** What several servers are, by an option or by their URL; undefined leaves it to KG_SPREAD. */
export function spreadOf(input: Input, option = "spread"): Spread | undefined {
  if (input.text(option) !== undefined) return choiceOf(input, option, SPREADS);
  return option === "spread" ? readServerUrl(serversOf(input)).spread : undefined;
}

/** Whether any of several servers leads to all keys. */
export function isAny(input: Input, option = "spread"): boolean {
  return (spreadOf(input, option) ?? process.env.KG_SPREAD) === "any";
}

export function timeoutMsOf(input: Input): number {
  const text = input.text("timeout") ?? (isAny(input) ? DEFAULT_TIMEOUT_OF_ANY : DEFAULT_TIMEOUT);
  return parseDuration("--timeout", text);
}

/** What --ttl takes besides times: the key then lives until it is removed. */
const FOREVER = "forever";

/** The time to live from --ttl, in milliseconds; undefined for ever. */
export function ttlMsOf(input: Input): number | undefined {
  const text = input.text("ttl");
  return text === undefined || text === FOREVER ? undefined : parseDuration("--ttl", text);
}
