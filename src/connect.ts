/** Connects a client to its runtime: the library's entry point. */

import process from "node:process";
import type { CryptoChoice } from "./arguments.ts";
import { Client } from "./client.ts";
import { InvalidArgumentError } from "./errors.ts";
import type { Member, OnDown, Paths } from "./fleet/member.ts";
import type { CryptoProvider } from "./protocol/crypto_provider.ts";
import type { Destination } from "./protocol/destination.ts";
import { Exchange } from "./protocol/exchange.ts";
import { decodeKey, trafficCiphers } from "./protocol/keys.ts";
import { type Address, DEFAULT_SERVER, resolveAddress } from "./runtime/address.ts";
import { makeAlarm } from "./runtime/alarm.ts";
import { makeClock } from "./runtime/clock.ts";
import { chooseCrypto, detectDial } from "./runtime/detect.ts";
import type { Channel, ChannelEvents, Dial } from "./runtime/channels/channel.ts";
import { type ListedServer, parseServerList, type Spread, SPREADS } from "./server_list.ts";

export interface ConnectOptions {
  /** The master key: 32 bytes, 44 characters of base64 or 64 of hex. Of several lines the first counts. */
  readonly key: string | Uint8Array;
  /**
   * How to seal: `native` (the default: on Bun by the system's OpenSSL if there is one, otherwise
   * like `node`), `node` (node:crypto) or `web` (Web Crypto alone).
   */
  readonly crypto?: CryptoChoice;
  /**
   * What calls do whose server has not answered for 250 ms or more, until it does. `error` (the default
   * for several servers): they fail at once with a ServerDownError. `miss`, for caches: get, getMany,
   * exists and touch find nothing, and set stores nothing; all others fail. Without it, calls to a lone
   * server wait until their deadline.
   */
  readonly onDown?: OnDown;
  /**
   * What several servers are. `keys` (the default): each has its share of the keys. `any`: all lead to
   * the same keys, as gateways before one engine do; the first that is up gets the calls. By default the
   * environment variable KG_SPREAD.
   */
  readonly spread?: Spread;
}

/**
 * Makes a client for the server at an address, or for several servers, each of which has its share of
 * the keys. Nothing is sent before the first call, so this also succeeds while no server is there. An
 * open client does not keep the process alive.
 *
 * ```ts
 * const kv = await connect("127.0.0.1:4040", { key });
 * await kv.set("greeting", "hello", { timeout: 50 });
 * await kv.getText("greeting", { timeout: 50 }); // "hello"
 * kv.close();
 * ```
 * @param servers `host:port`, `[IPv6]:port`, or a host alone for port 4040; or `name=host:port` for a
 *   server that has a name; or a list of these, as an array or with commas between, where `*2` behind a
 *   server gives it twice as many keys. By default the environment variable KG_SERVER.
 * @throws {MasterKeyError} when the key is not valid
 * @throws {InvalidArgumentError} when the servers are not valid, or no name can be resolved
 */
export async function connect(
  servers: string | readonly string[] | undefined,
  options: ConnectOptions,
): Promise<Client> {
  return (await openClient(servers, options)).client;
}

/** How long the look-up of some servers' names may delay a client of several. */
const RESOLVE_PATIENCE_MS = 1_000;

/** A destination with its sockets, as far as they are open by now. */
interface Opened {
  readonly destination: Destination;
  readonly channels: readonly Channel[];
  readonly close: () => void;
}

/**
 * As `connect`, with the channels under the client.
 * @internal
 */
export async function openClient(
  servers: string | readonly string[] | undefined,
  options: ConnectOptions,
): Promise<{ client: Client; channels: readonly Channel[] }> {
  const { destination, channels, close } = await openDestination(servers, options);
  return { client: new Client(destination, close), channels };
}

/**
 * What is under a client.
 * @internal
 */
export async function openDestination(
  servers: string | readonly string[] | undefined,
  options: ConnectOptions,
): Promise<Opened> {
  const masterKey = decodeKey(firstLine(options?.key));
  const { onDown, crypto } = options;
  const spread = (options.spread ?? (process.env.KG_SPREAD || "keys")) as Spread;
  checkChoice("onDown", onDown, ["error", "miss"]);
  checkChoice("spread", spread, SPREADS);
  const listed = parseServerList(servers ?? (process.env.KG_SERVER || DEFAULT_SERVER), spread);
  return listed.length === 1 && onDown === undefined
    ? await openOne(listed[0], masterKey, crypto)
    : await openFleet(listed, masterKey, { crypto, onDown: onDown ?? "error", spread });
}

