/**
 * A turn: one request on its way through a server. Turns are pooled, and their number bounds the
 * requests under way. A step that can't go on at once parks its turn: the turn then keeps what it
 * needs in its own memory until it is handed back. A turn that never parks allocates nothing.
 */

import { assert } from "./assert.ts";
import { Job, type OnSettled } from "./execute/executor.ts";
import { DATAGRAM_BYTES, NONCE_BYTES } from "./protocol/datagram.ts";
import type { Epoch } from "./protocol/epoch.ts";
import type { Outcome } from "./protocol/frame.ts";
import type { Cipher } from "./protocol/seal.ts";
import type { Peer, ServerSocket } from "./protocol/socket.ts";
import type { FillRandom } from "./protocol/nonces.ts";
import type { Section } from "./section.ts";
import type { Counters } from "./statistics.ts";
import { copyRun } from "./store/copy.ts";

/** Maximum number of turns that wait for the cipher. */
const MAX_WITH_CIPHER = 1_024;
/** Maximum mutations that wait for the store, or for the changes they report to be settled … */
const MAX_MUTATIONS_WITH_STORE = 2_048;
/** … and 1,024 more for queries, which mutations must not keep out. */
const MAX_WITH_STORE = MAX_MUTATIONS_WITH_STORE + 1_024;

/** What a parked turn waits for. */
export const Wait = { NOTHING: 0, CIPHER: 1, STORE: 2 } as const;
export type Wait = (typeof Wait)[keyof typeof Wait];

const NO_BYTES = new Uint8Array(0);
const NO_WIRES: readonly Wire[] = [];

/** What a wire needs of the server or the reader that speaks it. */
export interface WirePorts {
  readonly counters: Counters;
  readonly fillRandom: FillRandom;
  /** Whether every reply is marked FRESH: nothing from an earlier boot is in the store. */
  readonly isFresh: boolean;
  /** The sections of STATS by name. */
  readonly sections: ReadonlyMap<string, Section>;
  /** Why nothing can be carried out at present, as a sentence without its end; null if it can. */
  readonly outage: () => string | null;
}

export type MakeWire = (ports: WirePorts) => Wire;

/**
 * A wire under one key, as the server sees it: how requests are read and replies are written.
 * Version 1 is in version1.ts, the original wire in doors/skvs.ts.
 */
export interface Wire {
  /** Where the requests under this key are counted. */
  readonly keySlot: number;
  readonly requests: Cipher;
  readonly replies: Cipher;
  /** Whether mutations are sealed for an epoch, judged by the fence, and answered once. */
  readonly isFenced: boolean;
  /** The frame for a reply, owned by the cipher of the replies, and the offset of its value. */
  readonly frame: Uint8Array;
  readonly valueAt: number;

  /** Whether a datagram is one of the server's own replies, sent back to it. */
  isOwnReply(datagram: Uint8Array): boolean;
  /**
   * Makes a job from a request, or answers it.
   * @returns true for a job; false if the outcome is already there
   */
  read(request: Uint8Array, turn: Turn): boolean;
  /** Makes the outcome of a job that was carried out. */
  conclude(turn: Turn): void;
  /** Makes the outcome of a mutation that the epoch does not admit; only of a fenced wire … */
  refuseEpoch(turn: Turn): void;
  /** … as is that of one that was judged before, and whose reply is no longer kept. */
  tellDuplicate(turn: Turn): void;
  /** Makes the outcome a refusal, because `turn.problem` kept the change from being durable. */
  refuse(turn: Turn): void;
  /** Writes the frame of the reply, around the value that is already there. */
  write(turn: Turn, epoch: Uint8Array): void;
  /** Writes the next nonce of a reply. */
  takeNonce(reply: Uint8Array): void;
}

/** What a turn calls when it is handed back. */
export interface TurnEvents {
  readonly executed: (turn: Turn) => void;
  readonly settled: (turn: Turn, isTakenBack: boolean) => void;
}

