/** What the client commands share: how they find the server and its key, and how long they wait. */

import type { Calls, Client } from "../client.ts";
import { connect } from "../connect.ts";
import { DEFAULT_HOST, DEFAULT_PORT } from "../runtime/address.ts";
import type { CryptoChoice } from "../runtime/detect.ts";
import { choiceOf, type Input, type Options } from "./command.ts";
import { requireKey } from "./key_source.ts";
import { parseDuration } from "./quantities.ts";

/** Where a server listens, and a client looks for it, when nobody says otherwise. */
export const DEFAULT_SERVER = `${DEFAULT_HOST}:${DEFAULT_PORT}`;
const DEFAULT_TIMEOUT = "1s";

export const CRYPTO_OPTION = {
  crypto: {
    type: "string",
    value: "native|node|web",
    help: "seal by the fastest way there is, node:crypto or Web Crypto",
  },
} as const satisfies Options;

export const KEY_FILE_OPTION = {
  "key-file": {
    type: "string",
    value: "FILE",
    help: "the key (default: KG_KEY, else KG_KEY_FILE, else this user's own)",
  },
} as const satisfies Options;

export const CLIENT_OPTIONS = {
  server: {
    type: "string",
    value: "HOST:PORT",
    help: `the server (default: KG_SERVER, else ${DEFAULT_SERVER})`,
  },
  ...KEY_FILE_OPTION,
  timeout: {
    type: "string",
    value: "TIME",
    help: `how long to wait (default: ${DEFAULT_TIMEOUT})`,
  },
  json: { type: "boolean", help: "print one line of JSON" },
  ...CRYPTO_OPTION,
} as const satisfies Options;

export function cryptoChoice(input: Input): CryptoChoice {
  return choiceOf(input, "crypto", ["native", "node", "web"]);
}

export function serverOf(input: Input): string {
  return input.text("server") ?? (process.env.KG_SERVER || DEFAULT_SERVER);
}

export function timeoutMsOf(input: Input): number {
  return parseDuration("--timeout", input.text("timeout") ?? DEFAULT_TIMEOUT);
}

/** The time to live of --ttl in milliseconds. */
export function ttlMsOf(input: Input): number | undefined {
  const text = input.text("ttl");
  return text === undefined ? undefined : parseDuration("--ttl", text);
}

/** Connects as the options say, runs the calls, and closes. */
export async function withClient<T>(
  input: Input,
  run: (kv: Calls<true>) => Promise<T>,
): Promise<T> {
  const timeoutMs = timeoutMsOf(input);
  const { key } = requireKey(input.text("key-file"));
  const client: Client = await connect(serverOf(input), { key, crypto: cryptoChoice(input) });
  try {
    return await run(client.within(timeoutMs));
  } finally {
    client.close();
  }
}