function checkChoice(name: string, given: string | undefined, choices: readonly string[]): void {
  if (given === undefined || choices.includes(given)) return;
  const words = choices.map((choice) => `"${choice}"`).join(" or ");
  throw new InvalidArgumentError(`${name} is ${String(given)}; it must be ${words}.`);
}

/** Of a key file's two keys a client uses the first. */
function firstLine(key: string | Uint8Array): string | Uint8Array {
  return typeof key === "string" ? key.trim().split(/\s*\n/, 1)[0] : key;
}

async function openOne(
  { name, address, text }: ListedServer,
  masterKey: Uint8Array,
  choice: CryptoChoice | undefined,
): Promise<Opened> {
  // None of these waits for another. Only the socket waits for the name: for its address family.
  const [to, dial, ports] = await Promise.all([
    resolveAddress(address),
    detectDial(),
    chooseCrypto(choice).then((provider) => openPorts(masterKey, provider, makeClock(), name)),
  ]);
  const exchange: Exchange = new Exchange({
    ...ports,
    server: { name, address: text },
    send: (datagram) => channel.send(datagram),
  });
  const channel = await dial(to, eventsOf(exchange));
  return { destination: exchange, channels: [channel], close: () => channel.close() };
}

async function openFleet(
  listed: readonly ListedServer[],
  masterKey: Uint8Array,
  { onDown, crypto, spread }:
    & Required<Pick<ConnectOptions, "onDown" | "spread">>
    & Pick<ConnectOptions, "crypto">,
): Promise<Opened> {
  const [{ Fleet }, { AnyOf }, { Member }, dial, provider] = await Promise.all([
    import("./fleet/fleet.ts"),
    import("./fleet/any.ts"),
    import("./fleet/member.ts"),
    detectDial(),
    chooseCrypto(crypto),
  ]);
  const now = makeClock();
  const channels: Channel[] = [];
  const members = await Promise.all(listed.map(async ({ name, address, text, weight }) => {
    const ports = await openPorts(masterKey, provider, now, name);
    const paths = pathsTo(address, dial, (channel) => channels.push(channel));
    const onDownHere = spread === "any" ? "error" : onDown;
    return new Member({ name, address: text, weight, onDown: onDownHere, paths, ports });
  }));
  await openAll(members);
  const time = { now, makeAlarm };
  const destination = spread === "any"
    ? new AnyOf(members, time, provider.fillRandom, onDown)
    : new Fleet(members, time, provider.fillRandom);
  return { destination, channels, close: () => {} };
}

/** Opens the paths to all members, and waits for them a while; one at least must be there. */
async function openAll(members: readonly Member[]): Promise<void> {
  await new Promise<void>((resolve) => {
    const patience = makeAlarm(resolve);
    patience.set(RESOLVE_PATIENCE_MS);
    void Promise.all(members.map((member) => member.open())).then(() => {
      patience.clear();
      resolve();
    });
  });
  const problems = members.flatMap(({ problem }) => problem ?? []);
  if (problems.length === members.length) {
    for (const member of members) member.close();
    throw problems[0];
  }
  for (const member of members) member.begin();
}

async function openPorts(
  masterKey: Uint8Array,
  provider: CryptoProvider,
  now: () => number,
  name: string | undefined,
) {
  const ciphers = await trafficCiphers(masterKey, provider, name);
  return { ciphers, now, makeAlarm, fillRandom: provider.fillRandom };
}

/** Looks the address up each time, since a name may lead elsewhere after its server was moved. */
function pathsTo(address: Address, dial: Dial, onChannel: (channel: Channel) => void): Paths {
  return {
    async open(exchange, known) {
      const { host, port } = await resolveAddress(address);
      if (host === known) return null;
      const channel = await dial({ host, port }, eventsOf(exchange));
      onChannel(channel);
      return { to: host, send: (datagram) => channel.send(datagram), close: () => channel.close() };
    },
  };
}

function eventsOf(exchange: Exchange): ChannelEvents {
  return {
    onDatagram: (datagram) => exchange.receive(datagram),
    onError: (error) => exchange.noteNetworkError(error),
  };
}
