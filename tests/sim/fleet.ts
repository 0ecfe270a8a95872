/**
 * One run of the simulator with several servers: they stop, hang, restart and lose datagrams while the
 * clients' list changes, the key rotates, and an attacker sends every datagram to whichever server or
 * client it likes. A seed decides everything.
 *
 * Every ADD has a key of its own, so that the number at a key is how often its ADD was carried out.
 */

import { Client } from "../../src/client.ts";
import { copyBytes } from "../../src/bytes.ts";
import { KilogramError } from "../../src/errors.ts";
import { MemoryExecutor } from "../../src/execute/memory.ts";
import { Fleet } from "../../src/fleet/fleet.ts";
import { Member, type Path } from "../../src/fleet/member.ts";
import type { Exchange } from "../../src/protocol/exchange.ts";
import { type TrafficCiphers, trafficCiphers } from "../../src/protocol/keys.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { Server } from "../../src/server.ts";
import { LogStore } from "../../src/store/log_store.ts";
import { NONE } from "../../src/store/store.ts";
import { version1 } from "../../src/version1.ts";
import { fillRandomOf, randomOf, text } from "../bytes.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { FakeSocket } from "../world.ts";

const NAMES = ["a", "b", "c", "d"];
const STORE_BYTES = 2 ** 20;
const RECORDED = 200;
/** Datagrams still under way when the last call ends get this long. */
const AFTERMATH_MS = 5_000;
/** What waits in a hanging server's socket. */
const SOCKET_DATAGRAMS = 90;
/** A server that answers is back in use after this long, where nothing is lost. */
const BACK_MS = 1_500;

interface Weather {
  readonly loss: number;
  readonly duplication: number;
  readonly delayMs: number;
  readonly longDelay: number;
  readonly replays: number;
  readonly clients: number;
  readonly workers: number;
  readonly troubleEveryMs: number;
  readonly listEveryMs: number;
  readonly rotateEveryMs: number;
}

/** A datagram on its way, as the attacker remembers it. */
interface Recorded {
  readonly datagram: Uint8Array;
  /** The server that it was sent to or comes from. */
  readonly server: string;
  readonly keyNumber: number;
  readonly isRequest: boolean;
}

/** One boot of a server, with the store that it began empty. */
interface Life {
  readonly store: LogStore;
  readonly server: Server;
  readonly socket: FakeSocket;
}

class SimServer {
  readonly name: string;
  readonly lives: Life[] = [];
  life: Life | null = null;
  /** What arrived since it hangs; null while it does not. */
  held: (() => void)[] | null = null;
  /** Since when it answers; Infinity while it does not. */
  answersSinceMs = 0;
  /** The numbers of the keys that it accepts. */
  accepted: number[];

  constructor(name: string, accepted: number[]) {
    this.name = name;
    this.accepted = accepted;
  }
}

interface Add {
  readonly key: string;
  readonly home: string;
  ending: "answered" | "none" | "unknown" | "done";
  /** The life of the server when it was answered. */
  life: Life | null;
}

interface SimClient {
  readonly client: Client;
  readonly members: readonly Member[];
  readonly keyNumber: number;
}

export async function simulateFleet(seed: number, operations: number): Promise<readonly string[]> {
  return await new FleetSimulation(seed, operations).run();
}

class FleetSimulation {
  readonly #seed: number;
  readonly #operations: number;
  readonly #random: () => number;
  readonly #weather: Weather;
  readonly #clock = new VirtualClock();
  readonly #servers = new Map<string, SimServer>();
  readonly #ciphers = new Map<string, TrafficCiphers>();
  readonly #recorded: Recorded[] = [];
  /** The first request to each server under each key, which is sent again when the key is given up. */
  readonly #firstRequests = new Map<string, Recorded>();
  readonly #clients: SimClient[] = [];
  readonly #adds: Add[] = [];
  readonly #violations: string[] = [];
  #list: string[];
  /** The key that new clients use. */
  #keyNumber = 0;
  #seeds = 0;
  #started = 0;
  #isOver = false;

