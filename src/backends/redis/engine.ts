/**
 * A Redis or Valkey, or a Cluster of them: sends a command to the node that has its slot, follows it when a
 * slot has moved, and learns the slots again.
 * Source: the Redis Cluster specification, «Redirection and resharding».
 */

import { Buffer } from "node:buffer";
import type { Time } from "../../protocol/destination.ts";
import { toldAddress } from "./address.ts";
import { encode } from "./commands.ts";
import { type DialEngine, EngineNode } from "./node.ts";
import { EngineError, type Reply } from "./replies.ts";
import { EngineRequest, OF_NODE, type RequestEvents } from "./request.ts";
import { SLOTS } from "./slots.ts";

/** A request is sent elsewhere, or again, at most this often within its time. */
const MAX_ATTEMPTS = 64;
/** The wait before another attempt after an error that passes … */
const RETRY_MS = 25;
/** … and how long that is tried: whoever asks hears of an outage soon, and that nothing has changed. */
const RETRY_FOR_MS = 250;
/** The least time between two looks at the slots, and the time after which they are looked at anyway. */
const LEARN_MS = 100;
const LEARN_AGAIN_MS = 30_000;
const MAX_NODES = 1_000;

const LEARN = encode(["CLUSTER", "SLOTS"]);

/** Replies of a node that has not carried the command out, and may do so before long. */
const PASSING: ReadonlySet<string> = new Set([
  "TRYAGAIN",
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "READONLY",
  "BUSY",
]);

export interface EngineOptions {
  /** host:port of one node or more. */
  readonly seeds: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly mute: string;
  /** How long a reply may take, in ms. */
  readonly timeoutMs: number;
  readonly dial: DialEngine;
  readonly time: Time;
  /** Runs a function at the end of the present turn of the event loop. */
  readonly defer: (run: () => void) => void;
  /** Called with what a person should know, a line each, and whether it is a problem. */
  readonly log: (line: string, isProblem: boolean) => void;
}

/** A node, for display. */
export interface NodeState {
  readonly address: string;
  readonly problem: string | null;
  readonly slots: number;
  readonly roundTripMs: number;
  readonly underWay: number;
  readonly failures: number;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #nodes = new Map<string, EngineNode>();
  /** The primary of each slot. */
  #slots: (EngineNode | undefined)[] = [];
  #primaries: readonly EngineNode[] = [];
  /** Whether it is a Cluster; null before that is known. */
  #isCluster: boolean | null = null;
  /** Why the slots can't be learnt, and won't be. */
  #refusal: string | null = null;
  /** Requests that are to be tried again, by slot; later ones for the same slot wait behind them. */
  readonly #again = new Map<number, EngineRequest[]>();
  #isLearning = false;
  #learntAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  #orders = 0;
  redirects = 0;
  retries = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    for (const seed of options.seeds) this.#node(seed);
    const look = options.time.makeAlarm(() => {
      if (this.#isClosed) return;
      this.#learn();
      look.set(LEARN_AGAIN_MS);
    });
    look.keepAlive(false);
    look.set(LEARN_AGAIN_MS);
    this.#learn();
  }

