/**
 * A world for tests: a virtual clock, and real clients and servers joined by links on which each
 * datagram can be let through, lost, duplicated or held. No sockets and no real time.
 */

import { Client } from "../src/client.ts";
import { copyBytes } from "../src/bytes.ts";
import { DATAGRAM_BYTES } from "../src/protocol/datagram.ts";
import { MemoryExecutor } from "../src/execute/memory.ts";
import { Exchange } from "../src/protocol/exchange.ts";
import { type TrafficCiphers, trafficCiphers } from "../src/protocol/keys.ts";
import type { CryptoProvider } from "../src/protocol/crypto_provider.ts";
import { OneArrival, type Peer, type Receive, type ServerSocket } from "../src/protocol/socket.ts";
import { nodeCrypto } from "../src/runtime/node_crypto.ts";
import { Server, type ServerOptions } from "../src/server.ts";
import { version1 } from "../src/version1.ts";
import { LogStore, type LogStoreOptions } from "../src/store/log_store.ts";
import { fillRandomOf } from "./bytes.ts";
import { promisesRun, VirtualClock } from "./virtual_clock.ts";

/** Seals and opens under way, where they are asynchronous. */
let cryptoUnderWay = 0;

/** Lets every promise that can go on do so, including Web Crypto's. */
export async function settled(): Promise<void> {
  do await promisesRun(); while (cryptoUnderWay > 0);
}

/** A virtual clock that waits for Web Crypto, which takes real time, before it goes on. */
export class WorldClock extends VirtualClock {
  constructor() {
    super(settled);
  }
}

/** The same provider, for whose promises virtual time waits. */
export function awaited(provider: CryptoProvider): CryptoProvider {
  const count = <T>(result: T): T => {
    if (result instanceof Promise) {
      cryptoUnderWay++;
      void result.finally(() => cryptoUnderWay--);
    }
    return result;
  };
  return {
    ...provider,
    async cipher(key) {
      const cipher = await provider.cipher(key);
      return {
        frame: cipher.frame,
        seal: (...args) => count(cipher.seal(...args)),
        open: (...args) => count(cipher.open(...args)),
      };
    },
  };
}

export const MASTER_KEY = new Uint8Array(32).fill(0x5a);

export interface ServerInWorld {
  readonly server: Server;
  readonly store: LogStore;
  /** The reply to a datagram, or null for silence, if nothing else must happen first. */
  ask(datagram: Uint8Array): Promise<Uint8Array | null>;
  /** Delivers a datagram; the reply comes now, later or never. */
  deliver(datagram: Uint8Array, onReply: (reply: Uint8Array) => void): void;
}

/** A server's socket in memory: a peer is the function that takes its reply. */
export class FakeSocket implements ServerSocket {
  readonly reply = new Uint8Array(DATAGRAM_BYTES);
  readonly #arrival = new OneArrival();
  readonly #receive: Receive;

  constructor(receive: Receive) {
    this.#receive = receive;
  }

  deliver(datagram: Uint8Array, onReply: (reply: Uint8Array) => void): void {
    this.#receive(this.#arrival.of(datagram, onReply), this);
  }

  /** The reply that comes at once, or null. */
  ask(datagram: Uint8Array): Uint8Array | null {
    let reply: Uint8Array | null = null;
    this.deliver(datagram, (sent) => reply = sent);
    return reply;
  }

  send(peer: Peer): void {
    const sent = copyBytes(this.reply);
    // Leftovers of a reply must not be taken for the next.
    this.reply.fill(0xee);
    (peer as (reply: Uint8Array) => void)(sent);
  }

  keep(peer: Peer): Peer {
    return peer;
  }
}

let seeds = 1;
/** The smallest size of a store: a test makes many. */
const LIMIT_BYTES = 2 ** 20;