  constructor(seed: number, operations: number) {
    this.#seed = seed;
    this.#operations = operations;
    this.#random = randomOf(seed * 31 + 7);
    this.#weather = drawWeather(this.#random);
    this.#list = NAMES.slice(0, 2 + this.#below(NAMES.length - 1));
  }

  async run(): Promise<readonly string[]> {
    for (const name of NAMES) {
      const server = new SimServer(name, [this.#keyNumber]);
      this.#servers.set(name, server);
      await this.#boot(server);
    }
    const { clients, workers, troubleEveryMs, listEveryMs, rotateEveryMs } = this.#weather;
    for (let i = 0; i < clients; i++) this.#clients.push(await this.#makeClient());
    this.#repeat(troubleEveryMs, () => this.#makeTrouble());
    this.#repeat(listEveryMs, () => this.#changeList());
    this.#repeat(rotateEveryMs, () => this.#rotate());
    this.#repeat(2 / this.#weather.replays, () => this.#attack());
    const working = [];
    for (let i = 0; i < clients * workers; i++) working.push(this.#work(i % clients));
    void Promise.all(working).then(() => {
      this.#isOver = true;
    });
    while (!this.#isOver && this.#violations.length === 0) {
      if (!(await this.#clock.step())) break;
    }
    await this.#clock.pass(AFTERMATH_MS);
    this.#check();
    for (const { client } of this.#clients) client.close();
    return this.#violations;
  }

  // Chance.

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #later(ms: number, run: () => void): void {
    this.#clock.at(this.#clock.now() + ms, run);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#later(ms, resolve));
  }

  /** Does something again and again, until the last call has ended. */
  #repeat(everyMs: number, run: () => void | Promise<void>): void {
    if (everyMs === Number.POSITIVE_INFINITY) return;
    this.#later(2 * this.#random() * everyMs, async () => {
      if (this.#isOver) return;
      await run();
      this.#repeat(everyMs, run);
    });
  }

  #nextSeed(): number {
    return (this.#seed * 7_919 + 13 * ++this.#seeds) >>> 0;
  }

  #violate(what: string): void {
    this.#violations.push(`fleet: ${what}`);
  }

  // Servers.

  async #ciphersOf(keyNumber: number, name: string): Promise<TrafficCiphers> {
    const id = `${keyNumber} ${name}`;
    const known = this.#ciphers.get(id);
    if (known !== undefined) return known;
    const masterKey = new Uint8Array(32).fill(1 + keyNumber);
    const ciphers = await trafficCiphers(masterKey, nodeCrypto, name);
    this.#ciphers.set(id, ciphers);
    return ciphers;
  }

  async #wiresOf({ accepted, name }: SimServer) {
    return await Promise.all(
      accepted.map(async (number, slot) => version1(await this.#ciphersOf(number, name), slot)),
    );
  }

  async #boot(server: SimServer): Promise<void> {
    const fillRandom = fillRandomOf(this.#nextSeed());
    const now = this.#clock.now;
    const store = new LogStore({ limitBytes: STORE_BYTES, now, fillRandom, onFull: "refuse" });
    const booted = new Server({
      wires: await this.#wiresOf(server),
      executor: new MemoryExecutor(store),
      ...{ now, fillRandom },
      onFault: (error) => this.#violate(`a fault: ${error}`),
    });
    const socket = new FakeSocket((...arrived) => booted.receive(...arrived));
    server.life = { store, server: booted, socket };
    server.lives.push(server.life);
    server.answersSinceMs = now();
  }

  async #accept(server: SimServer, accepted: number[]): Promise<void> {
    server.accepted = accepted;
    server.life?.server.setWires(await this.#wiresOf(server));
  }

  /** A server stops and comes back empty, or hangs for a while. */
  async #makeTrouble(): Promise<void> {
    const server = this.#servers.get(NAMES[this.#below(NAMES.length)]) as SimServer;
    if (server.life === null || server.held !== null) return;
    const ms = this.#random() * (this.#chance(0.3) ? 4_000 : 400);
    server.answersSinceMs = Number.POSITIVE_INFINITY;
    if (this.#chance(0.5)) {
      server.held = [];
      await this.#wait(ms);
      const { held } = server;
      server.held = null;
      for (const deliver of held ?? []) deliver();
    } else {
      server.life = null;
      await this.#wait(ms);
      await this.#boot(server);
    }
    server.answersSinceMs = this.#clock.now();
  }

  // What the operator does.

  /** Another list, which one client after the other takes. */
  async #changeList(): Promise<void> {
    const kept = NAMES.filter((name) => this.#chance(this.#list.includes(name) ? 0.8 : 0.4));
    this.#list = kept.length === 0 ? NAMES.slice(0, 1) : kept;
    await this.#replaceClients();
  }

  async #replaceClients(): Promise<void> {
    for (let place = 0; place < this.#clients.length; place++) {
      await this.#wait(this.#random() * 50);
      const { client } = this.#clients[place];
      this.#clients[place] = await this.#makeClient();
      // Calls under way still get their answers.
      this.#later(3_000, () => client.close());
    }
  }