  /** Why nothing, or not everything, can be carried out, as a sentence without its end; null if all can. */
  get outage(): string | null {
    const problems = [...this.#nodes.values()].flatMap(({ address, problem }) =>
      problem === null ? [] : [`${address}: ${problem}`]
    );
    if (this.#isCluster === null) {
      return this.#refusal ?? problems[0] ?? "the engine has not answered yet";
    }
    if (!this.#isCluster) return this.primaries[0]?.problem === null ? null : problems[0] ?? null;
    const isCovered = this.#slots.length === SLOTS && !this.#slots.includes(undefined);
    return isCovered && this.primaries.some(({ problem }) => problem === null)
      ? null
      : problems[0] ?? "some slots of the Cluster have no node";
  }

  /** Why it will not be better by itself; null if it may. */
  get fatalProblem(): string | null {
    if (this.#isCluster !== null) return null;
    if (this.#refusal !== null) return this.#refusal;
    const nodes = [...this.#nodes.values()];
    const [first] = nodes;
    return nodes.every(({ isFatal }) => isFatal) ? `${first.address}: ${first.problem}` : null;
  }

  get isCluster(): boolean {
    return this.#isCluster === true;
  }

  /**
   * The nodes that have slots, as last learnt, in the order of their addresses; of a single engine its one
   * node. The array is the same until they change.
   */
  get primaries(): readonly EngineNode[] {
    return this.#primaries;
  }

  get nodes(): NodeState[] {
    const counts = new Map<EngineNode, number>();
    for (const node of this.#slots) if (node) counts.set(node, (counts.get(node) ?? 0) + 1);
    return [...this.#nodes.values()].map((node) => ({
      address: node.address,
      problem: node.problem,
      slots: counts.get(node) ?? 0,
      roundTripMs: node.roundTripMs,
      underWay: node.underWay,
      failures: node.failures,
    }));
  }

  /** Sends a command to the node that has a slot. */
  send(bytes: Buffer, slot: number, isRead: boolean, events: RequestEvents): void {
    const request = this.#request(bytes, slot, isRead, {
      onReply: (reply) => this.#judge(request, reply, events),
      onFailure: events.onFailure,
    });
    this.#route(request, "the engine has not answered yet");
  }

  /** Sends a command to one node, whatever its slot. */
  sendTo(node: EngineNode, bytes: Buffer, isRead: boolean, events: RequestEvents): void {
    node.send(this.#request(bytes, OF_NODE, isRead, events));
  }

  close(): void {
    this.#isClosed = true;
    for (const node of this.#nodes.values()) node.close();
  }

  #request(bytes: Buffer, slot: number, isRead: boolean, events: RequestEvents): EngineRequest {
    const deadlineAtMs = this.#options.time.now() + RETRY_FOR_MS;
    return new EngineRequest(bytes, { slot, isRead, deadlineAtMs, order: this.#orders++ }, events);
  }

  #node(address: string): EngineNode {
    const known = this.#nodes.get(address);
    if (known !== undefined) return known;
    const { dial, defer, user, password, mute, timeoutMs, time, log } = this.#options;
    const node = new EngineNode(address, {
      ...{ dial, defer, user, password, mute, timeoutMs },
      now: time.now,
      makeAlarm: time.makeAlarm,
      onReturned: (request, _, problem) => this.#returned(request, problem),
      onState: (_, problem) => {
        log(
          `engine: ${address}${problem === null ? " is there" : `: ${problem}`}`,
          problem !== null,
        );
        if (problem !== null) this.#learn();
      },
    });
    this.#nodes.set(address, node);
    node.connect();
    return node;
  }

  /** @param problem why it is not there yet, for the error */
  #route(request: EngineRequest, problem: string): void {
    const again = this.#again.get(request.slot);
    const node = this.#slots[Math.max(0, request.slot)];
    if (again !== undefined) again.push(request);
    else if (node !== undefined) node.send(request);
    else this.#tryAgain(request, problem);
  }

  /** What was not carried out for sure, or is a read, may be sent again within its time. */
  #returned(request: EngineRequest, problem: string): void {
    this.#learn();
    if (request.slot === OF_NODE) request.fail(problem, false);
    else this.#tryAgain(request, problem);
  }

  #tryAgain(request: EngineRequest, problem: string): void {
    const { time } = this.#options;
    const isLate = time.now() + RETRY_MS >= request.deadlineAtMs;
    if (this.#isClosed || isLate || ++request.attempts > MAX_ATTEMPTS) {
      request.fail(problem, false);
      return;
    }
    this.retries++;
    request.isAsking = false;
    this.#learn();
    const again = this.#again.get(request.slot);
    if (again !== undefined) {
      again.push(request);
      return;
    }
    this.#again.set(request.slot, [request]);
    const alarm = time.makeAlarm(() => {
      const requests = this.#again.get(request.slot) ?? [];
      this.#again.delete(request.slot);
      requests.sort((a, b) => a.order - b.order);
      for (const each of requests) this.#route(each, problem);
    });
    alarm.set(RETRY_MS);
  }

