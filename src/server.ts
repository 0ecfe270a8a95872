/**
 * The server: one datagram in, at most one reply out. It opens, lets the fence judge, has the
 * store carry out, and seals the answer. No I/O: datagrams, the clock and randomness are handed
 * in.
 * Source: docs/WIRE.md, sections 1, 3, 4 and 5 («The server»).
 */

import { assert } from "./assert.ts";
import type { Problem } from "./journal/batch.ts";
import { journaledOf, type JournaledStore, type Reads } from "./journal/journaled_store.ts";
import { copyBytes } from "./protocol/bytes.ts";
import {
  type Answered,
  DATAGRAM_BYTES,
  FRAME_BYTES,
  NONCE_BYTES,
  type Receive,
} from "./protocol/datagram.ts";
import type { Epoch } from "./protocol/epoch.ts";
import { Fence, type FenceLimits, Verdict } from "./protocol/fence.ts";
import {
  codeOf,
  KEY_AT,
  keyLengthOf,
  MAX_VALUE_BYTES,
  Operation,
  type Outcome,
  ReplyToggle,
  RequestToggle,
  requestTtlOf,
  Status,
  togglesOf,
  VALUE_AT,
  valueLengthOf,
  writeReply,
} from "./protocol/frame.ts";
import type { TrafficCiphers } from "./protocol/keys.ts";
import { faultOf, isMutation } from "./protocol/operations.ts";
import { NO_ADDITIONAL_DATA } from "./protocol/seal.ts";
import { type FillRandom, isMutationNonce, NonceStream } from "./protocol/streams.ts";
import {
  Counters,
  datagramLines,
  encodeLines,
  type Line,
  operationLines,
  type Section,
} from "./statistics.ts";
import { parseNumber } from "./store/number.ts";
import { type Found, NONE, Result, type Span, type Store } from "./store/store.ts";

/** Most datagrams being opened or sealed at once, where that takes its time. */
const MAX_IN_FLIGHT = 1_024;
/** Most replies that wait until what they tell is durable. */
const MAX_HELD_REPLIES = 2_048;

export interface ServerOptions {
  readonly ciphers: TrafficCiphers;
  readonly store: Store | JournaledStore;
  /** Milliseconds from any origin, never backwards: the store's clock. */
  readonly now: () => number;
  readonly fillRandom: FillRandom;
  /** What STATS tells besides the counts: version, runtime and so on. */
  readonly facts?: readonly Line[];
  /** What STATS tells of the system's own counts, such as datagrams that the kernel dropped. */
  readonly systemLines?: Section;
  /** What STATS tells of the connections through other doors, where there are some. */
  readonly connectionLines?: Section;
  /** Is given what does not authenticate on this wire: the original one, where it is spoken. */
  readonly fallback?: Receive;
  readonly fenceLimits?: FenceLimits;
  /** Whether nothing of an earlier boot is in the store. */
  readonly isFresh?: boolean;
  readonly counters?: Counters;
}

const encoder = new TextEncoder();

export class Server {
  readonly counters: Counters;
  readonly #options: ServerOptions;
  readonly #store: Store;
  /** Where changes become durable; null where nothing outlives the process. */
  readonly #journaled: JournaledStore | null;
  /** What queries read. */
  readonly #reads: Reads;
  readonly #fence: Fence;
  readonly #replyStream: NonceStream;
  readonly #freshToggle: number;
  readonly #startedAtMs: number;
  readonly #sections: Map<string, Section>;
  #inFlight = 0;
  #heldReplies = 0;
  /** Where replies that were held go when they are sent: as many as there can be at a time, in turns. */
  readonly #lateReplies: Uint8Array[] = [];
  #lateCount = 0;
  /** Whether the cipher answers later. */
  #opensLater = false;

