/**
 * One node of an engine: a connection that many requests share, made again when it is lost. What was written to
 * a lost connection is never written again, since it may have been carried out; only reads are.
 */

import { Buffer } from "node:buffer";
import type { Alarm } from "../../protocol/wake_timer.ts";
import { encode } from "./commands.ts";
import { EngineError, NoRespError, type Reply, ReplyReader } from "./replies.ts";
import { EngineRequest, OF_CONNECTION } from "./request.ts";

/** Waits between attempts to connect double from the first to the last. */
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;
/** How often it is looked for replies that are late. */
const LOOK_MS = 100;
/** A node that nobody asks anything is asked this often whether it is there. */
const PROBE_MS = 1_000;
/** A node that closes so many connections in a row without a word will go on doing so. */
const FATAL_LOSSES = 4;
const GAIN = 1 / 8;

const ASKING = encode(["ASKING"]);
const PING = encode(["PING"]);

export interface EngineSocket {
  write(bytes: Uint8Array): void;
  destroy(): void;
}

/** The problem of a connection that the other side has ended. */
export const CLOSED = "it closed the connection";

export interface SocketEvents {
  readonly onOpen: () => void;
  readonly onBytes: (bytes: Buffer) => void;
  /**
   * @param problem in words, without its end
   * @param isFatal whether it will be the same the next time
   */
  readonly onClose: (problem: string, isFatal: boolean) => void;
}

/** Opens a connection to host:port. */
export type DialEngine = (address: string, events: SocketEvents) => EngineSocket;

export interface NodePorts {
  readonly dial: DialEngine;
  readonly now: () => number;
  readonly makeAlarm: (ring: () => void) => Alarm;
  /** Runs a function at the end of the present turn of the event loop. */
  readonly defer: (run: () => void) => void;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** What is wrong with a node that says nothing at all, as a sentence without its end. */
  readonly mute: string;
  /** How long a reply may take, in ms. */
  readonly timeoutMs: number;
  /** A request that was not carried out for sure, or may be sent again: what is to become of it? */
  readonly onReturned: (request: EngineRequest, node: EngineNode, problem: string) => void;
  /** Said once for each change: it can be used, or not, and why. */
  readonly onState: (node: EngineNode, problem: string | null) => void;
}

export class EngineNode {
  /** host:port. */
  readonly address: string;
  /** Why it can't be used, as a sentence without its end; null if it can. */
  problem: string | null = "it is not connected yet";
  /** Whether it will not be better by itself: a wrong password, or no engine at all. */
  isFatal = false;
  /** Smoothed, in ms. */
  roundTripMs = Number.NaN;
  failures = 0;
  readonly #ports: NodePorts;
  readonly #alarm: Alarm;
  #socket: EngineSocket | null = null;
  #isOpen = false;
  #dials = 0;
  #dialledAtMs = 0;
  #lookAtMs = Number.POSITIVE_INFINITY;
  #wasLate = false;
  #heardAtMs = 0;
  /** Whether anything came through this connection. */
  #hasSpoken = false;
  #retryMs = FIRST_RETRY_MS;
  #retryAtMs = 0;
  /** Connections in a row that were closed before anything came through them. */
  #muteLosses = 0;
  #replies = new ReplyReader();
  /** Requests that wait for the connection, and those that were written, in their order. */
  #waiting: EngineRequest[] = [];
  #written: (EngineRequest | null)[] = [];
  #firstWritten = 0;
  #unsent: Uint8Array[] = [];
  #isClosed = false;

