/**
 * The server: the steps of a turn, in order. A datagram is opened, judged by the fence, carried
 * out and settled, and its reply is sealed and sent; each step calls the next, or parks the turn.
 * No I/O: sockets, the clock and randomness are passed in.
 * Source: docs/WIRE.md, sections 1, 3, 4 and 5 («The server»).
 */

import { type Executor, NO_STREAM, SETTLED } from "./execute/executor.ts";
import { DATAGRAM_BYTES } from "./protocol/datagram.ts";
import { Fence, type FenceLimits, Verdict } from "./protocol/fence.ts";
import { codeOf } from "./protocol/frame.ts";
import { isMutation } from "./protocol/operations.ts";
import { NO_ADDITIONAL_DATA } from "./protocol/seal.ts";
import type { Arrivals, Peer, ServerSocket } from "./protocol/socket.ts";
import { type FillRandom, isMutationNonce, streamOf } from "./protocol/nonces.ts";
import type { Line, Section } from "./section.ts";
import { makeSections } from "./sections.ts";
import { Counters } from "./statistics.ts";
import { type MakeWire, type Turn, Turns, Wait, type Wire, type WirePorts } from "./turn.ts";

/** The threads that answer queries, as their server sees them. */
export interface Readers {
  /** Adds what they have counted since the last time to the server's counts. */
  collect(): void;
  /** The sections of STATS about them, by name. */
  readonly sections: ReadonlyMap<string, Section>;
  /** From now on their replies carry this epoch, 16 bytes. */
  setEpoch(epoch: Uint8Array): void;
}

export interface ServerOptions {
  /** What it speaks, a wire for each key, in the order in which they are tried: first those of version 1. */
  readonly wires: readonly MakeWire[];
  readonly executor: Executor;
  /** Milliseconds from any origin, never going backwards: the store's clock. */
  readonly now: () => number;
  readonly fillRandom: FillRandom;
  /** Lines of the section `server` besides the counts: version, runtime and so on. */
  readonly facts?: readonly Line[];
  /** Lines of the section `datagrams` with the system's counts, such as drops by the kernel. */
  readonly systemLines?: Section;
  /** The section `process`: what the server takes of the machine. */
  readonly processLines?: Section;
  /** The section `connections`, if there are doors for text. */
  readonly connectionLines?: Section;
  /** The section `keys`: which keys are accepted, and how much each is used. */
  readonly keyLines?: Section;
  /** Threads that answer queries beside this server. */
  readonly readers?: Readers;
  readonly fenceLimits?: FenceLimits;
  /** Whether the store holds nothing from an earlier boot; by default, if it is not durable. */
  readonly isFresh?: boolean;
  readonly counters?: Counters;
  /** Called with an exception in a turn, which is a bug here. The turn gets no reply. */
  readonly onFault?: (error: unknown) => void;
}

