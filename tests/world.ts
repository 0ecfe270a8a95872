/**
 * A world for tests: a virtual clock, and real clients and servers joined by links on which each
 * datagram can be let through, lost, doubled or held. No sockets and no real time.
 */

import { Client } from "../src/client.ts";
import { copyBytes } from "../src/protocol/bytes.ts";
import { DATAGRAM_BYTES } from "../src/protocol/datagram.ts";
import { Exchange } from "../src/protocol/exchange.ts";
import { type TrafficCiphers, trafficCiphers } from "../src/protocol/keys.ts";
import type { Aead } from "../src/protocol/seal.ts";
import { nodeCrypto } from "../src/runtime/node_crypto.ts";
import { Server, type ServerOptions } from "../src/server.ts";
import { LogStore, type LogStoreOptions } from "../src/store/log_store.ts";
import { fillRandomOf } from "./bytes.ts";
import { promisesRun, VirtualClock } from "./virtual_clock.ts";

/** Sealing and opening under way, where that takes its time. */
let cryptoUnderWay = 0;

/** Lets every promise that can go on go on, Web Crypto's included. */
export async function settled(): Promise<void> {
  do await promisesRun(); while (cryptoUnderWay > 0);
}

/** A virtual clock that waits for Web Crypto, which takes real time, before it goes on. */
export class WorldClock extends VirtualClock {
  constructor() {
    super(settled);
  }
}

/** The same AEAD, whose promises virtual time waits for. */
function awaited(aead: Aead): Aead {
  const count = <T>(result: T): T => {
    if (result instanceof Promise) {
      cryptoUnderWay++;
      void result.finally(() => cryptoUnderWay--);
    }
    return result;
  };
  return {
    ...aead,
    async cipher(key) {
      const cipher = await aead.cipher(key);
      return {
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
  /** The reply to a datagram, or null for silence. */
  ask(datagram: Uint8Array): Promise<Uint8Array | null>;
}

let seeds = 1;
/** As small as a store can be: a test makes many. */
const LIMIT_BYTES = 2 ** 20;

export async function makeServer(
  clock: VirtualClock,
  options: Partial<ServerOptions> & { aead?: Aead; onFull?: LogStoreOptions["onFull"] } = {},
): Promise<ServerInWorld> {
  const { aead = nodeCrypto, onFull, ...rest } = options;
  const fillRandom = fillRandomOf(seeds++);
  const store = new LogStore({ limitBytes: LIMIT_BYTES, now: clock.now, fillRandom, onFull });
  const server = new Server({
    ciphers: await trafficCiphers(MASTER_KEY, awaited(aead)),
    store,
    now: clock.now,
    fillRandom,
    ...rest,
  });
  const ask = async (datagram: Uint8Array) => {
    const reply = new Uint8Array(DATAGRAM_BYTES);
    const answered = server.receive(datagram, reply);
    const sent = answered instanceof Promise ? await answered : answered ? reply : null;
    return sent === null ? null : copyBytes(sent);
  };
  return { server, store, ask };
}

/** What becomes of a datagram on a link: so many copies arrive. */
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
  options: { aead?: Aead; ciphers?: TrafficCiphers } = {},
): Promise<ClientInWorld> {
  const requests: Uint8Array[] = [];
  const replies: Uint8Array[] = [];
  const later = (run: () => void) => clock.at(clock.now() + link.oneWayMs, run);
  const deliverReply = (reply: Uint8Array) => {
    replies.push(reply);
    const copies = link.onReply(reply, replies.length);
    for (let i = 0; i < copies; i++) later(() => exchange.receive(copyBytes(reply)));
  };
  const deliverRequest = async (datagram: Uint8Array) => {
    const reply = (await link.server?.ask(datagram)) ?? null;
    if (reply !== null) deliverReply(reply);
  };
  const exchange: Exchange = new Exchange({
    ciphers: options.ciphers ??
      (await trafficCiphers(MASTER_KEY, awaited(options.aead ?? nodeCrypto))),
    now: clock.now,
    makeAlarm: clock.makeAlarm,
    fillRandom: fillRandomOf(1_000_000 + seeds++),
    send: (datagram) => {
      const sent = copyBytes(datagram);
      requests.push(sent);
      const copies = link.onRequest(sent, requests.length);
      for (let i = 0; i < copies; i++) later(() => void deliverRequest(sent));
    },
  });
  return { client: new Client(exchange, () => {}), exchange, requests, replies };
}

/** A promise and what became of it, so that a test can look before it awaits. */
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

/** A server, a link to it and a client with a second for each call. */
export async function oneClient(serverOptions: Parameters<typeof makeServer>[1] = {}) {
  const clock = new WorldClock();
  const server = await makeServer(clock, serverOptions);
  const link = makeLink(server);
  const world = await makeClient(clock, link);
  const run = <T>(promise: Promise<T>) => outcome(clock, promise);
  return { clock, server, link, kv: world.client.within(1_000), run, ...world };
}
