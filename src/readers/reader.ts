/**
 * A reader: answers GET, EXISTS and PING from a store that another thread writes. Everything else that
 * opens, and what the store leaves to its writer, is handed on as it came. No I/O: sockets, the
 * clock and randomness are passed in.
 */

import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import { codeOf, Operation } from "../protocol/frame.ts";
import { type FillRandom, isMutationNonce } from "../protocol/nonces.ts";
import { NO_ADDITIONAL_DATA } from "../protocol/seal.ts";
import type { Arrivals, Peer, ServerSocket } from "../protocol/socket.ts";
import { Action, type Job } from "../execute/executor.ts";
import { Counters } from "../statistics.ts";
import type { StoreReader } from "../store/reader.ts";
import type { Span } from "../store/store.ts";
import { type MakeWire, Turn, type Wire } from "../turn.ts";

/** Which reads are looked at closely, and what was seen of them. */
export interface ReadSamples {
  /** Counts a read. @returns for how many reads it stands if it is a sample; otherwise 0 */
  next(): number;
  /** @param us how long it took, from its arrival on */
  put(key: Span, us: number, weight: number): void;
}

export interface ReaderOptions {
  readonly store: StoreReader;
  /** As the server's. Their ciphers answer at once: not Web Crypto's. */
  readonly wires: readonly MakeWire[];
  /** Milliseconds on the store's clock; NaN while the time is not known: then reads are handed on. */
  readonly now: () => number;
  readonly fillRandom: FillRandom;
  readonly isFresh: boolean;
  /** Whether the wires are those of the server at this moment; otherwise everything is handed on. */
  readonly hasCurrentWires: () => boolean;
  /** The server's epoch at this moment, 16 bytes. */
  readonly epoch: () => Uint8Array;
  /** Hands a datagram of 1,024 bytes on; false if there is no room. */
  readonly handOn: (datagram: Uint8Array, peer: Peer, socket: ServerSocket) => boolean;
  readonly samples?: ReadSamples;
  /** Called with an exception, which is a bug here. The request gets no reply. */
  readonly onFault: (error: unknown) => void;
}

export class Reader {
  /** Of what it answers and drops; what it hands on is counted by the server. */
  readonly counters = new Counters();
  /** Datagrams that came, and those of them that were handed on. */
  received = 0;
  handedOn = 0;
  readonly #options: ReaderOptions;
  #wires: readonly Wire[] = [];
  /** Exact, as the store judges an expiry; a turn has whole ms, so that a time to live is returned as given. */
  #nowMs = 0;
  /** It never parks. */
  readonly #turn = new Turn({ executed: () => {}, settled: () => {} });

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.setWires(options.wires);
  }

  setWires(wires: readonly MakeWire[]): void {
    const { fillRandom, isFresh } = this.#options;
    const outage = () => null;
    const ports = { counters: this.counters, fillRandom, isFresh, sections: new Map(), outage };
    this.#wires = wires.map((make) => make(ports));
  }

  get repeats(): number {
    return this.#options.store.repeats;
  }

  /** Takes the datagrams that arrived at a socket, from any sender. */
  receive(arrivals: Arrivals, socket: ServerSocket): void {
    this.#nowMs = this.#options.now();
    const wholeMs = Math.ceil(this.#nowMs);
    const epoch = this.#options.epoch();
    const mayAnswer = this.#options.hasCurrentWires();
    this.received += arrivals.count;
    for (let i = 0; i < arrivals.count; i++) {
      const datagram = arrivals.datagram(i);
      this.#turn.begin(datagram, arrivals.peer(i), socket, wholeMs);
      try {
        if (!this.#answers(datagram, epoch, mayAnswer)) this.#handOn(this.#turn);
      } catch (error) {
        this.#options.onFault(error);
      }
    }
  }

  /** @returns false if the datagram is to be handed on */
  #answers(datagram: Uint8Array, epoch: Uint8Array, mayAnswer: boolean): boolean {
    if (datagram.length !== DATAGRAM_BYTES) {
      this.#count(datagram);
      this.counters.droppedForSize++;
      return true;
    }
    if (!mayAnswer || isMutationNonce(datagram)) return false;
    for (const wire of this.#wires) {
      if (wire.isOwnReply(datagram)) continue;
      const request = this.#openedBy(wire, datagram);
      if (request !== null) return this.#answersRequest(wire, request, epoch);
    }
    this.#count(datagram);
    this.counters.droppedForAuthentication++;
    return true;
  }

  #openedBy({ requests }: Wire, datagram: Uint8Array): Uint8Array | null {
    const opened = requests.open(datagram, NO_ADDITIONAL_DATA);
    if (opened instanceof Promise) throw new Error("a reader's cipher must answer at once");
    return opened;
  }

  #answersRequest(wire: Wire, request: Uint8Array, epoch: Uint8Array): boolean {
    const turn = this.#turn;
    const code = codeOf(request);
    // The original wire has the same codes for GET and EXISTS, and none for PING.
    if (Number.isNaN(this.#nowMs)) return false;
    const isMine = code === Operation.GET || code === Operation.EXISTS ||
      (code === Operation.PING && wire.isFenced);
    if (!isMine) return false;
    turn.wire = wire;
    if (wire.read(request, turn)) {
      if (!this.#look(turn.job)) return false;
      wire.conclude(turn);
    }
    this.#count(turn.datagram);
    this.counters.byKey[wire.keySlot]++;
    this.#reply(turn, epoch);
    return true;
  }

  #look(job: Job): boolean {
    const { store, samples, now } = this.#options;
    const nowMs = this.#nowMs;
    const weight = samples?.next() ?? 0;
    const result = job.action === Action.GET
      ? store.get(job.key, job.found, nowMs)
      : store.exists(job.key, job.found, nowMs);
    if (result === null) return false;
    job.result = result;
    if (weight > 0) samples?.put(job.key, (now() - nowMs) * 1_000, weight);
    return true;
  }

  #reply(turn: Turn, epoch: Uint8Array): void {
    const { wire, socket } = turn;
    wire.write(turn, epoch);
    wire.takeNonce(socket.reply);
    void wire.replies.seal(socket.reply, NO_ADDITIONAL_DATA);
    socket.send(turn.peer);
    this.counters.datagramsSent++;
    this.counters.bytesSent += DATAGRAM_BYTES;
  }

  #handOn({ datagram, peer, socket }: Turn): void {
    if (this.#options.handOn(datagram, peer, socket)) this.handedOn++;
    else {
      this.#count(datagram);
      this.counters.droppedForLoad++;
    }
  }

  #count(datagram: Uint8Array): void {
    this.counters.datagramsReceived++;
    this.counters.bytesReceived += datagram.length;
  }
}
