/**
 * The client's side of the wire: a call becomes a datagram, which is sent until it is answered
 * or the deadline passes, and every accepted reply teaches the server's epoch. No I/O: the
 * network, the clock, the alarm and randomness are handed in.
 * Source: docs/WIRE.md, sections 3, 5 («The client») and 6.
 */

import {
  AbortedError,
  ClosedError,
  DeadlineExceededError,
  OutcomeUnknownError,
  OverloadedError,
} from "../errors.ts";
import { copyBytes } from "./bytes.ts";
import { Call, type Limit, type Reply } from "./call.ts";
import { DATAGRAM_BYTES, FRAME_BYTES } from "./datagram.ts";
import {
  codeOf,
  keyLengthOf,
  MAX_VALUE_BYTES,
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
import { MutationOrder } from "./mutation_order.ts";
import { RoundTrip } from "./round_trip.ts";
import { NO_ADDITIONAL_DATA } from "./seal.ts";
import { type FillRandom, NonceStream } from "./streams.ts";
import { Transmission } from "./transmission.ts";
import { WaitingCalls } from "./waiting_calls.ts";
import { type Alarm, WakeTimer } from "./wake_timer.ts";

/** Most requests without an answer; the exchange's own PING is not counted. */
export const MAX_OUTSTANDING = 64;
/** Most calls that wait for their turn. */
export const MAX_WAITING = 65_536;
/** After this long without a reply, the epoch is asked for before a mutation is sent. */
const EPOCH_STALE_MS = 10_000;
/** Most datagrams being opened at once, where opening takes its time. */
const MAX_OPENING = 1_024;

export interface ExchangePorts {
  readonly ciphers: TrafficCiphers;
  /** Sends a datagram to the server, best effort; may throw. It may be reused after that. */
  readonly send: (datagram: Uint8Array) => void;
  /** Milliseconds from any origin, never backwards, time asleep included. */
  readonly now: () => number;
  readonly makeAlarm: (ring: () => void) => Alarm;
  readonly fillRandom: FillRandom;
}

const PING: Request = {
  operation: Operation.PING,
  toggles: 0,
  key: new Uint8Array(0),
  value: new Uint8Array(0),
  ttlMs: 0,
};

export class Exchange {
  readonly #ports: ExchangePorts;
  readonly #timer: WakeTimer;
  readonly #queryStream: NonceStream;
  readonly #mutationOrder: MutationOrder;
  readonly #knownEpoch = new KnownEpoch();
  readonly #roundTrip = new RoundTrip();
  readonly #waiting = new WaitingCalls();
  readonly #outstanding = new Set<Call>();
  /** The exchange's own PING, for the epoch. */
  #ping: Transmission | null = null;
  readonly #frame = new Uint8Array(FRAME_BYTES);
  /** To be used again, at most as many as may be outstanding and one for the PING. */
  readonly #spareDatagrams: Uint8Array[] = [];
  #retransmissions = 0;
  #calls = 0;
  #sends = 0;
  #opening = 0;
  #lastReplyAtMs = Number.NEGATIVE_INFINITY;
  #networkError: unknown;
  #closed = false;

  constructor(ports: ExchangePorts) {
    this.#ports = ports;
    this.#timer = new WakeTimer(ports.makeAlarm, ports.now, () => this.#wake());
    this.#queryStream = NonceStream.forQueries(ports.fillRandom);
    this.#mutationOrder = new MutationOrder(NonceStream.forMutations(ports.fillRandom));
  }

  /**
   * Sends a request and waits for its reply, whatever its status.
   * @throws {DeadlineExceededError | AbortedError | ClosedError | OverloadedError |
   *   OutcomeUnknownError}
   */
  call(request: Request, limit: Limit): Promise<Reply> {
    return new Promise((settle, fail) => {
      const nowMs = this.#ports.now();
      const call = new Call(request, limit, ++this.#calls, nowMs, { settle, fail });
      const objection = this.#objectionTo(call, nowMs);
      if (objection !== null) {
        call.fail(objection);
        return;
      }
      call.onAbort(() => this.#abort(call));
      this.#waiting.add(call);
      this.#startCalls();
      this.#timer.wakeBy(call.deadlineAtMs);
    });
  }

  /** Time as it passes here. */
  get time(): Pick<ExchangePorts, "now" | "makeAlarm"> {
    return this.#ports;
  }

  /** Requests without an answer, at most MAX_OUTSTANDING. */
  get outstandingCalls(): number {
    return this.#outstanding.size;
  }

  /** Calls that wait for their turn, at most MAX_WAITING and those that wait again. */
  get waitingCalls(): number {
    return this.#waiting.size;
  }

  /** Datagrams that were sent again. */
  get retransmissions(): number {
    return this.#retransmissions;
  }

  /** Takes a datagram that came from the network, from whatever address. */
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

  /** Notes an error that the network reported: a hint for people, since anyone can forge it. */
  noteNetworkError(error: unknown): void {
    this.#networkError = error;
  }

  /** Ends every call with a ClosedError. */
  close(): void {
    this.#closed = true;
    this.#ping = null;
    for (const call of [...this.#outstanding, ...this.#waiting]) {
      this.#fail(call, new ClosedError(call.name, call.effect));
    }
    this.#timer.stop();
  }

  // A call waits, is outstanding, and ends; a mutation that must be sealed anew waits again.

  #objectionTo(call: Call, nowMs: number): Error | null {
    if (this.#closed) return new ClosedError(call.name, "none");
    if (call.signal?.aborted) return new AbortedError(call.name, "none", call.signal.reason);
    if (call.deadlineAtMs <= nowMs) return this.#deadlineError(call, nowMs);
    if (this.#waiting.size >= MAX_WAITING) return new OverloadedError(call.name, MAX_WAITING);
    return null;
  }

  /** Starts what may start, in the order in which it was called. */
  #startCalls(): void {
    while (this.#outstanding.size < MAX_OUTSTANDING) {
      const query = this.#waiting.firstQuery;
      const mutation = this.#waiting.firstMutation;
      const sequence = mutation === null ? null : this.#nextMutationSequence();
      if (mutation !== null && sequence !== null && !(query && query.order < mutation.order)) {
        this.#startMutation(mutation, sequence);
      } else if (query !== null) {
        this.#startQuery(query);
      } else {
        return;
      }
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
    this.#waiting.delete(call);
    this.#outstanding.add(call);
    call.transmission = transmission;
    this.#seal(transmission, call.request, () => {
      if (call.transmission !== transmission) return;
      call.mayHaveActed = call.isMutation;
      this.#send(transmission);
    });
  }

  /** The sequence that a mutation may start with now, or null while none may. */
  #nextMutationSequence(): number | null {
    if (this.#needsEpoch()) {
      this.#askEpoch();
      return null;
    }
    let oldest = Number.POSITIVE_INFINITY;
    for (const { isMutation, transmission } of this.#outstanding) {
      if (!isMutation || transmission === null) continue;
      if (!this.#mutationOrder.owns(transmission.datagram)) continue;
      oldest = Math.min(oldest, transmission.sequence);
    }
    return this.#mutationOrder.next(oldest);
  }

  /** The call's nonce stops waiting; it is sealed under the newest epoch before others start. */
  #renew(call: Call): void {
    this.#outstanding.delete(call);
    this.#reuse(call.transmission);
    call.transmission = null;
    this.#waiting.addReturned(call);
  }

  #fail(call: Call, error: Error): void {
    this.#outstanding.delete(call);
    this.#waiting.delete(call);
    this.#reuse(call.transmission);
    call.fail(error);
  }

  /** Ends a call whose request may still be on its way, and shuts the door behind it. */
  #abandon(call: Call, error: Error): void {
    const transmission = call.transmission;
    if (call.isMutation && transmission !== null && transmission.copies > 0) {
      this.#mutationOrder.abandon(transmission.datagram);
    }
    this.#fail(call, error);
  }

  #abort(call: Call): void {
    this.#abandon(call, new AbortedError(call.name, call.effect, call.signal?.reason));
    this.#goOn();
  }

  #goOn(): void {
    this.#startCalls();
    if (this.#outstanding.size + this.#waiting.size === 0) this.#timer.rest();
  }

  #makeDatagram(): Uint8Array {
    return this.#spareDatagrams.pop() ?? new Uint8Array(DATAGRAM_BYTES);
  }

  /** Takes back the datagram of a transmission that ended, unless it may still be being sealed. */
  #reuse(transmission: Transmission | null): void {
    if (transmission === null || transmission.copies === 0) return;
    if (this.#spareDatagrams.length <= MAX_OUTSTANDING) {
      this.#spareDatagrams.push(transmission.datagram);
    }
  }

  // Sending.

  /** Seals a request into a transmission's datagram, and proceeds when that is done. */
  #seal(transmission: Transmission, request: Request, proceed: () => void): void {
    writeRequest(this.#frame, request);
    const additionalData = transmission.epoch?.bytes ?? NO_ADDITIONAL_DATA;
    const { requests } = this.#ports.ciphers;
    const sealed = requests.seal(transmission.datagram, this.#frame, additionalData);
    if (sealed instanceof Promise) void sealed.then(proceed);
    else proceed();
  }

  /** Sends the first copy of a transmission, or another one. */
  #send(transmission: Transmission): void {
    const nowMs = this.#ports.now();
    if (transmission.copies > 0) {
      transmission.repeat(nowMs);
      this.#retransmissions++;
    } else transmission.begin(++this.#sends, nowMs, this.#roundTrip.timeoutMs);
    this.#timer.wakeBy(transmission.nextCopyAtMs);
    try {
      this.#ports.send(transmission.datagram);
    } catch (error) {
      this.#networkError = error;
    }
  }

  #needsEpoch(): boolean {
    if (this.#knownEpoch.epoch === null) return true;
    return this.#ports.now() - this.#lastReplyAtMs >= EPOCH_STALE_MS;
  }

  /** Mutations wait for the epoch: sees to it that a PING is on its way, and is repeated. */
  #askEpoch(): void {
    const dueAtMs = this.#ping?.nextCopyAtMs ?? Number.NEGATIVE_INFINITY;
    if (dueAtMs <= this.#ports.now()) this.#sendPing();
    else this.#timer.wakeBy(dueAtMs);
  }

  /** Sends the waiting PING again, or a new one where its reply could not bring a new boot id. */
  #sendPing(): void {
    const waiting = this.#ping;
    if (waiting !== null && this.#knownEpoch.trusts(waiting.sendOrder)) {
      this.#send(waiting);
      return;
    }
    if (waiting?.copies === 0) return;
    const datagram = this.#makeDatagram();
    this.#queryStream.take(datagram);
    const ping = new Transmission(datagram, null);
    this.#ping = ping;
    this.#seal(ping, PING, () => {
      if (this.#ping === ping) this.#send(ping);
    });
  }

  // Receiving.

  #accept(frame: Uint8Array): void {
    if (keyLengthOf(frame) !== META_BYTES || valueLengthOf(frame) > MAX_VALUE_BYTES) return;
    const call = this.#callAnsweredBy(frame);
    const transmission = call === null ? this.#pingAnsweredBy(frame) : call.transmission;
    if (transmission === null) return;
    this.#noteReply(transmission);
    const isNewEpoch = this.#knownEpoch.learn(frame, transmission.sendOrder, this.#sends);
    if (call === null) this.#endPing();
    else this.#finish(call, frame);
    if (isNewEpoch) this.#reviewMutations();
    this.#goOn();
  }

  #callAnsweredBy(frame: Uint8Array): Call | null {
    for (const call of this.#outstanding) {
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

  #noteReply(transmission: Transmission): void {
    this.#lastReplyAtMs = this.#ports.now();
    this.#networkError = undefined;
    const elapsedMs = this.#lastReplyAtMs - transmission.sentAtMs;
    if (transmission.copies === 1) this.#roundTrip.sample(elapsedMs);
    else this.#roundTrip.backOff(elapsedMs);
  }

  #finish(call: Call, frame: Uint8Array): void {
    const status = codeOf(frame);
    if (call.isMutation && status === Status.FENCED) {
      call.mayHaveActed = call.mayHaveActedBefore;
      this.#renew(call);
      return;
    }
    this.#outstanding.delete(call);
    this.#reuse(call.transmission);
    call.settle({
      status,
      toggles: togglesOf(frame),
      value: copyBytes(frame, VALUE_AT, VALUE_AT + valueLengthOf(frame)),
      remainingTtlMs: remainingTtlOf(frame),
    });
  }

  /** A new epoch is known: what of the mutations that were sealed under an older one? */
  #reviewMutations(): void {
    for (const call of [...this.#outstanding]) {
      const epoch = call.transmission?.epoch;
      if (!epoch) continue;
      const standing = this.#knownEpoch.standingOf(epoch);
      if (standing === Standing.GOOD) continue;
      call.mayHaveActedBefore = call.mayHaveActed;
      if (standing === Standing.RENEW || !call.mayHaveActed) this.#renew(call);
      else this.#fail(call, new OutcomeUnknownError(call.name));
    }
  }

  // Time.

  #wake(): void {
    const nowMs = this.#ports.now();
    this.#expire(nowMs);
    this.#repeatUnanswered(nowMs);
    this.#goOn();
    this.#timer.wakeBy(this.#waiting.deadlineAtMs);
    for (const { deadlineAtMs, transmission } of this.#outstanding) {
      this.#timer.wakeBy(Math.min(deadlineAtMs, transmission?.nextCopyAtMs ?? deadlineAtMs));
    }
  }

  #expire(nowMs: number): void {
    const late = this.#waiting.late(nowMs);
    for (const call of this.#outstanding) if (call.deadlineAtMs <= nowMs) late.push(call);
    for (const call of late) this.#abandon(call, this.#deadlineError(call, nowMs));
  }

  #repeatUnanswered(nowMs: number): void {
    let isMutationUnanswered = false;
    for (const { isMutation, transmission } of this.#outstanding) {
      if (transmission === null || transmission.nextCopyAtMs > nowMs) continue;
      this.#send(transmission);
      isMutationUnanswered ||= isMutation;
    }
    if (isMutationUnanswered) this.#sendPing();
  }

  #deadlineError(call: Call, nowMs: number): DeadlineExceededError {
    const waitedMs = nowMs - call.startedAtMs;
    const isBehindOthers = this.#outstanding.size >= MAX_OUTSTANDING &&
      !this.#outstanding.has(call);
    return new DeadlineExceededError(
      call.name,
      waitedMs,
      call.isMutation ? call.effect : null,
      isBehindOthers ? `${MAX_OUTSTANDING} calls before it had no answer either.` : "",
      this.#networkError,
    );
  }
}
