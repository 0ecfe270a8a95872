/**
 * One connection through a door for text. It holds received bytes that are not a whole request yet,
 * and replies that the client does not take or that wait for the disk. While replies wait, no
 * request is read, so a client that never reads has at most one turn's replies in memory.
 */

import { Buffer } from "node:buffer";
import { type Refusal, SETTLED } from "../execute/executor.ts";
import { takenBack } from "../refusals.ts";
import type { StreamEvents, StreamSocket } from "../stream.ts";
import type { Conversation } from "./conversation.ts";
import { Beginning } from "./foreign.ts";
import { type Dependence, HeldReplies } from "./held_replies.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Pass } from "./pass.ts";
import { FLUSH_BYTES, type Replies } from "./replies.ts";
import { UnderWay } from "./under_way.ts";
import { Unread } from "./unread.ts";

/** What one connection may cost in a turn of the event loop before it yields … */
const TURN_COST = 64 * 1024;
/** … where a request costs this, and a cost for each byte, since 7 bytes may be an argument … */
const REQUEST_COST = 256;
const REQUEST_BYTE_COST = 8;
// … and each byte of its reply, taken back or not, and each byte of a copied value costs 1.
/** Most bytes ignored at the end, so that the sender of a large request can read why it failed. */
const MAX_LINGER_BYTES = 4 * 1024 * 1024;

/** How often a connection that waits for an engine looks whether there is room for its requests. */
const ROOM_LOOK_MS = 5;

const NEVER = Number.POSITIVE_INFINITY;

/** What a connection needs from the set of all connections. */
export interface ConnectionHost {
  /** Where replies are written, whichever connection has its turn. */
  readonly replies: Replies;
  readonly keyspace: Keyspace;
  /** Milliseconds, never backwards. */
  now(): number;
  /** Runs a function once after a delay in ms. */
  later(run: () => void, ms: number): void;
  noteAnswer(connection: Connection): void;
  /**
   * Records how much a connection holds now. A connection may be cut off for it.
   * @param unsettledBytes those of its replies that wait for the disk, and of requests for an engine
   */
  hold(connection: Connection, bytes: number, unsettledBytes: number): void;
  /** Whether too much waits for the disk, or an engine, to begin a request that may have to. */
  readonly isCrowded: boolean;
  remove(connection: Connection): void;
  /** Reports an exception, which is a bug here. */
  noteFault(error: unknown): void;
}

export class Connection implements StreamEvents {
  /** When it was last answered, as a position in the order of all answers. */
  lastAnswer = 0;
  /** Since when it has held bytes, or been ending, without progress; in ms. */
  heldSinceMs = NEVER;
  /** Whether its next bytes are awaited: in a transaction a client may think as long as it likes. */
  isAwaited = false;
  /** Memory held for an unfinished request and for replies that were not taken. */
  heldBytes = 0;
  /** Those of its replies that wait for the disk. */
  unsettledBytes = 0;
  readonly #conversation: Conversation;
  readonly #socket: StreamSocket;
  readonly #host: ConnectionHost;
  readonly #beginning = new Beginning();
  readonly #unread = new Unread();
  /** Requests that wait for a store which answers later. */
  readonly #underWay = new UnderWay();
  /** Bytes written that could not leave yet. */
  #unsentBytes = 0;
  /** Replies held until what they report is settled. */
  #held: HeldReplies | null = null;
  /** Whether it waits for others' changes to settle before it begins a request. */
  #isWaitingForRoom = false;
  /** Whether it is not heard for a while. */
  #isPenalized = false;
  /** Whether input waits until the replies have left, or until the next turn. */
  #isPaused = false;
  /** Whether another turn is scheduled. */
  #isDue = false;
  /** Whether the other side has finished sending. */
  #isHeard = false;
  /** Whether this side has finished sending. */
  #isEnded = false;
  #lingerBytes = 0;
  /** The cost of the last request besides its own bytes. */
  #cost = 0;

  constructor(conversation: Conversation, socket: StreamSocket, host: ConnectionHost) {
    this.#conversation = conversation;
    this.#socket = socket;
    this.#host = host;
  }

  receive(chunk: Buffer): void {
    if (this.#isEnded) {
      this.#linger(chunk.length);
    } else if (this.#isPaused) {
      this.#unread.append(chunk);
      this.#hold(false);
    } else if (this.#unread.length > 0) {
      this.#unread.append(chunk);
      this.#answerUnread();
    } else {
      this.#answer(chunk, 0, chunk.length);
    }
  }

