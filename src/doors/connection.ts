/**
 * One connection through a door for text: what came and is not a whole request yet on one side,
 * replies that the other side does not take on the other, or that wait for the disk. While replies
 * wait, no request is looked at, so a client that never reads has at most one turn's replies in memory.
 */

import { Buffer } from "node:buffer";
import type { Problem } from "../journal/batch.ts";
import type { Connections } from "./connections.ts";
import type { Conversation } from "./conversation.ts";
import { HeldReplies } from "./held_replies.ts";
import { FLUSH_BYTES } from "./replies.ts";
import type { StreamEvents, StreamSocket } from "./stream.ts";

/** What one connection may cost in a turn of the event loop, before it is others' turn … */
const TURN_COST = 64 * 1024;
/** … where a request costs this and so much for each byte, since seven may be an argument … */
const REQUEST_COST = 256;
const REQUEST_BYTE_COST = 8;
// … and a byte of its reply, taken back or not, costs 1.
const MIN_REST_BYTES = 1_024;
/** A buffer of which less than a quarter is in use is given back for a smaller one. */
const MIN_USE = 4;
/** What may still come when all is said, so that who sends a large request can read why it failed. */
const MAX_LINGER_BYTES = 4 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);
const NEVER = Number.POSITIVE_INFINITY;

export class Connection implements StreamEvents {
  /** When it was last answered, as a place in the order of all answers. */
  lastAnswer = 0;
  /** Since when it holds bytes, or ends, without anything done meanwhile; in ms. */
  heldSinceMs = NEVER;
  /** Memory that it holds: of an unfinished request, and of replies that were not taken. */
  heldBytes = 0;
  readonly #conversation: Conversation;
  readonly #socket: StreamSocket;
  readonly #connections: Connections;
  /** What came and was not taken yet lies from `start` to `end` of this. */
  #rest = NOTHING;
  #start = 0;
  #end = 0;
  /** Bytes that were sent and could not leave. */
  #unsentBytes = 0;
  /** Replies that wait for the disk. */
  #held: HeldReplies | null = null;
  /** Nothing is taken until these have left, or until its next turn. */
  #isPaused = false;
  /** Whether it has another turn to come. */
  #isDue = false;
  /** Whether the other side has said all. */
  #isHeard = false;
  /** Whether this side has. */
  #isEnded = false;
  #lingerBytes = 0;

  constructor(conversation: Conversation, socket: StreamSocket, connections: Connections) {
    this.#conversation = conversation;
    this.#socket = socket;
    this.#connections = connections;
  }