  constructor(address: string, ports: NodePorts) {
    this.address = address;
    this.#ports = ports;
    this.#alarm = ports.makeAlarm(() => {
      // After a pause of this process, what came meanwhile is read first.
      const isLate = ports.now() - this.#lookAtMs > LOOK_MS && !this.#wasLate;
      this.#wasLate = isLate;
      this.#lookAtMs = Number.POSITIVE_INFINITY;
      if (isLate) this.#lookBy(LOOK_MS);
      else this.#look();
    });
    this.#alarm.keepAlive(false);
  }

  /** Requests without a reply. */
  get underWay(): number {
    return this.#waiting.length + this.#written.length - this.#firstWritten;
  }

  connect(): void {
    if (this.#socket !== null || this.#isClosed) return;
    this.#replies = new ReplyReader();
    this.#dialledAtMs = this.#ports.now();
    this.#hasSpoken = false;
    const dial = ++this.#dials;
    // What a connection that was given up still says does not count.
    const ifCurrent = (run: () => void) => {
      if (dial === this.#dials) run();
    };
    try {
      this.#socket = this.#ports.dial(this.address, {
        onOpen: () => ifCurrent(() => this.#greet()),
        onBytes: (bytes) => ifCurrent(() => this.#take(bytes)),
        onClose: (problem, isFatal) =>
          ifCurrent(() => {
            this.isFatal ||= isFatal;
            this.#lose(problem);
          }),
      });
      this.#lookBy(LOOK_MS);
    } catch (error) {
      // An address that is none.
      this.isFatal = true;
      this.#lose((error as Error).message.replace(/\.$/, ""));
    }
  }

  send(request: EngineRequest): void {
    request.sentTo = this.address;
    const isWaiting = this.#socket === null && this.#ports.now() < this.#retryAtMs;
    if (this.#isOpen) this.#write(request);
    else if (this.#isClosed || isWaiting) this.#ports.onReturned(request, this, this.#why);
    else {
      this.#waiting.push(request);
      this.connect();
      this.#lookBy(LOOK_MS);
    }
  }

  /** Ends it; what is under way fails. */
  close(): void {
    this.#isClosed = true;
    this.#alarm.clear();
    this.#lose("the server stops");
  }

  /** The password first; then a PING tells whether this is an engine that answers. */
  #greet(): void {
    const { user, password } = this.#ports;
    const commands: Buffer[] = [];
    if (password !== undefined) {
      commands.push(encode(["AUTH", ...(user === undefined ? [] : [user]), password].map(utf8)));
    }
    commands.push(PING);
    for (const bytes of commands) this.#writeOwn(bytes, (reply) => this.#welcome(reply));
  }

  #welcome(reply: Reply): void {
    if (reply instanceof EngineError) {
      this.isFatal = FATAL.has(reply.code) && !reply.text.includes("max number of clients");
      this.#lose(`it refuses: ${reply.text}`);
      return;
    }
    if (reply !== "PONG") return;
    this.isFatal = false;
    this.#isOpen = true;
    this.#retryMs = FIRST_RETRY_MS;
    this.#setProblem(null);
    for (const request of this.#waiting.splice(0)) this.#write(request);
  }

  #writeOwn(bytes: Buffer, onReply: (reply: Reply) => void): void {
    const deadlineAtMs = this.#ports.now() + this.#ports.timeoutMs;
    const request = new EngineRequest(bytes, { slot: OF_CONNECTION, isRead: true, deadlineAtMs }, {
      onReply,
      onFailure: () => {},
    });
    this.#write(request);
  }

  #write(request: EngineRequest): void {
    const isLater = this.#unsent.length > 0;
    if (request.isAsking) {
      this.#unsent.push(ASKING);
      this.#written.push(null);
    }
    request.writtenAtMs = this.#ports.now();
    this.#written.push(request);
    this.#unsent.push(request.bytes);
    if (isLater) return;
    this.#lookBy(LOOK_MS);
    // All that is asked in one turn of the event loop leaves together. (To send at once what is alone took a
    // quarter of the throughput with 64 clients: then there is always something that is alone.)
    this.#ports.defer(() => this.#flush());
  }

  #flush(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    if (this.#socket === null || unsent.length === 0) return;
    this.#socket.write(unsent.length === 1 ? unsent[0] : Buffer.concat(unsent));
  }

  #take(bytes: Buffer): void {
    this.#hasSpoken = true;
    this.#heardAtMs = this.#ports.now();
    const dial = this.#dials;
    try {
      this.#replies.take(bytes, (reply) => {
        // The connection may be given up for one of the replies: the others mean nothing then.
        if (dial === this.#dials) this.#answer(reply);
      });
    } catch (error) {
      if (!(error instanceof NoRespError)) throw error;
      this.isFatal = !this.#isOpen;
      const got = error.message.replaceAll(/[^ -~]+/g, " ").trim().slice(0, 40);
      this.#lose(`what answers there is no Redis or Valkey: it said "${got}"`);
    }
  }

  #answer(reply: Reply): void {
    const request = this.#written[this.#firstWritten];
    if (request === undefined) {
      this.#lose("it replied without being asked");
      return;
    }
    this.#written[this.#firstWritten++] = null;
    if (this.#firstWritten === this.#written.length || this.#firstWritten > 4_096) {
      this.#written = this.#written.slice(this.#firstWritten);
      this.#firstWritten = 0;
    }
    if (request === null) return;
    this.#sample(this.#ports.now() - request.writtenAtMs);
    request.reply(reply);
  }

  #sample(elapsedMs: number): void {
    this.roundTripMs = Number.isNaN(this.roundTripMs)
      ? elapsedMs
      : this.roundTripMs + GAIN * (elapsedMs - this.roundTripMs);
  }

  /** A reply that is late means that the connection can't be trusted any more. */
  #look(): void {
    if (this.#isClosed) return;
    const nowMs = this.#ports.now();
    const silentMs = nowMs - this.#awaitedSinceMs;
    if (silentMs >= this.#ports.timeoutMs) {
      const isMute = !this.#isOpen && !this.#hasSpoken;
      this.#lose(isMute ? this.#ports.mute : `it has not replied for ${Math.round(silentMs)} ms`);
      return;
    }
    const late = this.#waiting.filter(({ deadlineAtMs }) => deadlineAtMs <= nowMs);
    if (late.length > 0) {
      this.#waiting = this.#waiting.filter(({ deadlineAtMs }) => deadlineAtMs > nowMs);
      for (const request of late) request.fail(this.#why, false);
    }
    const waitMs = this.#retryAtMs - nowMs;
    if (this.#socket === null && waitMs > 0) this.#lookBy(waitMs);
    else if (this.#socket === null) this.connect();
    else if (this.underWay > 0 || !this.#isOpen) this.#lookBy(LOOK_MS);
    else this.#probe(nowMs);
  }

  /** Nothing is under way: it is asked now and then whether it is there. */
  #probe(nowMs: number): void {
    const restMs = this.#heardAtMs + PROBE_MS - nowMs;
    if (restMs > 0) this.#lookBy(restMs);
    else this.#writeOwn(PING, () => {});
  }

  /** Since when a connection, or the first reply, is awaited; Infinity if nothing is. */
  get #awaitedSinceMs(): number {
    if (this.#socket !== null && !this.#isOpen) return this.#dialledAtMs;
    for (let i = this.#firstWritten; i < this.#written.length; i++) {
      const request = this.#written[i];
      if (request !== null) return request.writtenAtMs;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Makes sure of a look within a time. */
  #lookBy(ms: number): void {
    const atMs = this.#ports.now() + ms;
    if (atMs >= this.#lookAtMs) return;
    this.#lookAtMs = atMs;
    this.#alarm.set(ms);
  }

  get #why(): string {
    return `${this.address}: ${this.problem ?? "it does not reply"}`;
  }

  /** The connection is gone: what was written may have been carried out. */
  #lose(said: string): void {
    const isMute = this.#socket !== null && !this.#isOpen && !this.#hasSpoken;
    this.#muteLosses = isMute && said === CLOSED ? this.#muteLosses + 1 : 0;
    this.isFatal ||= this.#muteLosses >= FATAL_LOSSES || (isMute && said === this.#ports.mute);
    const problem = isMute && said === CLOSED
      ? `${said} at once: does it want TLS, rediss://?`
      : said;
    const socket = this.#socket;
    const written = this.#written.slice(this.#firstWritten);
    const waiting = this.#waiting;
    this.#socket = null;
    this.#dials++;
    this.#isOpen = false;
    [this.#written, this.#waiting, this.#unsent, this.#firstWritten] = [[], [], [], 0];
    socket?.destroy();
    this.failures++;
    this.#setProblem(problem);
    for (const request of written) {
      if (request === null || request.slot === OF_CONNECTION) continue;
      if (request.isRead) this.#ports.onReturned(request, this, this.#why);
      else request.fail(this.#why, true);
    }
    for (const request of waiting) this.#ports.onReturned(request, this, this.#why);
    if (this.#isClosed) return;
    this.#retryAtMs = this.#ports.now() + this.#retryMs;
    this.#lookBy(this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }

  #setProblem(problem: string | null): void {
    const isChange = problem !== this.problem;
    this.problem = problem;
    if (isChange && !this.#isClosed) this.#ports.onState(this, problem);
  }
}

/** Of the greeting: these are not errors that pass. */
const FATAL: ReadonlySet<string> = new Set(["WRONGPASS", "NOAUTH", "NOPERM", "ERR"]);

/** A word that may be any text. */
function utf8(text: string) {
  const bytes = Buffer.from(text);
  return { span: { bytes, start: 0, length: bytes.length } };
}