  drained(): void {
    if (this.#isEnded) return;
    this.#unsentBytes = 0;
    this.#goOn();
  }

  ended(): void {
    this.#isHeard = true;
    if (!this.#isEnded && !this.#isPaused && this.#underWay.isEmpty) this.#finish();
  }

  closed(): void {
    this.#isEnded = true;
    this.#letGo();
    this.#host.remove(this);
  }

  /** Closes the connection, with an error if one is given and can still be read. */
  cutOff(message?: string): void {
    if (
      message !== undefined && !this.#isEnded && this.#waitsForNothing && this.#underWay.isEmpty
    ) {
      const { replies } = this.#host;
      this.#conversation.writeError(message, replies);
      this.#socket.write(replies.written);
      replies.clear();
    }
    this.#isEnded = true;
    this.#letGo();
    this.#socket.destroy();
  }

  /** Whether bytes written now would follow all earlier replies. */
  get #waitsForNothing(): boolean {
    return this.#unsentBytes === 0 && this.#held === null;
  }

  #goOn(): void {
    const mustWait = !this.#waitsForNothing || this.#isWaitingForRoom || this.#isPenalized ||
      this.#underWay.isFull;
    if (this.#isEnded || mustWait) return;
    this.#isPaused = false;
    this.#answerUnread();
    if (!this.#isPaused && !this.#isEnded) this.#socket.resume();
  }

  #answerUnread(): void {
    const { bytes, start, end } = this.#unread;
    this.#answer(bytes, start, end);
  }

  #answer(bytes: Buffer, start: number, end: number): void {
    this.#survive(() => this.#answerAll(bytes, start, end));
  }