  receive(chunk: Buffer): void {
    if (this.#isEnded) {
      this.#linger(chunk.length);
      return;
    }
    if (this.#end > this.#start) {
      this.#append(chunk);
      if (this.#isPaused) this.#hold(false);
      else this.#answer(this.#rest, this.#start, this.#end);
    } else if (this.#isPaused) {
      this.#keep(chunk, 0, chunk.length);
      this.#hold(false);
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
    if (!this.#isEnded && !this.#isPaused) this.#finish();
  }

  closed(): void {
    this.#isEnded = true;
    this.#letGo();
    this.#connections.remove(this);
  }

  /** Closes it, with an error if there is one and it can still be read. */
  cutOff(message?: string): void {
    if (message !== undefined && !this.#isEnded && this.#waitsForNothing) {
      const { replies } = this.#connections;
      this.#conversation.writeError(message, replies);
      this.#socket.write(replies.written);
      replies.clear();
    }
    this.#isEnded = true;
    this.#letGo();
    this.#socket.destroy();
  }

  /** Whether what is written now would come behind all that was answered. */
  get #waitsForNothing(): boolean {
    return this.#unsentBytes === 0 && this.#held === null;
  }

  #goOn(): void {
    if (this.#isEnded || !this.#waitsForNothing) return;
    this.#isPaused = false;
    this.#answer(this.#rest, this.#start, this.#end);
    if (!this.#isPaused && !this.#isEnded) this.#socket.resume();
  }

  /** Answers the requests that are there, as far as this turn and the socket allow. */
  #answer(bytes: Buffer, start: number, end: number): void {
    const { replies, journaled } = this.#connections;
    const doubtful: number[] = [];
    let at = start;
    let cost = 0;
    while (at < end && !this.#isPaused && !this.#isEnded && !this.#conversation.isOver) {
      const replyAt = replies.length;
      const before = replyAt + replies.takenBack;
      if (journaled !== null) journaled.isTouched = false;
      const taken = this.#conversation.take(bytes, at, end, replies);
      if (taken === 0) break;
      if (journaled?.isTouched) doubtful.push(replyAt, replies.length);
      at += taken;
      cost += REQUEST_COST + REQUEST_BYTE_COST * taken;
      cost += replies.length + replies.takenBack - before;
      if (replies.length >= FLUSH_BYTES) this.#flush(doubtful);
      if (cost >= TURN_COST) this.#yield();
    }
    this.#flush(doubtful);
    if (this.#isEnded) return;
    if (at > start) this.#connections.noteAnswer(this);
    const isOver = this.#conversation.isOver && this.#held === null;
    if (isOver || (this.#isHeard && !this.#isPaused)) {
      this.#finish();
    } else {
      this.#keep(bytes, at, end);
      this.#hold(at > start);
    }
  }

  /**
   * Sends the replies, or holds them until what they tell is durable.
   * @param doubtful where replies begin and end that tell what may not be; emptied
   */
  #flush(doubtful: number[]): void {
    const { replies, journaled } = this.#connections;
    const pending = doubtful.length > 0 ? journaled?.pending() ?? null : null;
    if (pending === null) {
      this.#send();
    } else {
      this.#held = new HeldReplies(replies, doubtful.slice());
      replies.clear();
      this.#pause();
      void pending.then((problem) => this.#release(problem));
    }
    doubtful.length = 0;
  }

  #send(): void {
    const { replies } = this.#connections;
    if (replies.length === 0) return;
    const { length } = replies;
    const isTaken = this.#socket.write(replies.written);
    replies.clear();
    if (isTaken) return;
    this.#unsentBytes += length;
    this.#pause();
  }

  /** Sends what was held, and goes on. @param problem why what it told was taken back, if it was */
  #release(problem: Problem | null): void {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    const { replies } = this.#connections;
    const message = `taken back, since it could not be made durable: ${problem}`;
    if (problem === null) held.confirm(replies);
    else held.refuse(replies, () => this.#conversation.writeError(message, replies));
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

  /** What still comes is not looked at; the other side has as long to close as for a request. */
  #finish(): void {
    this.#isEnded = true;
    this.#socket.end();
    if (this.#isPaused) this.#socket.resume();
    this.#rest = NOTHING;
    this.#start = this.#end = 0;
    this.#hold(true);
  }

  #linger(bytes: number): void {
    this.#lingerBytes += bytes;
    if (this.#lingerBytes > MAX_LINGER_BYTES) this.#socket.destroy();
  }

  /** Keeps what was not taken, where the chunk that it came in is not. */
  #keep(bytes: Buffer, start: number, end: number): void {
    if (start === end) {
      this.#rest = NOTHING;
      this.#start = this.#end = 0;
    } else if (bytes === this.#rest && MIN_USE * (end - start) >= bytes.length) {
      this.#start = start;
    } else {
      this.#rest = Buffer.allocUnsafeSlow(Math.max(MIN_REST_BYTES, end - start));
      this.#start = 0;
      this.#end = bytes.copy(this.#rest, 0, start, end);
    }
  }

  #append(chunk: Buffer): void {
    const length = this.#end - this.#start;
    if (this.#end + chunk.length > this.#rest.length) {
      const fits = length + chunk.length <= this.#rest.length;
      const capacity = Math.max(2 * this.#rest.length, length + chunk.length);
      const target = fits ? this.#rest : Buffer.allocUnsafeSlow(capacity);
      this.#rest.copy(target, 0, this.#start, this.#end);
      this.#rest = target;
      this.#start = 0;
      this.#end = length;
    }
    this.#end += chunk.copy(this.#rest, this.#end);
  }

  /** Accounts for what it holds now. @param isProgress whether a request was answered since */
  #hold(isProgress: boolean): void {
    const heldBytes = this.#rest.length + this.#unsentBytes + (this.#held?.length ?? 0);
    // Whoever waits for the disk is not who is slow.
    const isBusy = this.#held === null && (heldBytes > 0 || this.#isEnded);
    if (!isBusy) this.heldSinceMs = NEVER;
    else if (isProgress || this.heldSinceMs === NEVER) this.heldSinceMs = this.#connections.now();
    if (heldBytes !== this.heldBytes) this.#connections.hold(this, heldBytes);
  }

  #letGo(): void {
    this.#rest = NOTHING;
    this.#start = this.#end = 0;
    this.#unsentBytes = 0;
    this.#held = null;
    this.#connections.hold(this, 0);
  }
}
