/** Connects a client to its runtime: the library's entry point. */

import type { CryptoChoice } from "./arguments.ts";
import { Client } from "./client.ts";
import { InvalidArgumentError } from "./errors.ts";
import { Exchange } from "./protocol/exchange.ts";
import { decodeKey, trafficCiphers } from "./protocol/keys.ts";
import { parseAddress, resolveAddress } from "./runtime/address.ts";
import { makeAlarm } from "./runtime/alarm.ts";
import { makeClock } from "./runtime/clock.ts";
import { chooseCrypto, detectDial } from "./runtime/detect.ts";
import type { Channel } from "./runtime/channels/channel.ts";

export interface ConnectOptions {
  /** The master key: 32 bytes, 44 characters of base64 or 64 of hex. */
  readonly key: string | Uint8Array;
  /**
   * How to seal: `native` (the default: on Bun by the system's OpenSSL if there is one, otherwise
   * like `node`), `node` (node:crypto) or `web` (Web Crypto alone).
   */
  readonly crypto?: CryptoChoice;
}

/**
 * Makes a client for the server at an address. Nothing is sent before the first call, so this
 * also succeeds while no server is there. An open client does not keep the process alive.
 *
 * ```ts
 * const kv = await connect("127.0.0.1:4040", { key });
 * await kv.set("greeting", "hello", { timeout: 50 });
 * await kv.getText("greeting", { timeout: 50 }); // "hello"
 * kv.close();
 * ```
 * @param address `host:port`, `[IPv6]:port`, or a host alone for port 4040
 * @throws {MasterKeyError} when the key is not valid
 * @throws {InvalidArgumentError} when the address is not valid, or its name can't be resolved
 */
export async function connect(address: string, options: ConnectOptions): Promise<Client> {
  return (await openChannel(address, options)).client;
}

/**
 * As `connect`, with the channel under the client.
 * @internal
 */
export async function openChannel(
  address: string,
  options: ConnectOptions,
): Promise<{ client: Client; channel: Channel }> {
  const masterKey = decodeKey(options?.key);
  const parsed = parseAddress(address);
  if (parsed.port === 0) {
    throw new InvalidArgumentError(`"${address}" has port 0: no server can have it.`);
  }
  // None of these waits for another. Only the socket waits for the name: for its address family.
  const [server, dial, { provider, ciphers }] = await Promise.all([
    resolveAddress(parsed),
    detectDial(),
    openCrypto(masterKey, options.crypto),
  ]);
  const exchange: Exchange = new Exchange({
    ciphers,
    send: (datagram) => channel.send(datagram),
    now: makeClock(),
    makeAlarm,
    fillRandom: provider.fillRandom,
  });
  const channel = await dial(server, {
    onDatagram: (datagram) => exchange.receive(datagram),
    onError: (error) => exchange.noteNetworkError(error),
  });
  return { client: new Client(exchange, () => channel.close()), channel };
}

async function openCrypto(masterKey: Uint8Array, choice?: CryptoChoice) {
  const provider = await chooseCrypto(choice);
  return { provider, ciphers: await trafficCiphers(masterKey, provider) };
}
