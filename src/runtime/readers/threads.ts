/** The readers of a server: threads with sockets of their own, and what they share with the server. */

import { Worker } from "node:worker_threads";
import type { Receive } from "../../protocol/socket.ts";
import { Operation } from "../../protocol/frame.ts";
import { Balance } from "../../readers/balance.ts";
import { Handoff, HANDOFF_BYTES } from "../../readers/handoff.ts";
import { Published } from "../../readers/published.ts";
import { Tally, TALLY_WORDS } from "../../readers/tallies.ts";
import { SAMPLE_RING_BYTES, SampleRing } from "../../sampling/sample_ring.ts";
import type { Sample } from "../../sampling/samples.ts";
import type { Line, Section } from "../../section.ts";
import type { Readers } from "../../server.ts";
import type { SlottedKey } from "../../keyring.ts";
import type { Counters } from "../../statistics.ts";
import type { SharedStore } from "../../store/memory.ts";
import type { CryptoChoice } from "../../arguments.ts";
import type { Division, Listener } from "../runtime.ts";
import { monotonicOffsetMs } from "./monotonic.ts";
import type { ReaderMessage, ReaderStart } from "./thread.ts";

/** This file's name as TypeScript or as built; in a bundle there is none. */
const OWN_NAME = /\/threads\.([jt]s)$/.exec(import.meta.url);
/** The thread's file, beside this one; in a bundle it has the same path as in src. */
const THREAD = OWN_NAME === null ? "./runtime/readers/thread.js" : `./thread.${OWN_NAME[1]}`;

/** How often the counts of the threads are collected, and the time of sleep is published: while there are requests … */
const COLLECT_MS = 100;
/** … and otherwise. */
const COLLECT_IDLE_MS = 1_000;

export interface ReaderThreadsOptions {
  readonly count: number;
  readonly store: SharedStore;
  readonly serverName: string | undefined;
  readonly crypto: CryptoChoice;
  readonly isFresh: boolean;
  /** The longest time that a reader looks for datagrams before it sleeps, in ms; 0 for never. */
  readonly pollMs: number;
  /** How many of the readers may do so. */
  readonly pollers: number;
  /** The store's clock, in ms. */
  readonly now: () => number;
  readonly counters: Counters;
  /** Called with the samples of the threads. */
  readonly onSample: (sample: Sample) => void;
  /** Called with what went wrong in a thread. */
  readonly onFault: (problem: string) => void;
}

/** How long the end waits for threads to stop: at most a batch is under way. */
const PATIENCE_MS = 50;

/** A section of STATS has room for the counts of this many. */
const READERS_OF_SECTION = 8;

interface ReaderThread {
  readonly worker: Worker;
  readonly tally: Tally;
  readonly samples: SampleRing;
  readonly isReady: Promise<void>;
  readonly hasStopped: Promise<void>;
}

export class ReaderThreads implements Readers {
  readonly sections: ReadonlyMap<string, Section>;
  readonly #options: ReaderThreadsOptions;
  readonly #published = new Published();
  /** The store's clock less this thread's, without sleep. */
  readonly #offsetMs: number;
  readonly #monotonicOffsetMs = monotonicOffsetMs();
  #divisions: readonly Division[] = [];
  #threads: readonly ReaderThread[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #balance = new Balance();
  #isClosing = false;