export class Turn {
  socket!: ServerSocket;
  peer: Peer;
  /** The request's datagram or, once the turn was parked, at least the nonce. */
  datagram: Uint8Array = NO_BYTES;
  /** The wire that the request uses, as far as that is known, and its place among those of its server. */
  wire!: Wire;
  wires: readonly Wire[] = NO_WIRES;
  wireAt = 0;
  /** The epoch that a mutation is opened under; null for everything else. */
  epoch: Epoch | null = null;
  /** Whether the fence has marked the mutation, so that its reply must be kept. */
  isMarked = false;
  /** The position of the kept reply, or −1. */
  keptAt = -1;
  /** In whole ms on the store's clock, so that a time to live is returned as given. */
  nowMs = 0;
  readonly job = new Job();
  /** The answer. Its value, if there is one, is in the wire's frame, or in `#own`. */
  readonly outcome: Outcome = { status: 0, toggles: 0, expiresAtMs: 0, length: 0 };
  /** Why the change was taken back; "" if it was not. */
  problem = "";
  waitsFor: Wait = Wait.NOTHING;
  /** Called when a deferred job is done. */
  readonly resume: () => void;
  readonly onSettled: OnSettled;
  /** The nonce followed by the value; or the whole datagram, or the whole reply. */
  #own: Uint8Array = NO_BYTES;

  constructor(events: TurnEvents) {
    this.resume = () => events.executed(this);
    this.onSettled = (refusal) => {
      this.problem = refusal?.problem ?? "";
      events.settled(this, refusal !== null && this.job.settlesWith >= refusal.from);
    };
  }

  begin(datagram: Uint8Array, peer: Peer, socket: ServerSocket, nowMs: number): void {
    this.datagram = datagram;
    this.peer = peer;
    this.socket = socket;
    this.nowMs = nowMs;
    this.epoch = null;
    this.isMarked = false;
    this.keptAt = -1;
  }

  /** Whether the turn has been parked, and so has memory of its own. */
  get isOwner(): boolean {
    return this.datagram === this.#own;
  }

  /** Copies everything that the turn needs from the request into its own memory. */
  own(): void {
    if (this.isOwner) return;
    if (this.#own.length === 0) this.#own = new Uint8Array(DATAGRAM_BYTES);
    this.#own.set(this.datagram);
    this.datagram = this.#own;
    this.peer = this.socket.keep(this.peer);
  }

  /** Copies the value of the outcome from the wire's frame to after the nonce. */
  holdValue(): void {
    const { frame, valueAt } = this.wire;
    const { length } = this.outcome;
    assert(this.isOwner && NONCE_BYTES + length <= DATAGRAM_BYTES, "there is room for the value");
    copyRun(frame, valueAt, this.#own, NONCE_BYTES, length);
  }

  /** Copies the held value back into the wire's frame. */
  releaseValue(): void {
    const { frame, valueAt } = this.wire;
    const { length } = this.outcome;
    copyRun(this.#own, NONCE_BYTES, frame, valueAt, length);
  }

  /** Drops the references to memory that is not its own. */
  end(): void {
    this.datagram = NO_BYTES;
    this.peer = undefined;
    this.waitsFor = Wait.NOTHING;
  }
}

/** The turns of a server. */
export class Turns {
  readonly #events: TurnEvents;
  readonly #free: Turn[] = [];
  readonly #waiting: Record<Wait, number> = [0, 0, 0];

  constructor(events: TurnEvents) {
    this.#events = events;
  }

  /** Whether no more requests can be taken, of those that may change something or of the others. */
  isFull(mayChange: boolean): boolean {
    if (this.#waiting[Wait.CIPHER] >= MAX_WITH_CIPHER) return true;
    const most = mayChange ? MAX_MUTATIONS_WITH_STORE : MAX_WITH_STORE;
    return this.#waiting[Wait.STORE] >= most;
  }

  take(): Turn {
    return this.#free.pop() ?? new Turn(this.#events);
  }

  /** @param waitsFor what hands the turn back */
  park(turn: Turn, waitsFor: Wait): void {
    assert(turn.waitsFor === Wait.NOTHING, "a turn waits for one thing");
    turn.own();
    turn.waitsFor = waitsFor;
    this.#waiting[waitsFor]++;
  }

  /** Ends the wait of a parked turn. */
  resume(turn: Turn): void {
    this.#waiting[turn.waitsFor]--;
    turn.waitsFor = Wait.NOTHING;
  }

  /** Ends a turn, which may then serve another request. */
  give(turn: Turn): void {
    turn.end();
    this.#free.push(turn);
  }
}