export async function makeServer(
  clock: VirtualClock,
  options: Partial<ServerOptions> & {
    provider?: CryptoProvider;
    onFull?: LogStoreOptions["onFull"];
    name?: string;
    masterKey?: Uint8Array;
  } = {},
): Promise<ServerInWorld> {
  const { provider = nodeCrypto, onFull, name, masterKey = MASTER_KEY, ...rest } = options;
  const fillRandom = fillRandomOf(seeds++);
  const store = new LogStore({ limitBytes: LIMIT_BYTES, now: clock.now, fillRandom, onFull });
  const server = new Server({
    wires: [version1(await trafficCiphers(masterKey, awaited(provider), name))],
    executor: new MemoryExecutor(store),
    onFault: throwLater,
    now: clock.now,
    fillRandom,
    ...rest,
  });
  const socket = new FakeSocket((...arrived) => server.receive(...arrived));
  const deliver = socket.deliver.bind(socket);
  const ask = async (datagram: Uint8Array) => {
    let reply: Uint8Array | null = null;
    deliver(copyBytes(datagram), (sent) => reply = sent);
    await settled();
    return reply;
  };
  return { server, store, ask, deliver };
}

/** Makes a bug that a server survives fail the test. */
export function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** What happens to a datagram on a link: the number of copies that arrive. */
export type Fate = (datagram: Uint8Array, count: number) => number;

export interface ClientInWorld {
  readonly client: Client;
  readonly exchange: Exchange;
  /** Every datagram that the client sent, and every reply that the server gave. */
  readonly requests: Uint8Array[];
  readonly replies: Uint8Array[];
}

export interface Link {
  /** The server at the other end; null while there is none. */
  server: ServerInWorld | null;
  oneWayMs: number;
  onRequest: Fate;
  onReply: Fate;
}

export const makeLink = (server: ServerInWorld | null): Link => ({
  server,
  oneWayMs: 0.1,
  onRequest: () => 1,
  onReply: () => 1,
});

export async function makeClient(
  clock: VirtualClock,
  link: Link,
  options: { provider?: CryptoProvider; ciphers?: TrafficCiphers; maxWaiting?: number } = {},
): Promise<ClientInWorld> {
  const requests: Uint8Array[] = [];
  const replies: Uint8Array[] = [];
  const later = (run: () => void) => clock.at(clock.now() + link.oneWayMs, run);
  const deliverReply = (reply: Uint8Array) => {
    replies.push(reply);
    const copies = link.onReply(reply, replies.length);
    for (let i = 0; i < copies; i++) later(() => exchange.receive(copyBytes(reply)));
  };
  const exchange: Exchange = new Exchange({
    ciphers: options.ciphers ??
      (await trafficCiphers(MASTER_KEY, awaited(options.provider ?? nodeCrypto))),
    now: clock.now,
    makeAlarm: clock.makeAlarm,
    fillRandom: fillRandomOf(1_000_000 + seeds++),
    maxWaiting: options.maxWaiting,
    send: (datagram) => {
      const sent = copyBytes(datagram);
      requests.push(sent);
      const copies = link.onRequest(sent, requests.length);
      for (let i = 0; i < copies; i++) {
        later(() => link.server?.deliver(copyBytes(sent), deliverReply));
      }
    },
  });
  return { client: new Client(exchange, () => {}), exchange, requests, replies };
}

/** A promise and its state, so that a test can look before it awaits. */
export function watch<T>(promise: Promise<T>): { promise: Promise<T>; state: string } {
  const watched = { promise, state: "waits" };
  promise.then(
    () => {
      watched.state = "answered";
    },
    (error) => {
      watched.state = (error as { code?: string }).code ?? String(error);
    },
  );
  return watched;
}

/** Lets time pass until a promise settles. */
export async function outcome<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  const watched = watch(promise);
  for (let step = 0; step < 20_000 && watched.state === "waits"; step++) await clock.pass(1);
  return promise;
}

/** A server, a link to it and a client that allows a second for each call. */
export async function oneClient(serverOptions: Parameters<typeof makeServer>[1] = {}) {
  const clock = new WorldClock();
  const server = await makeServer(clock, serverOptions);
  const link = makeLink(server);
  const world = await makeClient(clock, link);
  const run = <T>(promise: Promise<T>) => outcome(clock, promise);
  return { clock, server, link, kv: world.client.within(1_000), run, ...world };
}