  /** @param options with a count of 1 to 32 */
  constructor(options: ReaderThreadsOptions) {
    this.#options = options;
    this.#offsetMs = options.now() - performance.now();
    const sections = new Map<string, Section>();
    for (let first = 0; first < options.count; first += READERS_OF_SECTION) {
      const name = first === 0 ? "threads" : `threads_${first}`;
      sections.set(name, () => this.#lines(first));
    }
    this.sections = sections;
  }

  setEpoch(epoch: Uint8Array): void {
    this.#published.setEpoch(epoch);
  }

  /** From now on they accept these keys; at most 4, in the order in which they are tried. */
  setKeys(keys: readonly SlottedKey[]): void {
    this.#published.setKeys(keys);
  }

  collect(): void {
    const { counters, now, onSample } = this.#options;
    for (const { tally, samples } of this.#threads) {
      tally.collect(counters, now());
      samples.takeAll(onSample);
    }
  }

  /**
   * Starts the threads, which from now on get the queries of these listeners.
   * @param receive takes what they hand on
   * @returns false, and no thread is started, if the system can't steer datagrams
   */
  async start(listeners: readonly Listener[], receive: Receive): Promise<boolean> {
    const { count } = this.#options;
    const divisions: Division[] = [];
    for (const listener of listeners) {
      const division = listener.divide?.(count) ?? null;
      if (division !== null) divisions.push(division);
    }
    this.#divisions = divisions;
    if (divisions.length < listeners.length) {
      this.#closeSockets();
      return false;
    }
    this.#threads = Array.from({ length: count }, (_, number) => this.#begin(number, receive));
    await Promise.all(this.#threads.map(({ isReady }) => isReady));
    this.#look();
    return true;
  }

  /** Ends the threads, and closes their sockets. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    this.#published.stop();
    for (const division of this.#divisions) division.wake();
    const haveStopped = Promise.all(this.#threads.map(({ hasStopped }) => hasStopped));
    let patience: NodeJS.Timeout | undefined;
    const isTired = new Promise((resolve) => {
      patience = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([haveStopped, isTired]);
    clearTimeout(patience);
    for (const { worker } of this.#threads) void worker.terminate();
    this.#closeSockets();
  }

  #begin(number: number, receive: Receive): ReaderThread {
    const { store, serverName, crypto, isFresh, pollMs, pollers } = this.#options;
    const words = new Int32Array(new SharedArrayBuffer(TALLY_WORDS * Int32Array.BYTES_PER_ELEMENT));
    const memory = new SharedArrayBuffer(HANDOFF_BYTES);
    const samples = new SharedArrayBuffer(SAMPLE_RING_BYTES);
    const start: ReaderStart = {
      number,
      ...{ store, serverName, crypto, isFresh },
      descriptors: this.#divisions.map(({ descriptors }) => descriptors[number]),
      published: this.#published.words,
      tally: words,
      handoff: memory,
      samples,
      clockOffsetMs: this.#offsetMs - this.#monotonicOffsetMs,
      pollMs: number < pollers ? pollMs : 0,
    };
    const worker = new Worker(new URL(THREAD, import.meta.url), { workerData: start });
    const handoff = new Handoff(memory);
    const takeAll = () => {
      if (this.#isClosing) return;
      handoff.takeAll((arrivals, listener) => receive(arrivals, this.#divisions[listener].socket));
    };
    let stopped = () => {};
    const hasStopped = new Promise<void>((resolve) => {
      stopped = resolve;
    });
    const isReady = new Promise<void>((resolve) => {
      worker.on("message", (message: ReaderMessage) => {
        if (message === "ready") resolve();
        else if (message === "handed on") takeAll();
        else if (message === "stopped") stopped();
        else this.#options.onFault(message.fault);
      });
      worker.once("exit", () => resolve());
    });
    worker.on("error", (error) => this.#options.onFault(error.stack ?? error.message));
    worker.once("exit", () => {
      if (!this.#isClosing) this.#onLost(number);
      stopped();
    });
    const tally = new Tally(words);
    return { worker, tally, samples: new SampleRing(samples), isReady, hasStopped };
  }

  /** A thread that failed gets no more datagrams: other sockets take them. */
  #onLost(number: number): void {
    for (const division of this.#divisions) division.close(number);
    this.#options.onFault(`reader ${number} has ended; the other threads do its work`);
  }

  #look(): void {
    const { datagramsReceived: before } = this.#options.counters;
    this.collect();
    if (this.#options.count === 1) this.#keepBalance();
    const sleptMs = this.#options.now() - performance.now() - this.#offsetMs;
    this.#published.setSlept(Math.max(0, Math.round(sleptMs)));
    const isIdle = this.#options.counters.datagramsReceived === before;
    this.#timer = setTimeout(() => this.#look(), isIdle ? COLLECT_IDLE_MS : COLLECT_MS);
  }

  #keepBalance(): void {
    const { operations } = this.#options.counters;
    const count = (...codes: readonly Operation[]) =>
      codes.reduce<number>((sum, code) => sum + operations[code], 0);
    const { SET, DELETE, ADD, TOUCH, GET, EXISTS } = Operation;
    if (!this.#balance.look(count(GET, EXISTS), count(SET, DELETE, ADD, TOUCH))) return;
    for (const division of this.#divisions) division.steer(this.#balance.isDivided);
  }

  #closeSockets(): void {
    for (const division of this.#divisions) {
      for (let i = 0; i < this.#options.count; i++) division.close(i);
    }
    this.#divisions = [];
  }

  #lines(first: number): Line[] {
    const lines: Line[] = [["columns", "received answered handed_on repeated polls"]];
    const some = this.#threads.slice(first, first + READERS_OF_SECTION);
    for (const [i, { tally }] of some.entries()) {
      const { received, answered, handedOn, repeats, polls } = tally.activity;
      const counts = [received, answered, handedOn, repeats, polls];
      lines.push([`reader_${first + i}`, counts.join(" ")]);
    }
    return lines;
  }
}