  /** Does something for this connection; a bug in it ends this connection and harms no other. */
  #survive(run: () => void): void {
    try {
      run();
    } catch (error) {
      // A partly written reply must not reach another connection.
      this.#host.replies.clear();
      this.#host.noteFault(error);
      this.#host.remove(this);
      this.cutOff();
    }
  }

  /** Answers the received requests, as far as this turn and the socket allow. */
  #answerAll(bytes: Buffer, start: number, end: number): void {
    if (!this.#beginning.isOver && this.#beginning.isForeign(bytes, start, end)) {
      this.#finish();
      return;
    }
    const dependences: Dependence[] = [];
    let at = start;
    let cost = 0;
    while (at < end && !this.#isPaused && !this.#isEnded && !this.#conversation.isOver) {
      if (this.#waitForRoom()) break;
      const taken = this.#take(bytes, at, end, dependences);
      if (taken === 0) break;
      at += taken;
      cost += this.#cost + REQUEST_COST + REQUEST_BYTE_COST * taken;
      if (this.#conversation.penaltyMs > 0) this.#penalize(this.#conversation.penaltyMs);
      if (this.#host.replies.length >= FLUSH_BYTES) this.#flush(dependences);
      if (cost >= TURN_COST) this.#yield();
    }
    this.#flush(dependences);
    if (this.#isEnded) return;
    if (at > start) this.#host.noteAnswer(this);
    const isOver = this.#conversation.isOver && this.#held === null;
    if ((isOver || (this.#isHeard && !this.#isPaused)) && this.#underWay.isEmpty) {
      this.#finish();
    } else {
      this.#unread.keep(bytes, at, end);
      this.#hold(at > start);
    }
  }

  /** Carries out one request. @returns how many bytes it took; 0 if none is complete yet */
  #take(bytes: Buffer, at: number, end: number, dependences: Dependence[]): number {
    const { replies, keyspace } = this.#host;
    const start = replies.length;
    const before = start + replies.takenBack;
    const pass = keyspace.beginRequest();
    if (pass !== null) pass.isFirst = this.#underWay.isEmpty;
    const taken = this.#conversation.take(bytes, at, end);
    if (pass !== null && taken > 0) this.#line(pass, start, bytes.subarray(at, at + taken));
    this.#cost = replies.length + replies.takenBack - before + keyspace.copiedBytes;
    const { settlesWith } = keyspace;
    if (settlesWith !== SETTLED) dependences.push({ start, end: replies.length, settlesWith });
    return taken;
  }

  // Where the store answers later, requests wait in a line, and are answered in their order.

  /** Puts a request at the end of the line, with its reply if that is there already. */
  #line(pass: Pass, start: number, request: Buffer): void {
    const { replies, keyspace } = this.#host;
    if (pass.isLast && this.#underWay.isEmpty) {
      keyspace.endRequest(pass);
      return;
    }
    const reply = pass.isLast ? Buffer.from(replies.written.subarray(start)) : null;
    replies.takeBack(start);
    this.#underWay.add({ pass, request: Buffer.from(request), reply });
    pass.onAnswered = () => {
      if (!this.#isEnded) this.#survive(() => this.#advance());
    };
    if (this.#underWay.isFull) this.#pause();
  }

  /** Answers the requests at the head of the line whose answers are there. */
  #advance(): void {
    if (this.#underWay.ready === null) return;
    const { replies, keyspace } = this.#host;
    for (let first = this.#underWay.ready; first !== null; first = this.#underWay.ready) {
      const start = replies.length;
      const { pass, request, reply } = first;
      if (reply !== null) replies.copy(reply, 0, reply.length);
      else {
        pass.isFirst = true;
        keyspace.beginRequest(pass);
        this.#conversation.again(request);
        if (!pass.isLast) {
          replies.takeBack(start);
          continue;
        }
      }
      keyspace.endRequest(pass);
      this.#underWay.shift();
      if (replies.length >= FLUSH_BYTES) this.#send();
    }
    this.#send();
    this.#hold(true);
    if (this.#isPaused || this.#conversation.isOver || this.#isHeard) this.#goOn();
  }

  #penalize(ms: number): void {
    this.#isPenalized = true;
    this.#pause();
    this.#host.later(() => {
      this.#isPenalized = false;
      this.#goOn();
    }, ms);
  }

  /**
   * While too many unsettled replies are held, nothing more is begun: a client that reads its
   * replies must not be cut off because the disk is slow. Nor is it before a drop is durable, since the
   * next request may need a key that it removes. Only the disk is waited for, never another client.
   */
  #waitForRoom(): boolean {
    const { keyspace, isCrowded } = this.#host;
    if (isCrowded && keyspace.answersLater && !this.#isWaitingForRoom) {
      this.#isWaitingForRoom = true;
      this.#pause();
      this.#host.later(() => {
        this.#isWaitingForRoom = false;
        this.#goOn();
      }, ROOM_LOOK_MS);
      return true;
    }
    const settlement = isCrowded ? keyspace.newest : keyspace.barrier;
    if (settlement === SETTLED || this.#isWaitingForRoom) return false;
    this.#isWaitingForRoom = true;
    this.#pause();
    keyspace.whenSettled(settlement, () => {
      this.#isWaitingForRoom = false;
      this.#goOn();
    });
    return true;
  }

  /**
   * Sends the replies, or holds them until what they report is settled.
   * @param dependences those of the written replies; emptied
   */
  #flush(dependences: Dependence[]): void {
    const { replies, keyspace } = this.#host;
    if (dependences.length === 0) {
      this.#send();
      return;
    }
    this.#held = new HeldReplies(replies, dependences.splice(0));
    replies.clear();
    this.#pause();
    keyspace.whenSettled(
      this.#held.settlesWith,
      (refusal) => this.#survive(() => this.#release(refusal)),
    );
  }

  #send(): void {
    const { replies } = this.#host;
    if (replies.length === 0) return;
    const { length } = replies;
    const isTaken = this.#socket.write(replies.written);
    replies.clear();
    if (isTaken) return;
    this.#unsentBytes += length;
    this.#pause();
  }

  /** Sends the held replies and goes on. @param refusal what was taken back, if anything */
  #release(refusal: Refusal | null): void {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    const { replies } = this.#host;
    held.write(replies, refusal, (problem) => {
      this.#conversation.writeError(takenBack(problem), replies);
    });
    this.#send();
    this.#hold(true);
    this.#goOn();
  }

  #yield(): void {
    if (this.#isPaused) return;
    this.#pause();
    if (this.#isDue) return;
    this.#isDue = true;
    this.#socket.later(() => {
      this.#isDue = false;
      this.#goOn();
    });
  }

  #pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** Ignores further input; the other side has as long to close as it has for a request. */
  #finish(): void {
    this.#isEnded = true;
    this.#socket.end();
    if (this.#isPaused) this.#socket.resume();
    this.#unread.clear();
    this.#hold(true);
  }

  #linger(bytes: number): void {
    this.#lingerBytes += bytes;
    if (this.#lingerBytes > MAX_LINGER_BYTES) this.#socket.destroy();
  }

  /** Records how much it holds now. @param isProgress whether a request was answered since */
  #hold(isProgress: boolean): void {
    const unsettledBytes = (this.#held?.length ?? 0) + this.#underWay.heldBytes;
    const pendingBytes = this.#unread.heldBytes + this.#unsentBytes + unsettledBytes;
    const nowMs = this.#host.now();
    const heldBytes = pendingBytes + this.#conversation.rest(nowMs);
    // A connection that waits for the disk is not a slow client.
    const isWaiting = this.#held !== null || this.#isWaitingForRoom || this.#isPenalized ||
      !this.#underWay.isEmpty;
    const wasAwaited = this.isAwaited;
    this.isAwaited = !isWaiting && (pendingBytes > 0 || this.#isEnded);
    if (isWaiting || (heldBytes === 0 && !this.#isEnded)) this.heldSinceMs = NEVER;
    else if (isProgress || this.heldSinceMs === NEVER || this.isAwaited !== wasAwaited) {
      this.heldSinceMs = nowMs;
    }
    if (heldBytes !== this.heldBytes || unsettledBytes !== this.unsettledBytes) {
      this.#host.hold(this, heldBytes, unsettledBytes);
    }
  }

  #letGo(): void {
    this.#conversation.ended();
    this.#unread.clear();
    this.#unsentBytes = 0;
    this.#held = null;
    this.#underWay.clear();
    this.#host.hold(this, 0, 0);
  }
}
