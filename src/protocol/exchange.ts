/**
 * The client's side of the wire: a call becomes a datagram, which is sent until it is answered
 * or the deadline passes. Every accepted reply carries the server's epoch. No I/O: the network,
 * the clock, the alarm and randomness are passed in.
 * Source: docs/WIRE.md, sections 3, 5 («The client») and 6.
 */

import {
  AbortedError,
  ClosedError,
  DeadlineExceededError,
  type FailedCall,
  OutcomeUnknownError,
  OverloadedError,
} from "../errors.ts";
import { copyBytes } from "../bytes.ts";
import { Call, type Limit, type Reply } from "./call.ts";
import { DATAGRAM_BYTES } from "./datagram.ts";
import type { Destination, ServerState, Time } from "./destination.ts";
import {
  codeOf,
  keyLengthOf,
  MAX_VALUE_BYTES,
  META_AT,
  META_BYTES,
  Operation,
  remainingTtlOf,
  type Request,
  Status,
  togglesOf,
  VALUE_AT,
  valueLengthOf,
  writeRequest,
} from "./frame.ts";
import type { TrafficCiphers } from "./keys.ts";
import { KnownEpoch, Standing } from "./known_epoch.ts";
import { Lane, MAX_OUTSTANDING } from "./lane.ts";
import { MutationOrder } from "./mutation_order.ts";
import { NO_ADDITIONAL_DATA } from "./seal.ts";
import { type FillRandom, isMutationNonce, NonceStream } from "./nonces.ts";
import { errorOf, isAnswer } from "./reply_error.ts";
import { Transmission } from "./transmission.ts";
import { type Alarm, WakeTimer } from "./wake_timer.ts";

/** How many calls wait for their turn, unless more are asked for; one takes 0.5 to 2 KiB. */
export const MAX_WAITING = 65_536;
/** The most that may be asked for. */
export const MOST_WAITING = 1_048_576;
/** After this long without a reply, the client asks for the epoch before it sends a mutation. */
const EPOCH_STALE_MS = 10_000;
/** Maximum number of datagrams being opened at once, where opening is asynchronous. */
const MAX_OPENING = 1_024;

export interface ExchangePorts {
  readonly ciphers: TrafficCiphers;
  /** Sends a datagram to the server, best effort; may throw. The datagram may then be reused. */
  readonly send: (datagram: Uint8Array) => void;
  /** Milliseconds from any origin, never going backwards, including time asleep. */
  readonly now: () => number;
  readonly makeAlarm: (ring: () => void) => Alarm;
  readonly fillRandom: FillRandom;
  /** What the server is called in error messages and in the client's `servers`. */
  readonly server?: Pick<ServerState, "name" | "address">;
  /** How many calls may wait for their turn, by default 65,536; those beyond it fail. */
  readonly maxWaiting?: number;
}

const PING: Request = {
  operation: Operation.PING,
  toggles: 0,
  key: new Uint8Array(0),
  value: new Uint8Array(0),
  ttlMs: 0,
};

