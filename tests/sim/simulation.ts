/**
 * One run of the simulator: real clients and servers on a virtual clock, joined by a network that
 * loses, duplicates, delays and corrupts, with an attacker who records and replays, while servers
 * restart and clients come and go. A seed decides everything.
 */

import { Client } from "../../src/client.ts";
import { KilogramError } from "../../src/errors.ts";
import { copyBytes } from "../../src/bytes.ts";
import { DATAGRAM_BYTES } from "../../src/protocol/datagram.ts";
import { Exchange, MAX_WAITING } from "../../src/protocol/exchange.ts";
import { type TrafficCiphers, trafficCiphers } from "../../src/protocol/keys.ts";
import { MAX_OUTSTANDING } from "../../src/protocol/lane.ts";
import { isMutationNonce } from "../../src/protocol/nonces.ts";
import { OneArrival, type Receive } from "../../src/protocol/socket.ts";
import { EPOCH_BYTES } from "../../src/protocol/epoch.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { Reader } from "../../src/readers/reader.ts";
import { Server } from "../../src/server.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { version1 } from "../../src/version1.ts";
import { fillRandomOf, randomOf } from "../bytes.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { FakeSocket } from "../world.ts";
import {
  type Backing,
  type DiskNature,
  DurableBacking,
  LateExecutor,
  MemoryBacking,
  type Nature,
  readText,
} from "./backing.ts";
import { checkedCipher } from "./checked_cipher.ts";
import { deltaOf, type Ending, Ledger, type Mutation } from "./ledger.ts";
import { pageKey, PAGES } from "./pages.ts";

const MASTER_KEY = new Uint8Array(32).fill(0x6b);
const realCiphers = await trafficCiphers(MASTER_KEY, nodeCrypto);

/** Datagrams that the attacker remembers. */
const RECORDED = 400;
const REGISTERS = 3;
const LOCK = "lock";
/** Datagrams still under way when the last call ends get this long to arrive and do harm. */
const AFTERMATH_MS = 5_000;

export interface Report {
  readonly seed: number;
  readonly operations: number;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
}

/** How bad conditions are, drawn from the seed. */
interface Weather {
  readonly loss: number;
  readonly duplication: number;
  readonly corruption: number;
  readonly replays: number;
  /** The usual longest delay; now and then it is much longer. */
  readonly delayMs: number;
  readonly longDelay: number;
  readonly clients: number;
  readonly workers: number;
  readonly restartEveryMs: number;
  readonly staysFresh: number;
  readonly churn: number;
  readonly maxStreams: number;
  readonly generationMs: number;
  /** Whether ciphers answer later, and whether executors do. */
  readonly answersLater: boolean;
  readonly executesLater: boolean;
  /** The disk behind the server, if there is one. */
  readonly disk: DiskNature | null;
  readonly thinkMs: number;
  /** Whether a reader answers queries, and how often the network gives a datagram to the wrong one. */
  readonly hasReader: boolean;
  readonly missteering: number;
}

interface ClientInSim {
  readonly number: number;
  readonly client: Client;
  readonly exchange: Exchange;
}

/** Runs a seed with about the given number of operations. */
export async function simulate(
  seed: number,
  operations: number,
  isTraced = false,
): Promise<Report> {
  const simulation = new Simulation(seed, operations, isTraced);
  return await simulation.run();
}

class Simulation {
  readonly #seed: number;
  readonly #operations: number;
  readonly #random: () => number;
  readonly #weather: Weather;
  readonly #clock = new VirtualClock();
  readonly #ledger = new Ledger();
  readonly #trace: string[] | null;
  readonly #corrupted = new WeakSet<Uint8Array>();
  readonly #recorded: Uint8Array[] = [];
  readonly #clients: ClientInSim[] = [];
  /** All nonces that were sealed under each of the two keys, by any peer. */
  readonly #requestNonces = new Set<string>();
  readonly #replyNonces = new Set<string>();
  #backing: Backing;
  #server: Server | null = null;
  #socket: FakeSocket | null = null;
  /** The number of servers so far, so that work of one that is gone never resumes. */
  #boots = 0;
  #clientsMade = 0;
  #seeds = 0;
  #started = 0;
  #lastSet = "register:0";
  /** By client, what it last took the lock with; by register, a value that was seen there. */
  readonly #lockValues = new Map<number, string>();
  readonly #seen = new Map<string, string>();
  #isOver = false;

  constructor(seed: number, operations: number, isTraced: boolean) {
    this.#seed = seed;
    this.#operations = operations;
    this.#random = randomOf(seed);
    this.#trace = isTraced ? [] : null;
    this.#weather = drawWeather(this.#random);
    this.#backing = this.#makeBacking();
    this.#startServer(true);
  }

