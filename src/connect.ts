/** Connects a client to its runtime: the library's entry point. */

import { Client } from "./client.ts";
import { type ConnectOptions, readOptions, type Terms } from "./connect_options.ts";
import type { Member, Paths } from "./fleet/member.ts";
import type { CryptoProvider } from "./protocol/crypto_provider.ts";
import type { Destination } from "./protocol/destination.ts";
import { Exchange, type ExchangePorts } from "./protocol/exchange.ts";
import { trafficCiphers } from "./protocol/keys.ts";
import { type Address, resolveAddress } from "./runtime/address.ts";
import { makeAlarm } from "./runtime/alarm.ts";
import { makeClock } from "./runtime/clock.ts";
import { chooseCrypto, detectDial } from "./runtime/detect.ts";
import type { Channel, ChannelEvents, Dial } from "./runtime/channels/channel.ts";
import type { ListedServer } from "./server_list.ts";
import type { OnDown, Spread } from "./server_url.ts";

export type { ConnectOptions } from "./connect_options.ts";

/**
 * Makes a client for the server at an address, or for several servers, each of which has its share of
 * the keys. Nothing is sent before the first call, so this also succeeds while no server is there. An
 * open client does not keep the process alive.
 *
 * ```ts
 * const client = await connect("127.0.0.1:4040", { key });
 * await client.set("greeting", "hello", { timeout: 500, overwrite: true });
 * console.log(await client.getText("greeting", { timeout: 500 })); // hello
 * client.close();
 * ```
 *
 * With the server in KG_SERVER and its key in KG_KEY, or the path of its file in KG_KEY_FILE:
 *
 * ```ts
 * using kv = (await connect()).within(500);
 * console.log(await kv.getText("missing")); // undefined
 * ```
 * @param servers `host:port`, `[IPv6]:port`, or a host alone for port 4040; or `name=host:port` for a
 *   server that has a name; or a list of these, as an array or with commas between, where `*2` behind a
 *   server gives it twice as many keys. Text may also be a URL, `kg://` and the list, which may say
 *   `?spread=any`, `?onDown=miss` or both, and never has a key. By default the environment variable
 *   KG_SERVER, otherwise 127.0.0.1:4040.
 * @throws {MasterKeyError} when the key is not valid
 * @throws {InvalidArgumentError} when there is no key, an option does not exist, the servers are not valid, or
 *   no name can be resolved
 */
export async function connect(
  servers?: string | readonly string[],
  options: ConnectOptions = {},
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
  const { listed, onDown, spread, ...terms } = await readOptions(servers, options);
  return listed.length === 1 && onDown === undefined
    ? await openOne(listed[0], terms)
    : await openFleet(listed, terms, { onDown: onDown ?? "error", spread });
}

async function openOne(
  { name, address, text }: ListedServer,
  terms: Terms,
): Promise<Opened> {
  // None of these waits for another. Only the socket waits for the name: for its address family.
  const [to, dial, ports] = await Promise.all([
    resolveAddress(address),
    detectDial(),
    chooseCrypto(terms.crypto).then((provider) => openPorts(terms, provider, makeClock(), name)),
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
  terms: Terms,
  { onDown, spread }: { readonly onDown: OnDown; readonly spread: Spread },
): Promise<Opened> {
  const [{ Fleet }, { AnyOf }, { Member }, dial, provider] = await Promise.all([
    import("./fleet/fleet.ts"),
    import("./fleet/any.ts"),
    import("./fleet/member.ts"),
    detectDial(),
    chooseCrypto(terms.crypto),
  ]);
  const now = makeClock();
  const channels: Channel[] = [];
  const members = await Promise.all(listed.map(async ({ name, address, text, weight }) => {
    const ports = await openPorts(terms, provider, now, name);
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
  { masterKey, maxWaiting }: Terms,
  provider: CryptoProvider,
  now: () => number,
  name: string | undefined,
): Promise<Omit<ExchangePorts, "send" | "server">> {
  const ciphers = await trafficCiphers(masterKey, provider, name);
  return { ciphers, now, makeAlarm, fillRandom: provider.fillRandom, maxWaiting };
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