  // One reply is written at a time, always in one step: these serve for all.
  /** The time of the datagram at hand, in whole ms, so that a time to live comes out as given. */
  #nowMs = 0;
  readonly #frame = new Uint8Array(FRAME_BYTES);
  readonly #outcome: Outcome = { status: Status.OK, toggles: 0, expiresAtMs: 0, length: 0 };
  readonly #key: Span = { bytes: this.#frame, start: KEY_AT, length: 0 };
  readonly #value: Span = { bytes: this.#frame, start: VALUE_AT, length: 0 };
  readonly #found: Found = {
    bytes: this.#frame,
    start: VALUE_AT,
    room: MAX_VALUE_BYTES,
    length: NONE,
    expiresAtMs: 0,
  };
  /** For a SET that does not ask for the value that it replaces. */
  readonly #notWanted: Found = { ...this.#found, room: NONE };

  constructor(options: ServerOptions) {
    this.#options = options;
    this.counters = options.counters ?? new Counters();
    this.#store = options.store;
    this.#journaled = journaledOf(options.store);
    this.#reads = this.#journaled?.durable ?? options.store;
    this.#startedAtMs = options.now();
    this.#fence = new Fence(options.fillRandom, this.#startedAtMs, options.fenceLimits);
    this.#replyStream = NonceStream.forReplies(options.fillRandom);
    this.#freshToggle = (options.isFresh ?? true) ? ReplyToggle.FRESH : 0;
    this.#sections = new Map([
      ["server", () => this.#serverLines()],
      ["operations", () => operationLines(this.counters)],
      ["datagrams", () => [...datagramLines(this.counters), ...(options.systemLines?.() ?? [])]],
      ["store", () => storeLines(this.#store)],
    ]);
    const journaled = this.#journaled;
    if (journaled !== null) this.#sections.set("journal", () => journaled.journal.lines());
    const { connectionLines } = options;
    if (connectionLines !== undefined) this.#sections.set("connections", connectionLines);
  }

  /** Mutation streams in the current table. */
  get streams(): number {
    return this.#fence.streams;
  }

  /**
   * Answers a datagram.
   * @param datagram from the network, whoever sent it; may be reused once this returns
   * @param reply 1,024 bytes for the answer, if there is one at once
   * @returns whether `reply` is to be sent back to where the datagram came from; or what is, later
   */
  receive(datagram: Uint8Array, reply: Uint8Array): Answered {
    assert(reply.length === DATAGRAM_BYTES, "a reply is a whole datagram");
    this.counters.datagramsReceived++;
    this.counters.bytesReceived += datagram.length;
    if (datagram.length !== DATAGRAM_BYTES) {
      this.counters.droppedForSize++;
      return false;
    }
    const mayChange = isMutationNonce(datagram);
    if (this.#isBusy(mayChange)) {
      this.counters.droppedForLoad++;
      return false;
    }
    const epoch = mayChange ? this.#fence.epoch : null;
    const opened = this.#open(datagram, epoch);
    this.#opensLater = opened instanceof Promise;
    if (opened instanceof Promise) return this.#receiveLater(opened, epoch, datagram);
    if (opened !== null) return this.#answer(opened, epoch, datagram, reply);
    const previous = epoch === null ? null : this.#fence.previousEpoch;
    const reopened = previous === null ? null : this.#open(datagram, previous);
    assert(!(reopened instanceof Promise), "a cipher that answers now answers now again");
    if (reopened !== null) return this.#answer(reopened, previous, datagram, reply);
    return this.#fallBack(datagram, reply);
  }

  /** With a cipher that answers later, a reply that is held counts as being in flight too. */
  #isBusy(mayChange: boolean): boolean {
    if (mayChange && this.#heldReplies >= MAX_HELD_REPLIES) return true;
    return this.#inFlight - this.#heldReplies >= MAX_IN_FLIGHT;
  }

  /** As `receive`, for a cipher that answers later. */
  async #receiveLater(
    opening: Promise<Uint8Array | null>,
    epoch: Epoch | null,
    datagram: Uint8Array,
  ): Promise<Uint8Array | null> {
    this.#inFlight++;
    const own = copyBytes(datagram);
    const reply = new Uint8Array(DATAGRAM_BYTES);
    try {
      const answered = await this.#judgeLater(opening, epoch, own, reply);
      if (typeof answered !== "boolean") return answered;
      return answered ? reply : null;
    } finally {
      this.#inFlight--;
    }
  }

  async #judgeLater(
    opening: Promise<Uint8Array | null>,
    epoch: Epoch | null,
    datagram: Uint8Array,
    reply: Uint8Array,
  ): Promise<boolean | Uint8Array | null> {
    const opened = await opening;
    if (opened !== null) return this.#answer(opened, epoch, datagram, reply);
    const previous = epoch === null ? null : this.#fence.previousEpoch;
    const reopened = previous === null ? null : await this.#open(datagram, previous);
    if (reopened !== null) return this.#answer(reopened, previous, datagram, reply);
    return this.#fallBack(datagram, reply);
  }

  #open(datagram: Uint8Array, epoch: Epoch | null) {
    return this.#options.ciphers.requests.open(datagram, epoch?.bytes ?? NO_ADDITIONAL_DATA);
  }

  #fallBack(datagram: Uint8Array, reply: Uint8Array): Answered {
    if (this.#isBusy(true)) {
      this.counters.droppedForLoad++;
      return false;
    }
    const answered = this.#options.fallback?.(datagram, reply) ?? false;
    if (!(answered instanceof Promise)) return this.#countFallback(answered);
    // With a cipher that answers later it counts as being in flight already.
    const held = this.#opensLater ? 0 : 1;
    this.#heldReplies += held;
    return answered.then((later) => {
      this.#heldReplies -= held;
      this.#countFallback(later !== null);
      return later;
    });
  }

  #countFallback(isAnswered: boolean): boolean {
    if (isAnswered) this.#countSent();
    else this.counters.droppedForAuthentication++;
    return isAnswered;
  }

  #countSent(): void {
    this.counters.datagramsSent++;
    this.counters.bytesSent += DATAGRAM_BYTES;
  }

  /**
   * Judges, carries out and keeps in one step, with nothing between them; then seals.
   * @param epoch what a mutation authenticated under; null for a query
   */
  #answer(
    request: Uint8Array,
    epoch: Epoch | null,
    datagram: Uint8Array,
    reply: Uint8Array,
  ): Answered {
    this.#nowMs = Math.ceil(this.#options.now());
    if (epoch !== null) return this.#answerMutation(request, epoch, datagram, reply);
    this.#answerQuery(request);
    return this.#reply(datagram, reply);
  }

  /** Seals the outcome at hand into `reply`, for whoever sent the datagram. */
  #reply(datagram: Uint8Array, reply: Uint8Array): Answered {
    const epochBytes = this.#fence.epoch.bytes;
    writeReply(this.#frame, this.#outcome, this.#freshToggle, datagram, epochBytes, this.#nowMs);
    this.#replyStream.take(reply);
    const { replies } = this.#options.ciphers;
    const sealed = replies.seal(reply, this.#frame, NO_ADDITIONAL_DATA);
    this.#countSent();
    return sealed instanceof Promise ? sealed.then(() => reply) : true;
  }

  #answerQuery(request: Uint8Array): void {
    if (isMutation(codeOf(request))) this.#refuseEpoch();
    else this.#carryOut(request, false);
  }

  #answerMutation(
    request: Uint8Array,
    epoch: Epoch,
    datagram: Uint8Array,
    reply: Uint8Array,
  ): Answered {
    const verdict = this.#fence.admit(datagram, epoch, this.#nowMs);
    if (verdict === Verdict.IGNORE) {
      this.counters.droppedForWindow++;
      return false;
    }
    if (verdict === Verdict.FENCE) {
      this.#refuseEpoch();
      return this.#reply(datagram, reply);
    }
    if (verdict === Verdict.REPEAT) {
      // The reply to the first copy is on its way.
      if (this.#fence.kept.isHeld(datagram)) return false;
      this.#repeat(datagram);
      return this.#reply(datagram, reply);
    }
    this.#carryOut(request, true);
    const pending = this.#journaled?.pending() ?? null;
    const position = this.#keep(datagram, pending !== null);
    return pending === null
      ? this.#reply(datagram, reply)
      : this.#replyOnceDurable(datagram, position, pending);
  }

  /** Answers a mutation once what it did is durable, or was taken back. */
  #replyOnceDurable(
    datagram: Uint8Array,
    position: number,
    pending: Promise<Problem | null>,
  ): Promise<Uint8Array | null> {
    const nonce = datagram.slice(0, NONCE_BYTES);
    this.#heldReplies++;
    return pending.then((problem) => {
      this.#heldReplies--;
      if (problem !== null) this.#takeBack(nonce, problem);
      else if (!this.#release(position)) this.#conclude(Status.DUPLICATE);
      const reply = this.#lateReply();
      const answered = this.#reply(nonce, reply);
      return answered instanceof Promise ? answered : reply;
    });
  }

  #lateReply(): Uint8Array {
    // While one is being sealed its turn may come again.
    if (this.#opensLater) return new Uint8Array(DATAGRAM_BYTES);
    const i = this.#lateCount++ % MAX_HELD_REPLIES;
    return this.#lateReplies[i] ??= new Uint8Array(DATAGRAM_BYTES);
  }

  /** From now on the reply to a mutation is that it was refused. */
  #takeBack(nonce: Uint8Array, problem: Problem): void {
    this.#refuse(`it was taken back, since it could not be made durable: ${problem}`);
    this.#keep(nonce, false);
  }

  /** Keeps the outcome at hand, and returns where. */
  #keep(nonce: Uint8Array, isHeld: boolean): number {
    return this.#fence.kept.keep(nonce, this.#outcome, this.#frame, VALUE_AT, isHeld);
  }

  /** Makes what is kept at a position the outcome at hand. @returns false if it no longer is */
  #release(position: number): boolean {
    if (!this.#fence.kept.release(position, this.#outcome, this.#frame, VALUE_AT)) return false;
    if (this.#outcome.expiresAtMs !== 0) this.#nowMs = Math.ceil(this.#options.now());
    return true;
  }

  #refuseEpoch(): void {
    this.counters.fenced++;
    this.#conclude(Status.FENCED);
  }

  #repeat(datagram: Uint8Array): void {
    if (this.#fence.kept.find(datagram, this.#outcome, this.#frame, VALUE_AT)) {
      this.counters.replaysAnswered++;
    } else {
      this.counters.replaysForgotten++;
      this.#conclude(Status.DUPLICATE);
    }
  }

  // The operations: each leaves its outcome in #outcome, and a value at VALUE_AT of #frame.

  #carryOut(request: Uint8Array, onMutationStream: boolean): void {
    const fault = faultOf(request, onMutationStream);
    if (fault !== null) {
      this.#refuse(fault);
      return;
    }
    this.#key.bytes = request;
    this.#key.length = keyLengthOf(request);
    this.#value.bytes = request;
    this.#value.length = valueLengthOf(request);
    this.counters.operations[codeOf(request)]++;
    this.#perform(codeOf(request) as Operation, request);
  }

  #perform(operation: Operation, request: Uint8Array): void {
    switch (operation) {
      case Operation.SET:
        this.#set(request);
        break;
      case Operation.GET:
        this.#get();
        break;
      case Operation.DELETE:
        this.#delete();
        break;
      case Operation.EXISTS:
        this.#exists();
        break;
      case Operation.ADD:
        this.#add(request);
        break;
      case Operation.TOUCH:
        this.#touch(request);
        break;
      case Operation.PING:
        this.#conclude(Status.OK);
        break;
      case Operation.STATS:
        this.#stats(request);
    }
  }

  #get(): void {
    const isHit = this.#reads.get(this.#key, this.#found) === Result.DONE;
    this.#countLookup(isHit);
    if (isHit) this.#concludeWithFound(Status.OK, this.#found.expiresAtMs);
    else this.#conclude(Status.NOT_FOUND);
  }

  #exists(): void {
    const isHit = this.#reads.exists(this.#key, this.#found) === Result.DONE;
    this.#countLookup(isHit);
    this.#conclude(isHit ? Status.OK : Status.NOT_FOUND, isHit ? this.#found.expiresAtMs : 0);
  }

  #countLookup(isHit: boolean): void {
    if (isHit) this.counters.hits++;
    else this.counters.misses++;
  }

  #set(request: Uint8Array): void {
    const toggles = togglesOf(request);
    const overwrite = (toggles & RequestToggle.OVERWRITE) !== 0;
    const expiresAtMs = this.#expiryOf(request);
    const wantsValue = !overwrite || (toggles & RequestToggle.OLD) !== 0;
    const found = wantsValue ? this.#found : this.#notWanted;
    const result = this.#store.set(this.#key, this.#value, expiresAtMs, overwrite, found);
    if (result === Result.FULL) this.#conclude(Status.FULL);
    else if (result === Result.PRESENT) this.#concludePresent();
    else if ((toggles & RequestToggle.OLD) !== 0) this.#concludeWithFound(Status.OK, 0);
    else this.#conclude(Status.OK);
  }

  #delete(): void {
    const result = this.#store.delete(this.#key, this.#found);
    if (result === Result.DONE) this.#concludeWithFound(Status.OK, 0);
    else this.#conclude(result === Result.FULL ? Status.FULL : Status.NOT_FOUND);
  }

  #add(request: Uint8Array): void {
    const { bytes, start, length } = this.#value;
    const delta = parseNumber(bytes, start, length);
    if (delta === null) {
      this.#refuse("the delta is not a decimal number of signed 64 bits");
      return;
    }
    const result = this.#store.add(this.#key, delta, this.#expiryOf(request), this.#found);
    if (result === Result.DONE) this.#concludeWithFound(Status.OK, this.#found.expiresAtMs);
    else if (result === Result.FULL) this.#conclude(Status.FULL);
    else if (result === Result.OVERFLOW) this.#refuse("the sum does not fit signed 64 bits");
    else this.#refuse("the value is not a decimal number of signed 64 bits");
  }

  #touch(request: Uint8Array): void {
    const result = this.#store.touch(this.#key, this.#expiryOf(request));
    if (result === Result.FULL) this.#conclude(Status.FULL);
    else this.#conclude(result === Result.DONE ? Status.OK : Status.NOT_FOUND);
  }

  #stats(request: Uint8Array): void {
    const name = sectionName(request);
    const section = this.#sections.get(name === "" ? "server" : name);
    if (section === undefined) this.#conclude(Status.NOT_FOUND);
    else this.#concludeWithBytes(Status.OK, ReplyToggle.PRESENT, encodeLines(section()));
  }

  #serverLines(): Line[] {
    return [
      ...(this.#options.facts ?? []),
      ["uptime_ms", Math.round(this.#options.now() - this.#startedAtMs)],
      ["generation", this.#fence.epoch.generation],
      ["streams", this.#fence.streams],
      ["sections", [...this.#sections.keys()].join(" ")],
    ];
  }

  /** When a key that this request writes expires; 0 for never. */
  #expiryOf(request: Uint8Array): number {
    if ((togglesOf(request) & RequestToggle.TTL) === 0) return 0;
    return Math.min(this.#nowMs + requestTtlOf(request), Number.MAX_SAFE_INTEGER);
  }

  #conclude(status: Status, expiresAtMs = 0): void {
    this.#outcome.status = status;
    this.#outcome.toggles = 0;
    this.#outcome.length = 0;
    this.#outcome.expiresAtMs = expiresAtMs;
  }

  /** With the value that the store found, if there was one and it fits. */
  #concludeWithFound(status: Status, expiresAtMs: number): void {
    const { length, room } = this.#found;
    if (length > room) {
      this.#conclude(Status.TOO_LARGE);
      return;
    }
    this.#conclude(status, expiresAtMs);
    if (length === NONE) return;
    this.#outcome.toggles = ReplyToggle.PRESENT;
    this.#outcome.length = length;
  }

  /** A value that does not fit is left out: TOO_LARGE would say that the SET was done. */
  #concludePresent(): void {
    if (this.#found.length > this.#found.room) this.#conclude(Status.EXISTS);
    else this.#concludeWithFound(Status.EXISTS, 0);
  }

  #refuse(message: string): void {
    this.counters.errors++;
    this.#concludeWithBytes(Status.ERROR, 0, encoder.encode(message));
  }

  #concludeWithBytes(status: Status, toggles: number, bytes: Uint8Array): void {
    this.#conclude(status);
    this.#outcome.toggles = toggles;
    this.#outcome.length = bytes.length;
    this.#frame.set(bytes, VALUE_AT);
  }
}

/** One character a byte: section names are ASCII, and nothing else matches one. */
function sectionName(request: Uint8Array): string {
  return String.fromCharCode(...request.subarray(KEY_AT, KEY_AT + keyLengthOf(request)));
}

function storeLines(store: Store): Line[] {
  return [
    ["keys", store.count],
    ["payload_bytes", store.payloadBytes],
    ["used_bytes", store.usedBytes],
    ["limit_bytes", store.limitBytes],
    ["evictions", store.evictions],
    ["expirations", store.expirations],
  ];
}