  async run(): Promise<Report> {
    const { clients, workers, restartEveryMs } = this.#weather;
    for (let i = 0; i < clients; i++) this.#clients.push(this.#makeClient());
    this.#later(this.#upTo(restartEveryMs), () => this.#restart());
    this.#attack();
    const working = [];
    for (let i = 0; i < clients * workers; i++) working.push(this.#work(i % clients));
    const done = Promise.all(working).then(() => {
      this.#isOver = true;
    });
    while (!this.#isOver && this.#ledger.violations.length === 0) {
      if (!(await this.#clock.step())) break;
    }
    if (this.#ledger.violations.length === 0) {
      await done;
      await this.#clock.pass(AFTERMATH_MS);
      this.#readSums();
      this.#ledger.check();
    }
    return {
      seed: this.#seed,
      operations: this.#started,
      violations: this.#ledger.violations,
      trace: this.#trace ?? [],
    };
  }

  // Chance.

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #upTo(limit: number): number {
    return this.#random() * limit;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #later(ms: number, run: () => void): void {
    this.#clock.at(this.#clock.now() + ms, run);
  }

  #note(what: () => string): void {
    this.#trace?.push(`${this.#clock.now().toFixed(3)} ${what()}`);
  }

  // Servers.

  /** Chance and time for the parts of the server that runs at that moment. */
  get #nature(): Nature {
    return {
      ledger: this.#ledger,
      now: this.#clock.now,
      random: this.#random,
      later: (ms, run) => this.#laterOnServer(ms, run),
    };
  }