export class Exchange implements Destination {
  /** Called with every accepted reply, while there is somebody who waits for one. */
  onReply: (() => void) | null = null;
  readonly #ports: ExchangePorts;
  readonly #timer: WakeTimer;
  readonly #queryStream: NonceStream;
  readonly #mutationOrder: MutationOrder;
  readonly #knownEpoch = new KnownEpoch();
  readonly #queries = new Lane(false);
  readonly #mutations = new Lane(true);
  readonly #lanes = [this.#queries, this.#mutations] as const;
  /** The exchange's own PING, for the epoch. */
  #ping: Transmission | null = null;
  /** Datagrams for reuse: at most as many as may be outstanding, plus one for the PING. */
  readonly #spareDatagrams: Uint8Array[] = [];
  #sends = 0;
  #opening = 0;
  #networkError: unknown;
  #silentSinceMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(ports: ExchangePorts) {
    this.#ports = ports;
    this.#timer = new WakeTimer(ports.makeAlarm, ports.now, () => this.#wake());
    this.#queryStream = NonceStream.forQueries(ports.fillRandom);
    this.#mutationOrder = new MutationOrder(NonceStream.forMutations(ports.fillRandom));
  }

  /**
   * Sends a request and waits for its answer.
   * @throws {DeadlineExceededError | AbortedError | ClosedError | OverloadedError |
   *   OutcomeUnknownError} when no answer came, or the error that the reply's status stands for
   */
  call(request: Request, limit: Limit): Promise<Reply> {
    return new Promise((settle, fail) => {
      this.#begin(new Call(request, limit, this.#ports.now(), { settle, fail }));
    });
  }

  // A destination of one server, which has every key.

  get servers(): readonly [this] {
    return [this];
  }

  get stores(): readonly [this] {
    return [this];
  }

  homeOf(): this {
    return this;
  }

  get state(): ServerState {
    const { name, address = "" } = this.#ports.server ?? {};
    const { smoothedMs } = this.#queries.roundTrip;
    return { name, address, weight: 1, isDown: false, roundTripMs: smoothedMs };
  }

  get time(): Time {
    return this.#ports;
  }

  get fillRandom(): FillRandom {
    return this.#ports.fillRandom;
  }

  /** The state of the queries and of the mutations. */
  get lanes(): readonly [queries: Readonly<Lane>, mutations: Readonly<Lane>] {
    return this.#lanes;
  }

  /** Whether there has been any reply. */
  get hasAnswered(): boolean {
    return this.#knownEpoch.epoch !== null;
  }

  /**
   * Since when requests have gone without any reply, in ms; Infinity if there is nothing to wait for.
   * A request counts even after its call has given up.
   */
  get silentSinceMs(): number {
    return this.#silentSinceMs;
  }

  /** How long the reply to a query may well take, in ms. */
  get patienceMs(): number {
    return this.#queries.roundTrip.patienceMs;
  }

  /** Asks for a sign of life, with one datagram. */
  probe(): void {
    if (!this.#closed) this.#sendPing();
  }

  /**
   * Ends every call that has no effect so far: queries, and mutations that were not sent. A mutation
   * that was sent waits on, since only its answer can tell what became of it.
   */
  failHarmless(errorFor: (call: FailedCall) => Error): void {
    for (const call of this.#lanes.flatMap((lane) => [...lane])) {
      if (call.effect === "none") this.#fail(call, errorFor(this.#failed(call)));
    }
    this.#goOn();
  }

  /** Datagrams that were sent again. */
  get retransmissions(): number {
    return this.#queries.retransmissions + this.#mutations.retransmissions;
  }

  /** Takes a datagram from the network, from any address. */
  receive(datagram: Uint8Array): void {
    if (this.#closed || datagram.length !== DATAGRAM_BYTES) return;
    if (this.#opening >= MAX_OPENING) return;
    const opened = this.#ports.ciphers.replies.open(datagram, NO_ADDITIONAL_DATA);
    if (!(opened instanceof Promise)) {
      if (opened !== null) this.#accept(opened);
      return;
    }
    this.#opening++;
    void opened.then((frame) => {
      this.#opening--;
      if (frame !== null && !this.#closed) this.#accept(frame);
    });
  }

  /** Notes an error that the network reported: a hint for people only, as anyone can forge it. */
  noteNetworkError(error: unknown): void {
    this.#networkError = error;
  }

  /** Ends every call with a ClosedError. */
  close(): void {
    this.#closed = true;
    this.#ping = null;
    for (const call of this.#lanes.flatMap((lane) => [...lane])) {
      this.#fail(call, new ClosedError(this.#failed(call), call.effect));
    }
    this.#timer.stop();
  }

  // A call waits, is outstanding, and ends; a mutation that must be sealed anew waits again.

  #begin(call: Call): void {
    const objection = this.#objectionTo(call);
    if (objection !== null) {
      call.fail(objection);
      return;
    }
    if (call.signal !== undefined) call.onAbort(() => this.#abort(call));
    const lane = this.#laneOf(call);
    lane.add(call);
    this.#startCalls(lane);
    this.#timer.wakeBy(call.deadlineAtMs);
  }

  #objectionTo(call: Call): Error | null {
    const nowMs = call.startedAtMs;
    if (this.#closed) return new ClosedError(this.#failed(call), "none");
    if (call.signal?.aborted) {
      return new AbortedError(this.#failed(call), "none", call.signal.reason);
    }
    if (call.deadlineAtMs <= nowMs) return this.#deadlineError(call, nowMs);
    const { maxWaiting = MAX_WAITING } = this.#ports;
    if (this.#waitingCalls >= maxWaiting) {
      return new OverloadedError(this.#failed(call), maxWaiting);
    }
    return null;
  }

  /** A call, for an error that tells of it. */
  #failed({ name, request }: Call): FailedCall {
    return { operation: name, key: request.key, server: this.#ports.server };
  }

  #laneOf(call: Call): Lane {
    return call.isMutation ? this.#mutations : this.#queries;
  }

  get #waitingCalls(): number {
    return this.#queries.waiting + this.#mutations.waiting;
  }

  /** Starts the calls that may start, in the order in which they were made. */
  #startCalls(lane: Lane): void {
    for (let call = lane.next; call !== null; call = lane.next) {
      if (call.signal?.aborted) {
        // One signal ends many calls: its event has reached the call that made room, and not this one.
        this.#fail(call, new AbortedError(this.#failed(call), call.effect, call.signal.reason));
        continue;
      }
      if (!call.isMutation) {
        this.#startQuery(call);
        continue;
      }
      const sequence = this.#nextMutationSequence();
      if (sequence === null) return;
      this.#startMutation(call, sequence);
    }
  }

  #startQuery(call: Call): void {
    const datagram = this.#makeDatagram();
    this.#queryStream.take(datagram);
    this.#start(call, new Transmission(datagram, null));
  }

  #startMutation(call: Call, sequence: number): void {
    const datagram = this.#makeDatagram();
    this.#mutationOrder.take(datagram, sequence);
    this.#start(call, new Transmission(datagram, this.#knownEpoch.epoch));
  }

  #start(call: Call, transmission: Transmission): void {
    this.#laneOf(call).start(call);
    call.transmission = transmission;
    const sealing = this.#seal(transmission, call.request);
    if (sealing instanceof Promise) void sealing.then(() => this.#sendFirst(call, transmission));
    else this.#sendFirst(call, transmission);
  }

  /** Sends what is now sealed, unless the call has ended or is to be sealed anew. */
  #sendFirst(call: Call, transmission: Transmission): void {
    if (call.transmission !== transmission) return;
    call.mayHaveActed = call.isMutation;
    this.#send(transmission, this.#laneOf(call));
  }

  /** The sequence for a mutation that starts now, or null while none may start. */
  #nextMutationSequence(): number | null {
    if (this.#needsEpoch()) {
      this.#askEpoch();
      return null;
    }
    let oldest = Number.POSITIVE_INFINITY;
    for (const { transmission } of this.#mutations.outstanding) {
      if (transmission === null) continue;
      if (!this.#mutationOrder.owns(transmission.datagram)) continue;
      oldest = Math.min(oldest, transmission.sequence);
    }
    return this.#mutationOrder.next(oldest);
  }

  /** Drops the call's nonce; the call is sealed under the newest epoch before others start. */
  #renew(call: Call): void {
    this.#reuse(call.transmission);
    call.transmission = null;
    this.#mutations.return(call);
  }

  #fail(call: Call, error: Error): void {
    this.#laneOf(call).delete(call);
    this.#reuse(call.transmission);
    call.fail(error);
  }

  /** Ends a call whose request may still be in flight; the next mutation shuts out late copies. */
  #abandon(call: Call, error: Error): void {
    const transmission = call.transmission;
    if (call.isMutation && transmission !== null && transmission.copies > 0) {
      this.#mutationOrder.abandon(transmission.datagram);
    }
    this.#fail(call, error);
  }

  #abort(call: Call): void {
    this.#abandon(call, new AbortedError(this.#failed(call), call.effect, call.signal?.reason));
    this.#goOn();
  }

  #goOn(): void {
    let isIdle = true;
    for (const lane of this.#lanes) {
      this.#startCalls(lane);
      isIdle &&= lane.outstanding.size + lane.waiting === 0;
    }
    if (isIdle) this.#timer.rest();
  }

  #makeDatagram(): Uint8Array {
    return this.#spareDatagrams.pop() ?? new Uint8Array(DATAGRAM_BYTES);
  }

  /** Reclaims the datagram of a finished transmission, unless it may still be being sealed. */
  #reuse(transmission: Transmission | null): void {
    if (transmission === null || transmission.copies === 0) return;
    if (this.#spareDatagrams.length <= this.#lanes.length * MAX_OUTSTANDING) {
      this.#spareDatagrams.push(transmission.datagram);
    }
  }

  // Sending.

  /** Seals a request into a transmission's datagram. */
  #seal(transmission: Transmission, request: Request): void | Promise<void> {
    const { requests } = this.#ports.ciphers;
    writeRequest(requests.frame, request);
    const additionalData = transmission.epoch?.bytes ?? NO_ADDITIONAL_DATA;
    return requests.seal(transmission.datagram, additionalData);
  }

  /** Sends the first copy of a transmission, or another copy. */
  #send(transmission: Transmission, lane: Lane): void {
    const nowMs = this.#ports.now();
    if (transmission.copies > 0) {
      transmission.repeat(nowMs, lane.longIntervalMs);
      lane.retransmissions++;
    } else transmission.begin(++this.#sends, nowMs, lane.roundTrip.timeoutMs);
    this.#timer.wakeBy(transmission.nextCopyAtMs);
    this.#silentSinceMs = Math.min(this.#silentSinceMs, nowMs);
    try {
      this.#ports.send(transmission.datagram);
    } catch (error) {
      this.#networkError = error;
    }
  }

  #needsEpoch(): boolean {
    if (this.#knownEpoch.epoch === null) return true;
    const lastReplyAtMs = Math.max(this.#queries.lastReplyAtMs, this.#mutations.lastReplyAtMs);
    return this.#ports.now() - lastReplyAtMs >= EPOCH_STALE_MS;
  }

  /** Mutations wait for the epoch: makes sure that a PING is in flight and is repeated. */
  #askEpoch(): void {
    const dueAtMs = this.#ping?.nextCopyAtMs ?? Number.NEGATIVE_INFINITY;
    if (dueAtMs <= this.#ports.now()) this.#sendPing();
    else this.#timer.wakeBy(dueAtMs);
  }

  /** Repeats the pending PING, or replaces it if its reply could not bring a new boot id. */
  #sendPing(): void {
    const waiting = this.#ping;
    if (waiting !== null && this.#knownEpoch.trusts(waiting.sendOrder)) {
      this.#send(waiting, this.#queries);
      return;
    }
    if (waiting?.copies === 0) return;
    const datagram = this.#makeDatagram();
    this.#queryStream.take(datagram);
    const ping = new Transmission(datagram, null);
    this.#ping = ping;
    const send = () => {
      if (this.#ping === ping) this.#send(ping, this.#queries);
    };
    const sealing = this.#seal(ping, PING);
    if (sealing instanceof Promise) void sealing.then(send);
    else send();
  }

  // Receiving.

  #accept(frame: Uint8Array): void {
    if (keyLengthOf(frame) !== META_BYTES || valueLengthOf(frame) > MAX_VALUE_BYTES) return;
    const call = this.#callAnsweredBy(frame);
    const transmission = call === null ? this.#pingAnsweredBy(frame) : call.transmission;
    if (transmission === null) return;
    const lane = call === null ? this.#queries : this.#laneOf(call);
    lane.noteReply(transmission, this.#ports.now());
    this.#networkError = undefined;
    const isNewEpoch = this.#knownEpoch.learn(frame, transmission.sendOrder, this.#sends);
    if (call === null) this.#endPing();
    else this.#finish(call, frame);
    if (isNewEpoch) this.#reviewMutations();
    this.#timer.wakeBy(lane.oldestDueAtMs);
    const isAwaited = this.#lanes.some(({ outstanding }) => outstanding.size > 0);
    this.#silentSinceMs = isAwaited ? lane.lastReplyAtMs : Number.POSITIVE_INFINITY;
    this.onReply?.();
    this.#goOn();
  }

  #callAnsweredBy(frame: Uint8Array): Call | null {
    const isMutation = isMutationNonce(frame, META_AT);
    const { outstanding } = isMutation ? this.#mutations : this.#queries;
    for (const call of outstanding) {
      if (call.transmission?.isAnsweredBy(frame)) return call;
    }
    return null;
  }

  #pingAnsweredBy(frame: Uint8Array): Transmission | null {
    return this.#ping?.isAnsweredBy(frame) ? this.#ping : null;
  }

  #endPing(): void {
    this.#reuse(this.#ping);
    this.#ping = null;
  }

  #finish(call: Call, frame: Uint8Array): void {
    const status = codeOf(frame);
    if (call.isMutation && status === Status.FENCED) {
      call.mayHaveActed = call.mayHaveActedBefore;
      this.#renew(call);
      return;
    }
    this.#laneOf(call).delete(call);
    this.#reuse(call.transmission);
    const reply = {
      status,
      toggles: togglesOf(frame),
      value: copyBytes(frame, VALUE_AT, VALUE_AT + valueLengthOf(frame)),
      remainingTtlMs: remainingTtlOf(frame),
    };
    if (isAnswer(reply)) call.settle(reply);
    else call.fail(errorOf(reply, this.#failed(call), call.isMutation));
  }

  /** After a new epoch: renews or fails the mutations that the server can no longer answer. */
  #reviewMutations(): void {
    for (const call of [...this.#mutations.outstanding]) {
      const epoch = call.transmission?.epoch;
      if (!epoch) continue;
      const standing = this.#knownEpoch.standingOf(epoch);
      if (standing === Standing.GOOD) continue;
      call.mayHaveActedBefore = call.mayHaveActed;
      if (standing === Standing.RENEW || !call.mayHaveActed) this.#renew(call);
      else this.#fail(call, new OutcomeUnknownError(this.#failed(call)));
    }
  }

  // Time.

  #wake(): void {
    const nowMs = this.#ports.now();
    this.#expire(nowMs);
    this.#repeatUnanswered(nowMs);
    this.#goOn();
    for (const lane of this.#lanes) {
      this.#timer.wakeBy(lane.deadlineAtMs);
      for (const { deadlineAtMs, transmission } of lane.outstanding) {
        this.#timer.wakeBy(deadlineAtMs);
        if (transmission !== null) this.#timer.wakeBy(lane.dueAtMs(transmission));
      }
    }
  }

  #expire(nowMs: number): void {
    const late = this.#lanes.flatMap((lane) => lane.late(nowMs));
    for (const call of late) this.#abandon(call, this.#deadlineError(call, nowMs));
  }

  #repeatUnanswered(nowMs: number): void {
    let isMutationUnanswered = false;
    for (const lane of this.#lanes) {
      for (const { transmission } of lane.outstanding) {
        if (transmission === null || lane.dueAtMs(transmission) > nowMs) continue;
        this.#send(transmission, lane);
        isMutationUnanswered ||= lane === this.#mutations;
      }
    }
    if (isMutationUnanswered) this.#sendPing();
  }

  #deadlineError(call: Call, nowMs: number): DeadlineExceededError {
    const waitedMs = nowMs - call.startedAtMs;
    const { outstanding } = this.#laneOf(call);
    const isBehindOthers = outstanding.size >= MAX_OUTSTANDING && !outstanding.has(call);
    return new DeadlineExceededError(
      this.#failed(call),
      waitedMs,
      call.isMutation ? call.effect : null,
      isBehindOthers ? `${MAX_OUTSTANDING} calls before it had no answer either.` : "",
      { cause: this.#networkError },
    );
  }
}