  /** As docs/FLEET.md says: all servers accept both, all clients change, no server accepts the old one. */
  async #rotate(): Promise<void> {
    const before = this.#keyNumber;
    for (const server of this.#servers.values()) {
      await this.#wait(this.#random() * 50);
      await this.#accept(server, this.#chance(0.5) ? [before, before + 1] : [before + 1, before]);
    }
    this.#keyNumber = before + 1;
    await this.#replaceClients();
    await this.#wait(4_000);
    for (const server of this.#servers.values()) {
      await this.#wait(this.#random() * 50);
      await this.#accept(server, [before + 1]);
      const old = this.#firstRequests.get(`${before} ${server.name}`);
      if (old !== undefined) this.#arrive(server, old, null);
    }
  }

  // The network, and the attacker on it.

  async #makeClient(): Promise<SimClient> {
    const keyNumber = this.#keyNumber;
    const time = { now: this.#clock.now, makeAlarm: this.#clock.makeAlarm };
    const members = await Promise.all(this.#list.map(async (name) => {
      const ciphers = await this.#ciphersOf(keyNumber, name);
      const open = (exchange: Exchange) => Promise.resolve(this.#pathTo(name, keyNumber, exchange));
      return new Member({
        ...{ name, address: name, weight: 1, onDown: "error" },
        paths: { open: (exchange, known) => known === undefined ? open(exchange) : noOther() },
        ports: { ...time, ciphers, fillRandom: fillRandomOf(this.#nextSeed()) },
      });
    }));
    for (const member of members) await member.open();
    const fleet = new Fleet(members, time, fillRandomOf(this.#nextSeed()));
    return { client: new Client(fleet, () => {}), members, keyNumber };
  }

  #pathTo(name: string, keyNumber: number, exchange: Exchange): Path {
    const server = this.#servers.get(name) as SimServer;
    const send = (datagram: Uint8Array) => {
      const sent = { datagram: copyBytes(datagram), server: name, keyNumber, isRequest: true };
      this.#transmit(sent, () => this.#arrive(server, sent, exchange));
    };
    return { to: name, send, close: () => {} };
  }

  #transmit(sent: Recorded, arrive: () => void): void {
    const { loss, duplication, delayMs, longDelay } = this.#weather;
    const id = `${sent.keyNumber} ${sent.server}`;
    if (sent.isRequest && !this.#firstRequests.has(id)) this.#firstRequests.set(id, sent);
    if (this.#recorded.length < RECORDED) this.#recorded.push(sent);
    else this.#recorded[this.#below(RECORDED)] = sent;
    const copies = (this.#chance(loss) ? 0 : 1) + (this.#chance(duplication) ? 1 : 0);
    for (let i = 0; i < copies; i++) {
      const isLong = this.#chance(longDelay);
      this.#later(isLong ? this.#random() * 500 : 0.05 + this.#random() * delayMs, arrive);
    }
  }

  /** @param to gets the reply; null for the attacker */
  #arrive(server: SimServer, sent: Recorded, to: Exchange | null): void {
    if (server.held !== null) {
      if (server.held.length < SOCKET_DATAGRAMS) {
        server.held.push(() => this.#arrive(server, sent, to));
      }
      return;
    }
    server.life?.socket.deliver(copyBytes(sent.datagram), (reply) => {
      if (sent.server !== server.name) {
        this.#violate(`${server.name} took a datagram for ${sent.server}`);
      }
      if (!server.accepted.includes(sent.keyNumber)) {
        this.#violate(`${server.name} answered under a key that it gave up`);
      }
      const { keyNumber } = sent;
      const answer = { datagram: reply, server: server.name, keyNumber, isRequest: false };
      this.#transmit(answer, () => to?.receive(copyBytes(reply)));
    });
  }

  /** Sends something recorded to any server, or to any client's exchange with any server. */
  #attack(): void {
    const sent = this.#recorded[this.#below(this.#recorded.length)];
    if (sent === undefined) return;
    const servers = [...this.#servers.values()];
    if (sent.isRequest) this.#arrive(servers[this.#below(servers.length)], sent, null);
    else {
      const { members } = this.#clients[this.#below(this.#clients.length)];
      members[this.#below(members.length)].exchange.receive(copyBytes(sent.datagram));
    }
  }

  // The callers.

  async #work(place: number): Promise<void> {
    while (this.#started < this.#operations && this.#violations.length === 0) {
      const number = this.#started++;
      if (this.#chance(0.6)) await this.#add(this.#clients[place], number);
      else await this.#get(this.#clients[place]);
      await this.#wait(this.#random() * 20);
    }
  }

  async #add({ client }: SimClient, number: number): Promise<void> {
    const key = `n:${number}`;
    const add: Add = { key, home: client.serverOf(key), ending: "unknown", life: null };
    this.#adds.push(add);
    try {
      const { value } = await this.#watched(
        client,
        key,
        (timeout) => client.add(key, 1, { timeout }),
      );
      add.ending = "answered";
      add.life = this.#servers.get(add.home)?.life ?? null;
      if (value !== 1n) this.#violate(`ADD ${key} was carried out ${value} times`);
    } catch (error) {
      add.ending = (error as KilogramError).effect;
    }
  }

  /** A key that was confirmed at a server that has not lost it since must be there. */
  async #get({ client }: SimClient): Promise<void> {
    const add = this.#adds[this.#below(this.#adds.length)];
    if (add === undefined || add.ending !== "answered") return;
    if (client.serverOf(add.key) !== add.home) return;
    const home = this.#servers.get(add.home) as SimServer;
    try {
      const value = await this.#watched(
        client,
        add.key,
        (timeout) => client.getText(add.key, { timeout }),
      );
      if (home.life === add.life && home.life !== null && value !== "1") {
        this.#violate(`GET ${add.key} found ${value} at ${add.home}`);
      }
    } catch {
      // A query has no effect to be checked.
    }
  }

  /** Checks of a call when it ends, and of what it says about its server. */
  async #watched<T>(
    client: Client,
    key: string,
    call: (timeout: number) => Promise<T>,
  ): Promise<T> {
    const timeout = this.#chance(0.3) ? 5 + this.#random() * 60 : 100 + this.#random() * 2_000;
    const startedAtMs = this.#clock.now();
    const home = this.#servers.get(client.serverOf(key)) as SimServer;
    const wasDown = client.servers().find(({ name }) => name === home.name)?.isDown;
    const isBack = startedAtMs - home.answersSinceMs > BACK_MS;
    if (wasDown && isBack && this.#isCalm) this.#violate(`${home.name} answers and is not used`);
    const canFail = !this.#isCalm || startedAtMs - home.answersSinceMs < BACK_MS;
    try {
      return await call(timeout);
    } catch (error) {
      if (!(error instanceof KilogramError) || !EXPECTED.has(error.code)) {
        throw this.#unexpected(error);
      }
      const elapsedMs = this.#clock.now() - startedAtMs;
      if (wasDown && elapsedMs > 0) this.#violate(`a call to ${home.name}, which is down, waited`);
      if (elapsedMs - timeout > 1e-6) this.#violate("a call ended after its deadline");
      const isHealthy = home.life !== null && home.held === null;
      const isShort = timeout < 2 * this.#weather.delayMs + 40;
      if (!canFail && !isShort && isHealthy && home.answersSinceMs < startedAtMs) {
        this.#violate(`a call failed without a reason: ${error.message}`);
      }
      throw error;
    }
  }

  #unexpected(error: unknown): unknown {
    this.#violate(`unexpected: ${error}`);
    return error;
  }

  /** Nothing is lost on the way, or very late. */
  get #isCalm(): boolean {
    return this.#weather.loss === 0 && this.#weather.longDelay === 0;
  }

  // The end.

  #check(): void {
    for (const add of this.#adds) this.#checkAdd(add);
  }

  #checkAdd({ key, home, ending, life }: Add): void {
    const lives = [...this.#servers.values()].flatMap(({ name, lives }) =>
      lives.map((each) => ({ name, life: each, times: timesOf(each.store, key) }))
    );
    for (const each of lives) {
      if (each.times > 1) this.#violate(`ADD ${key} was done ${each.times} times at ${each.name}`);
      if (each.times > 0 && each.name !== home) {
        this.#violate(`ADD ${key} was done at ${each.name}, and ${home} has the key`);
      }
      if (each.times > 0 && ending === "none") {
        this.#violate(`ADD ${key} was to have no effect, and had one at ${each.name}`);
      }
    }
    const isLost = ending === "answered" && life !== null &&
      this.#servers.get(home)?.life === life && timesOf(life.store, key) === 0;
    if (isLost) this.#violate(`ADD ${key} was confirmed and is not at ${home}`);
  }
}