  /** A killed process resumes nothing that it was waiting for. */
  #laterOnServer(ms: number, run: () => void): () => void {
    const boot = this.#boots;
    return this.#clock.at(this.#clock.now() + ms, () => {
      if (this.#boots === boot) run();
    });
  }

  #makeBacking(): Backing {
    const { disk } = this.#weather;
    return disk === null ? new MemoryBacking(this.#nature) : new DurableBacking(this.#nature, disk);
  }

  #makeCiphers(later: (ms: number, run: () => void) => void): TrafficCiphers {
    const watch = {
      corrupted: this.#corrupted,
      violate: (what: string) => this.#ledger.violate(what),
      later: this.#weather.answersLater
        ? (run: () => void) => later(this.#chance(0.1) ? this.#upTo(20) : this.#upTo(0.2), run)
        : null,
    };
    return {
      requests: checkedCipher(realCiphers.requests, this.#requestNonces, watch),
      replies: checkedCipher(realCiphers.replies, this.#replyNonces, watch),
    };
  }

  #startServer(isFresh: boolean): void {
    const { maxStreams, generationMs, executesLater } = this.#weather;
    const { executor } = this.#backing;
    const epoch = new Uint8Array(EPOCH_BYTES);
    const server = new Server({
      wires: [version1(this.#makeCiphers((ms, run) => this.#laterOnServer(ms, run)))],
      executor: executesLater ? new LateExecutor(executor, this.#nature) : executor,
      now: this.#clock.now,
      fillRandom: fillRandomOf(this.#nextSeed()),
      fenceLimits: { maxStreams, generationMs, keptBytes: 2 ** 18 },
      isFresh,
      onFault: (error) => this.#ledger.violate(`a fault: ${error}`),
      readers: {
        collect: () => {},
        sections: new Map(),
        setEpoch: (current) => epoch.set(current),
      },
    });
    this.#server = server;
    const toServer: Receive = (arrivals, socket) => server.receive(arrivals, socket);
    const { hasReader, answersLater } = this.#weather;
    const isRead = hasReader && !answersLater && !executesLater;
    this.#socket = new FakeSocket(
      isRead ? this.#steer(this.#makeReader(isFresh, epoch, toServer), toServer) : toServer,
    );
  }

  #makeReader(isFresh: boolean, epoch: Uint8Array, toServer: Receive): Receive {
    const arrival = new OneArrival();
    const reader = new Reader({
      store: new StoreReader(this.#backing.shared, 0),
      wires: [version1(this.#makeCiphers(() => {}))],
      hasCurrentWires: () => true,
      now: this.#clock.now,
      fillRandom: fillRandomOf(this.#nextSeed()),
      isFresh,
      epoch: () => epoch,
      handOn: (datagram, peer, socket) => {
        toServer(arrival.of(datagram, peer), socket);
        return true;
      },
      onFault: (error) => this.#ledger.violate(`a fault of a reader: ${error}`),
    });
    return (arrivals, socket) => reader.receive(arrivals, socket);
  }

  #steer(toReader: Receive, toServer: Receive): Receive {
    return (arrivals, socket) => {
      const isAstray = this.#chance(this.#weather.missteering);
      const isForServer = isMutationNonce(arrivals.datagram(0)) !== isAstray;
      (isForServer ? toServer : toReader)(arrivals, socket);
    };
  }

  #nextSeed(): number {
    return (this.#seed * 7919 + 13 * ++this.#seeds) >>> 0;
  }

  /** The server is gone for a while, and comes back empty, or with its store and a new boot id. */
  #restart(): void {
    if (this.#isOver) return;
    this.#note(() => "the server stops");
    this.#server = this.#socket = null;
    this.#boots++;
    const isFresh = this.#chance(this.#weather.staysFresh);
    this.#later(this.#chance(0.5) ? 0 : this.#upTo(300), () => {
      if (isFresh) this.#readSums();
      this.#backing = isFresh ? this.#makeBacking() : this.#backing.reopen();
      this.#startServer(isFresh);
      this.#note(() => `a server starts, ${isFresh ? "empty" : "with what it had"}`);
      this.#later(this.#upTo(2 * this.#weather.restartEveryMs), () => this.#restart());
    });
  }

  #readSums(): void {
    const { life } = this.#backing;
    for (const [key, sum] of life.sums) {
      const stands = readText(this.#backing, key);
      if (stands !== String(sum)) {
        this.#ledger.violate(`${key} is ${stands}, and the last ADD made it ${sum}`);
      }
    }
  }

  // The network, and the attacker on it.

  #makeClient(): ClientInSim {
    const number = this.#clientsMade++;
    const exchange: Exchange = new Exchange({
      ciphers: this.#makeCiphers((ms, run) => this.#later(ms, run)),
      now: this.#clock.now,
      makeAlarm: this.#clock.makeAlarm,
      fillRandom: fillRandomOf(this.#nextSeed()),
      send: (datagram) => {
        this.#checkBounds(exchange);
        this.#transmit(copyBytes(datagram), (arrived) => this.#ask(arrived, exchange));
      },
    });
    return { number, exchange, client: new Client(exchange, () => {}) };
  }

  #checkBounds(exchange: Exchange): void {
    for (const { outstanding, waiting } of exchange.lanes) {
      if (outstanding.size > MAX_OUTSTANDING) this.#ledger.violate("too many outstanding");
      if (waiting > MAX_WAITING) this.#ledger.violate("too many waiting");
    }
    const server = this.#server;
    if (server !== null && server.fence.streams > this.#weather.maxStreams) {
      this.#ledger.violate("too many streams in the table");
    }
  }

  #transmit(datagram: Uint8Array, arrive: (datagram: Uint8Array) => void): void {
    const { loss, duplication, corruption } = this.#weather;
    this.#record(datagram);
    const copies = (this.#chance(loss) ? 0 : 1) + (this.#chance(duplication) ? 1 : 0);
    for (let i = 0; i < copies; i++) {
      const arrived = this.#chance(corruption) ? this.#corrupt(datagram) : datagram;
      this.#later(this.#delayMs(), () => arrive(arrived));
    }
  }

  #delayMs(): number {
    const { delayMs, longDelay } = this.#weather;
    return this.#chance(longDelay) ? this.#upTo(3_000) : 0.05 + this.#upTo(delayMs);
  }

  #corrupt(datagram: Uint8Array): Uint8Array {
    const altered = copyBytes(datagram);
    const bit = this.#below(DATAGRAM_BYTES * 8);
    altered[bit >> 3] ^= 1 << (bit & 7);
    this.#corrupted.add(altered);
    return altered;
  }

  /** A datagram reaches the server; its reply goes to the client, or, null, to the attacker. */
  #ask(datagram: Uint8Array, to: Exchange | null): void {
    this.#socket?.deliver(datagram, (sent) => {
      if (to === null) this.#record(sent);
      else this.#transmit(sent, (arrived) => to.receive(arrived));
    });
  }

  #record(datagram: Uint8Array): void {
    if (this.#recorded.length < RECORDED) this.#recorded.push(datagram);
    else this.#recorded[this.#below(RECORDED)] = datagram;
  }

  /** Replays something recorded, to the server or to a client, now and then. */
  #attack(): void {
    if (this.#isOver) return;
    const { replays, clients } = this.#weather;
    if (replays === 0) return;
    this.#later(this.#upTo(2 / replays), () => {
      const datagram = this.#recorded[this.#below(this.#recorded.length)];
      if (datagram !== undefined) {
        if (this.#chance(0.7)) this.#ask(datagram, null);
        else this.#clients[this.#below(clients)].exchange.receive(datagram);
      }
      this.#attack();
    });
  }

  // The callers.

  /** One call after another, through the client that has this place. */
  async #work(place: number): Promise<void> {
    while (this.#started < this.#operations && this.#ledger.violations.length === 0) {
      this.#started++;
      if (this.#chance(this.#weather.churn)) this.#replaceClient(place);
      await this.#call(this.#clients[place]);
      const thinkMs = this.#upTo(this.#weather.thinkMs);
      await new Promise<void>((resolve) => this.#later(thinkMs, resolve));
    }
  }

  /** A worker process ends and another begins: it has new streams, and no epoch. */
  #replaceClient(place: number): void {
    this.#clients[place].client.close();
    this.#clients[place] = this.#makeClient();
  }

  async #call({ client, number }: ClientInSim): Promise<void> {
    const timeout = this.#chance(0.2) ? 1 + this.#upTo(30) : 50 + this.#upTo(2_000);
    const controller = this.#chance(0.03) ? new AbortController() : null;
    if (controller !== null) this.#later(this.#upTo(timeout), () => controller.abort());
    const options = { timeout, signal: controller?.signal };
    const kind = this.#random();
    const startedAtMs = this.#clock.now();
    if (kind < 0.4) await this.#add(client, number, options);
    else if (kind < 0.57) await this.#set(client, number, options);
    else if (kind < 0.68) await this.#takeLock(client, number, options);
    else if (kind < 0.76) await this.#releaseLock(client, number, options);
    else if (kind < 0.82) await this.#swap(client, number, options);
    else if (kind < 0.9) await this.#usePages(client, number, options);
    else await this.#get(client, options);
    const lateMs = this.#clock.now() - startedAtMs - timeout;
    if (lateMs > 1e-6) this.#ledger.violate(`a call ended ${lateMs} ms after its deadline`);
  }

  async #add(client: Client, number: number, options: CallOptions): Promise<void> {
    const add = this.#ledger.beginAdd(number);
    this.#note(() => `client ${number} calls ADD ${add.key} 8^${add.digit}`);
    const ending = await this.#ending(async () => {
      const { value } = await client.add(add.key, deltaOf(add.digit), options);
      this.#ledger.checkSum(add, value);
    });
    this.#end(add, `ADD ${add.key} 8^${add.digit}`, ending);
  }

  async #set(client: Client, number: number, options: CallOptions): Promise<void> {
    const set = this.#ledger.beginSet(number, `register:${this.#below(REGISTERS)}`, true);
    this.#lastSet = set.key;
    this.#note(() => `client ${number} calls SET ${set.value}`);
    const ending = await this.#ending(() =>
      client.set(set.key, set.value, { ...options, overwrite: true })
    );
    this.#end(set, `SET ${set.value}`, ending);
  }

  /** A SET refused while another holds the lock: its copies must not take the lock later. */
  async #takeLock(client: Client, number: number, options: CallOptions): Promise<void> {
    const set = this.#ledger.beginSet(number, LOCK, false);
    this.#note(() => `client ${number} calls SET ${set.value} without OVERWRITE`);
    let isStored = false;
    const ending = await this.#ending(async () => {
      isStored = (await client.set(LOCK, set.value, options)).stored;
    });
    if (isStored) this.#lockValues.set(number, set.value);
    this.#end(set, `SET ${set.value}`, ending === "answered" && !isStored ? "refused" : ending);
  }

  /** Often only by the one who took it last. */
  async #releaseLock(client: Client, number: number, options: CallOptions): Promise<void> {
    const mutation = this.#ledger.beginOther(number);
    const ifEqual = this.#chance(0.7) ? this.#lockValues.get(number) : undefined;
    const condition = ifEqual === undefined ? {} : { ifEqual };
    const ending = await this.#ending(async () => {
      const removed = await client.delete(LOCK, { ...options, ...condition });
      const isWrong = ifEqual !== undefined && removed !== undefined &&
        ifEqual !== Buffer.from(removed).toString();
      if (isWrong) this.#ledger.violate(`DELETE of ${ifEqual} removed another value`);
    });
    this.#end(mutation, "DELETE", ending);
  }

  /** Replaces the value of a register that somebody has seen, if it is still there. */
  async #swap(client: Client, number: number, options: CallOptions): Promise<void> {
    const key = this.#lastSet;
    const ifEqual = this.#seen.get(key) ?? "nothing";
    const set = this.#ledger.beginSet(number, key, true, ifEqual);
    this.#note(() => `client ${number} calls SET ${set.value} for ${ifEqual}`);
    let isStored = false;
    const ending = await this.#ending(async () => {
      const result = await client.set(key, set.value, { ...options, ifEqual });
      isStored = result.stored;
      if (!result.stored) {
        const current = result.current && Buffer.from(result.current).toString();
        this.#ledger.addGet(key, current, set.start);
      }
    });
    if (isStored) this.#seen.set(key, set.value);
    this.#end(set, `SET ${set.value}`, ending === "answered" && !isStored ? "refused" : ending);
  }

  /** Keys with a common prefix: they are set, read, told and, seldom, dropped. */
  async #usePages(client: Client, number: number, options: CallOptions): Promise<void> {
    const { pages } = this.#ledger;
    const key = pageKey(this.#random());
    const kind = this.#random();
    if (kind < 0.4) {
      const set = this.#ledger.beginSet(number, key, false);
      pages.addSet(set, key, set.value);
      const ending = await this.#ending(() =>
        client.set(key, set.value, { ...options, overwrite: true })
      );
      this.#end(set, `SET ${set.value}`, ending);
    } else if (kind < 0.5) {
      const drop = this.#ledger.beginOther(number);
      pages.addDrop(drop);
      this.#note(() => `client ${number} calls DROP`);
      this.#end(drop, "DROP", await this.#ending(() => client.drop(PAGES, options)));
    } else {
      const start = this.#ledger.moment();
      await this.#ending(async () => {
        if (kind < 0.7) {
          const value = await client.getText(key, options);
          pages.addGet(key, value, start, this.#ledger.moment());
          return;
        }
        const keys: string[] = [];
        for await (const each of client.keysText(PAGES, options)) keys.push(each);
        pages.addScan(keys, start, this.#ledger.moment());
      });
    }
  }

  #end(mutation: Mutation, name: string, ending: Ending): void {
    this.#ledger.endMutation(mutation, ending);
    this.#note(() => `client ${mutation.client}: ${name} ends: ${ending}`);
  }

  async #get(client: Client, options: CallOptions): Promise<void> {
    // What is being changed is the most interesting.
    const key = this.#chance(0.5) ? this.#lastSet : `register:${this.#below(REGISTERS)}`;
    const start = this.#ledger.moment();
    await this.#ending(async () => {
      const value = await client.getText(key, options);
      this.#ledger.addGet(key, value, start);
      if (value !== undefined) this.#seen.set(key, value);
    });
  }

  /** What the caller knows when a call has ended. */
  async #ending(call: () => Promise<unknown>): Promise<Ending> {
    try {
      await call();
      return "answered";
    } catch (error) {
      if (!(error instanceof KilogramError)) throw error;
      if (error.code === TAKEN_BACK && this.#weather.disk !== null) return "refused";
      if (!EXPECTED.has(error.code)) this.#ledger.violate(`unexpected: ${error.message}`);
      return error.effect;
    }
  }
}