export class Server {
  readonly counters: Counters;
  /** For tests to examine. */
  readonly fence: Fence;
  /** The sections of STATS by name. */
  readonly sections: ReadonlyMap<string, Section>;
  readonly #options: ServerOptions;
  readonly #executor: Executor;
  readonly #startedAtMs: number;
  readonly #wirePorts: WirePorts;
  #wires: readonly Wire[] = [];
  readonly #made = new Map<MakeWire, Wire>();
  readonly #turns = new Turns({
    executed: (turn) => this.#resume(turn, this.#executed),
    settled: (turn, isTakenBack) =>
      this.#resume(turn, isTakenBack ? this.#takenBack : this.#released),
  });

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#executor = options.executor;
    this.counters = options.counters ?? new Counters();
    this.#startedAtMs = options.now();
    this.fence = new Fence(options.fillRandom, this.#startedAtMs, options.fenceLimits);
    options.readers?.setEpoch(this.fence.epoch.bytes);
    this.sections = makeSections({
      ...options,
      counters: this.counters,
      serverLines: () => this.#serverLines(),
    });
    this.#wirePorts = {
      outage: () => options.executor.outage,
      fillRandom: options.fillRandom,
      counters: this.counters,
      isFresh: options.isFresh ?? !options.executor.isDurable,
      sections: this.sections,
    };
    this.setWires(options.wires);
  }

  /**
   * From now on it speaks these wires, of which there is one at least; one that it spoke before goes on
   * as it was. Requests that it has opened are answered under the key that they came with; nothing more
   * is opened under a key that is gone.
   */
  setWires(makes: readonly MakeWire[]): void {
    for (const make of this.#made.keys()) if (!makes.includes(make)) this.#made.delete(make);
    this.#wires = makes.map((make) => this.#made.get(make) ?? make(this.#wirePorts));
    for (const [i, make] of makes.entries()) this.#made.set(make, this.#wires[i]);
  }

  /** Takes the datagrams that arrived at a socket, from any sender; answers each now or later. */
  receive(arrivals: Arrivals, socket: ServerSocket): void {
    const nowMs = this.#wholeMs();
    for (let i = 0; i < arrivals.count; i++) {
      this.#begin(arrivals.datagram(i), arrivals.peer(i), socket, nowMs);
    }
  }

  #begin(datagram: Uint8Array, peer: Peer, socket: ServerSocket, nowMs: number): void {
    const { counters } = this;
    counters.datagramsReceived++;
    counters.bytesReceived += datagram.length;
    if (datagram.length !== DATAGRAM_BYTES) {
      counters.droppedForSize++;
      return;
    }
    const mayChange = isMutationNonce(datagram);
    if (this.#turns.isFull(mayChange)) {
      counters.droppedForLoad++;
      return;
    }
    const turn = this.#turns.take();
    turn.begin(datagram, peer, socket, nowMs);
    turn.wires = this.#wires;
    turn.wireAt = 0;
    this.#run(turn, this.#openUnderKey);
  }

  /** Runs a step, and ends the turn if it throws: a bug in one turn harms no other. */
  #run(turn: Turn, step: (this: Server, turn: Turn) => void): void {
    try {
      step.call(this, turn);
    } catch (error) {
      if (turn.waitsFor !== Wait.NOTHING) this.#turns.resume(turn);
      this.#turns.give(turn);
      this.#options.onFault?.(error);
    }
  }

  #resume(turn: Turn, step: (this: Server, turn: Turn) => void): void {
    this.#turns.resume(turn);
    this.#run(turn, step);
  }

  /** Parks a turn until the cipher answers. */
  #awaitCipher<T>(turn: Turn, answer: Promise<T>, step: (value: T) => void): void {
    this.#turns.park(turn, Wait.CIPHER);
    const resume = (run: () => void) => {
      turn.nowMs = this.#wholeMs();
      this.#resume(turn, run);
    };
    const rethrow = (error: unknown) => {
      throw error;
    };
    answer.then((value) => resume(() => step(value)), (error) => resume(() => rethrow(error)));
  }

  // Open.

  /** Takes the wire that is next, if there is one that the datagram may belong to. */
  #openUnderKey(turn: Turn): void {
    const wire = turn.wires[turn.wireAt];
    if (wire === undefined) {
      this.#drop(turn);
      return;
    }
    turn.wire = wire;
    if (wire.isOwnReply(turn.datagram)) {
      this.#openUnderNextKey(turn);
    } else if (!wire.isFenced && this.#turns.isFull(true)) {
      this.counters.droppedForLoad++;
      this.#turns.give(turn);
    } else {
      turn.epoch = wire.isFenced && isMutationNonce(turn.datagram) ? this.fence.epoch : null;
      this.#open(turn);
    }
  }

  #openUnderNextKey(turn: Turn): void {
    turn.wireAt++;
    this.#openUnderKey(turn);
  }

  #open(turn: Turn): void {
    const { wire, epoch, datagram } = turn;
    const opened = wire.requests.open(datagram, epoch?.bytes ?? NO_ADDITIONAL_DATA);
    if (opened instanceof Promise) {
      this.#awaitCipher(turn, opened, (request) => this.#opened(turn, request));
    } else this.#opened(turn, opened);
  }

  #opened(turn: Turn, request: Uint8Array | null): void {
    const { wire, nowMs } = turn;
    if (request === null) {
      this.#openOtherwise(turn);
      return;
    }
    // Its key was given up while the cipher was at work.
    if (turn.isOwner && !this.#wires.includes(wire)) {
      this.#drop(turn);
      return;
    }
    this.counters.byKey[wire.keySlot]++;
    this.counters.keyUsedAtMs[wire.keySlot] = nowMs;
    if (wire.isFenced) this.#judge(turn, request);
    else this.#execute(turn, request);
  }

  /** The datagram may belong to the previous epoch, or to the next key. */
  #openOtherwise(turn: Turn): void {
    const { previousEpoch } = this.fence;
    if (turn.epoch !== null && previousEpoch !== null && turn.epoch !== previousEpoch) {
      turn.epoch = previousEpoch;
      this.#open(turn);
    } else this.#openUnderNextKey(turn);
  }

  /** The sender gets no reply. */
  #drop(turn: Turn): void {
    this.counters.droppedForAuthentication++;
    this.#turns.give(turn);
  }

  // Judge.

  #judge(turn: Turn, request: Uint8Array): void {
    if (turn.epoch !== null) this.#judgeMutation(turn, request);
    else if (isMutation(codeOf(request))) this.#refuseEpoch(turn);
    else this.#execute(turn, request);
  }

  #judgeMutation(turn: Turn, request: Uint8Array): void {
    const { datagram, epoch, nowMs } = turn;
    const { epoch: before } = this.fence;
    const verdict = epoch === null ? Verdict.IGNORE : this.fence.admit(datagram, epoch, nowMs);
    if (this.fence.epoch !== before) this.#options.readers?.setEpoch(this.fence.epoch.bytes);
    if (verdict === Verdict.CARRY_OUT) {
      turn.isMarked = true;
      this.#execute(turn, request);
    } else if (verdict === Verdict.REPEAT) {
      this.#repeat(turn);
    } else if (verdict === Verdict.FENCE) {
      this.#refuseEpoch(turn);
    } else {
      this.counters.droppedForWindow++;
      this.#turns.give(turn);
    }
  }

  #refuseEpoch(turn: Turn): void {
    turn.wire.refuseEpoch(turn);
    this.#seal(turn);
  }

  #repeat(turn: Turn): void {
    const { kept } = this.fence;
    if (kept.isHeld(turn.datagram)) {
      // The reply to the first copy is on its way.
      this.#turns.give(turn);
      return;
    }
    if (kept.find(turn.datagram, turn.outcome, turn.wire.frame)) {
      this.counters.replaysAnswered++;
    } else {
      this.counters.replaysForgotten++;
      turn.wire.tellDuplicate(turn);
    }
    this.#seal(turn);
  }

  // Execute, settle.

  #execute(turn: Turn, request: Uint8Array): void {
    turn.job.settlesWith = SETTLED;
    turn.job.stream = turn.isMarked ? streamOf(turn.datagram) : NO_STREAM;
    if (!turn.wire.read(request, turn)) this.#settle(turn);
    else if (this.#executor.execute(turn.job, turn.resume)) this.#executed(turn);
    else this.#awaitExecution(turn);
  }

  #awaitExecution(turn: Turn): void {
    if (turn.isMarked) {
      // Copies that arrive meanwhile get no reply.
      turn.wire.tellDuplicate(turn);
      this.#keep(turn, true);
    }
    this.#turns.park(turn, Wait.STORE);
  }

  #executed(turn: Turn): void {
    turn.wire.conclude(turn);
    this.#settle(turn);
  }

  /**
   * A reply that reports an unsettled change waits until that change is settled. The reply to a
   * mutation also implies that the mutations its client abandoned before have taken effect or never
   * will (WIRE.md, section 5).
   */
  #settle(turn: Turn): void {
    const settlesWith = turn.isMarked ? this.#executor.newest : turn.job.settlesWith;
    if (turn.isMarked) this.#keep(turn, settlesWith !== SETTLED);
    if (settlesWith === SETTLED) {
      this.#seal(turn);
      return;
    }
    this.#turns.park(turn, Wait.STORE);
    turn.holdValue();
    this.#executor.whenSettled(settlesWith, turn.onSettled);
  }

  #released(turn: Turn): void {
    turn.releaseValue();
    if (turn.isMarked) this.fence.kept.release(turn.keptAt);
    this.#seal(turn);
  }

  /** From now on the reply to the mutation is a refusal. */
  #takenBack(turn: Turn): void {
    turn.wire.refuse(turn);
    if (turn.isMarked) this.#keep(turn, false);
    this.#seal(turn);
  }

  /** @param isHeld whether copies get no reply for now */
  #keep(turn: Turn, isHeld: boolean): void {
    const { datagram, outcome, wire } = turn;
    turn.keptAt = this.fence.kept.keep(datagram, outcome, wire.frame, isHeld);
  }

  // Seal, send.

  #seal(turn: Turn): void {
    const { wire, socket } = turn;
    if (turn.isOwner && turn.outcome.expiresAtMs !== 0) turn.nowMs = this.#wholeMs();
    wire.write(turn, this.fence.epoch.bytes);
    // A turn that was parked may be parked again, so its reply is sealed in the turn's own memory.
    const reply = turn.isOwner ? turn.datagram : socket.reply;
    wire.takeNonce(reply);
    const sealed = wire.replies.seal(reply, NO_ADDITIONAL_DATA);
    if (sealed instanceof Promise) this.#awaitCipher(turn, sealed, () => this.#send(turn));
    else this.#send(turn);
  }

  #send(turn: Turn): void {
    const { socket } = turn;
    if (turn.isOwner) socket.reply.set(turn.datagram);
    socket.send(turn.peer);
    this.counters.datagramsSent++;
    this.counters.bytesSent += DATAGRAM_BYTES;
    this.#turns.give(turn);
  }

  #serverLines(): Line[] {
    return [
      ...(this.#options.facts ?? []),
      ["uptime_ms", Math.round(this.#options.now() - this.#startedAtMs)],
      ["generation", this.fence.epoch.generation],
      ["streams", this.fence.streams],
    ];
  }

  #wholeMs(): number {
    return Math.ceil(this.#options.now());
  }
}