const EXPECTED = new Set([
  "DEADLINE_EXCEEDED",
  "SERVER_DOWN",
  "OUTCOME_UNKNOWN",
  "CLOSED",
]);

const noOther = () => Promise.resolve(null);

/** The number at a key; 0 for none. */
function timesOf(store: LogStore, key: string): number {
  const bytes = new Uint8Array(20);
  const found = { bytes, start: 0, room: bytes.length, length: NONE, expiresAtMs: 0 };
  store.peek({ bytes: text(key), start: 0, length: key.length }, found);
  return found.length === NONE
    ? 0
    : Number(Buffer.from(bytes.subarray(0, found.length)).toString());
}

function drawWeather(random: () => number): Weather {
  const isCalm = random() < 0.4;
  const often = (probability: number, value: number) => (random() < probability ? value : 0);
  const seldom = (ms: number) => random() < 0.3 ? Number.POSITIVE_INFINITY : ms * (0.5 + random());
  return {
    loss: isCalm ? 0 : often(0.8, random() * 0.2),
    duplication: often(0.7, random() * 0.2),
    delayMs: 0.1 + random() * 3,
    longDelay: isCalm ? 0 : often(0.5, random() * 0.02),
    replays: 0.05 + random() * 0.2,
    clients: 1 + Math.floor(random() * 4),
    workers: 1 + Math.floor(random() * 4),
    troubleEveryMs: seldom(1_500),
    listEveryMs: seldom(3_000),
    rotateEveryMs: seldom(6_000),
  };
}