interface CallOptions {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** How calls may end here without an answer: no reply is lost from the ring of kept replies. */
const EXPECTED = new Set(["DEADLINE_EXCEEDED", "ABORTED", "CLOSED", "OUTCOME_UNKNOWN"]);
/** A change that a failed disk takes back is refused. */
const TAKEN_BACK = "REQUEST";

function drawWeather(random: () => number): Weather {
  const upTo = (limit: number) => random() * limit;
  const often = (probability: number, value: number) => (random() < probability ? value : 0);
  return {
    loss: often(0.8, upTo(0.3)),
    duplication: often(0.8, upTo(0.3)),
    corruption: often(0.5, upTo(0.05)),
    replays: often(0.8, upTo(0.25)),
    delayMs: 0.1 + upTo(random() < 0.5 ? 1 : 10),
    longDelay: often(0.5, upTo(0.03)),
    clients: 1 + Math.floor(upTo(5)),
    workers: 1 + Math.floor(upTo(random() < 0.5 ? 1 : 8)),
    restartEveryMs: random() < 0.5 ? 1e9 : 500 + upTo(5_000),
    staysFresh: random() < 0.5 ? 1 : 0.3,
    churn: often(0.5, upTo(0.02)),
    maxStreams: 2 + Math.floor(upTo(6)),
    generationMs: random() < 0.3 ? 60_000 : 100 + upTo(3_000),
    answersLater: random() < 0.25,
    executesLater: random() < 0.25,
    disk: random() < 0.4 ? { commitMs: upTo(20), failures: often(0.5, upTo(0.2)) } : null,
    thinkMs: upTo(random() < 0.5 ? 1 : 20),
    hasReader: random() < 0.6,
    missteering: often(0.5, upTo(0.2)),
  };
}