  #judge(request: EngineRequest, reply: Reply, events: RequestEvents): void {
    if (!(reply instanceof EngineError)) events.onReply(reply);
    else if (reply.code === "MOVED" || reply.code === "ASK") this.#redirect(request, reply);
    else if (PASSING.has(reply.code)) {
      // One that is cut off from the others knows only how it was: the next question goes to another.
      this.#rotate(request.sentTo);
      this.#tryAgain(request, reply.text);
    } else events.onReply(reply);
  }

  /** «MOVED slot host:port»: the slot is there now; «ASK slot host:port»: this key may be. */
  #redirect(request: EngineRequest, { code, text }: EngineError): void {
    const [, slot, told = ""] = text.split(" ");
    const address = toldAddress(told, request.sentTo);
    if (address === null || ++request.attempts > MAX_ATTEMPTS) {
      request.fail(`it sends requests in a circle, or nowhere: ${text}`, false);
      return;
    }
    this.redirects++;
    const node = this.#node(address);
    if (code === "MOVED") {
      this.#slots[Number(slot)] = node;
      this.#learn();
    }
    request.isAsking = code === "ASK";
    node.send(request);
  }

  // Which node has which slot.

  #learn(): void {
    const { time } = this.#options;
    if (this.#isLearning || this.#isClosed) return;
    this.#isLearning = true;
    const waitMs = Math.max(0, this.#learntAtMs + LEARN_MS - time.now());
    const alarm = time.makeAlarm(() => this.#ask());
    alarm.keepAlive(false);
    alarm.set(waitMs);
  }

  /** Asks a node that is there, or the next that might be. */
  #ask(): void {
    const nodes = [...this.#nodes.values()];
    const [node] = [...nodes.filter(({ problem }) => problem === null), ...nodes];
    if (node === undefined || this.#isClosed) return;
    const end = () => {
      this.#isLearning = false;
      this.#learntAtMs = this.#options.time.now();
      this.#rotate(node.address);
    };
    this.sendTo(node, LEARN, true, {
      onReply: (reply) => {
        end();
        this.#take(reply, node);
      },
      onFailure: () => {
        end();
        this.#learn();
      },
    });
  }

  /** The next question goes to another. */
  #rotate(address: string): void {
    const node = this.#nodes.get(address);
    if (node === undefined) return;
    this.#nodes.delete(address);
    this.#nodes.set(address, node);
  }

  #take(reply: Reply, from: EngineNode): void {
    if (reply instanceof EngineError && reply.code === "ERR") this.#takeSingle(from);
    else if (reply instanceof EngineError) {
      if (reply.code === "NOPERM") this.#refusal = `${from.address}: it refuses: ${reply.text}`;
      this.#learn();
    } else {
      const slots = slotsOf(reply, from.address, (address) => this.#node(address));
      if (slots !== null) this.#settle(true, slots);
      else this.#learn();
    }
  }

  /** It is no Cluster: the node that answers has everything. */
  #takeSingle(node: EngineNode): void {
    const { seeds } = this.#options;
    if (this.#isCluster === true) return;
    if (seeds.length > 1) {
      this.#refusal = `${node.address}: it is no Cluster, so give one address, not ${seeds.length}`;
    } else if (this.#isCluster === null) {
      this.#settle(false, new Array(SLOTS).fill(node));
    }
  }

  #settle(isCluster: boolean, slots: (EngineNode | undefined)[]): void {
    const isFirst = this.#isCluster === null;
    this.#isCluster = isCluster;
    this.#slots = slots;
    const primaries = [...new Set(slots)].filter((node) => node !== undefined)
      .sort((a, b) => (a.address < b.address ? -1 : 1));
    const isAsBefore = primaries.length === this.#primaries.length &&
      primaries.every((node, i) => node === this.#primaries[i]);
    if (!isAsBefore) this.#primaries = primaries;
    if (isFirst) {
      const count = this.primaries.length;
      this.#options.log(
        isCluster ? `engine: a Cluster of ${count} primaries` : "engine: a single one",
        false,
      );
    }
    for (const [address, node] of this.#nodes) {
      const isSeed = this.#options.seeds.includes(address);
      const isInUse = isSeed || node.underWay > 0 || slots.includes(node);
      if (isInUse && this.#nodes.size <= MAX_NODES) continue;
      node.close();
      this.#nodes.delete(address);
    }
  }
}

/** The primaries by slot, as CLUSTER SLOTS tells them; null if it tells none, as a node that has left. */
function slotsOf(
  reply: Reply,
  ownAddress: string,
  nodeAt: (address: string) => EngineNode,
): (EngineNode | undefined)[] | null {
  if (!Array.isArray(reply) || reply.length === 0) return null;
  const slots: (EngineNode | undefined)[] = new Array(SLOTS).fill(undefined);
  for (const range of reply) {
    if (!Array.isArray(range)) return null;
    const [first, last, primary] = range;
    if (typeof first !== "number" || typeof last !== "number" || !Array.isArray(primary)) {
      return null;
    }
    const [host, port] = primary;
    const name = host instanceof Uint8Array ? Buffer.from(host).toString() : "";
    const address = toldAddress(`${name}:${port}`, ownAddress);
    if (address === null) return null;
    slots.fill(nodeAt(address), first, last + 1);
  }
  return slots;
}
