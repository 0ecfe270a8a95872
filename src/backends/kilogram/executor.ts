/** Carries out jobs at other Kilogram servers, one or several, through the library's own client. */

import { copyBytes, writeU16 } from "../../bytes.ts";
import { KilogramError, RequestError } from "../../errors.ts";
import { Action, type Job } from "../../execute/executor.ts";
import type { Limit, Reply } from "../../protocol/call.ts";
import type { Destination } from "../../protocol/destination.ts";
import {
  EXPECTED_LENGTH_BYTES,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
  MAX_VALUE_BYTES_WITH_TTL,
  Operation,
  ReplyToggle,
  type Request,
  RequestToggle,
  Status,
} from "../../protocol/frame.ts";
import { REFUSALS } from "../../refusals.ts";
import { requestOf } from "../../requests.ts";
import type { Line, Section } from "../../section.ts";
import { nameOfSpan } from "../../store/name.ts";
import { NONE, Result, type Span, type StoreCounts } from "../../store/store.ts";
import { outcome } from "../fills.ts";
import { type Done, type Fill, LaterExecutor, unavailable, unknown } from "../later_executor.ts";
import { KeyOrder } from "./key_order.ts";
import { ServersScan } from "./scan.ts";

/** It keeps no keys of its own, and those of its servers are theirs to count. */
const NO_COUNTS: StoreCounts = {
  count: 0,
  timed: 0,
  drops: 0,
  payloadBytes: 0,
  usedBytes: 0,
  limitBytes: 0,
  evictions: 0,
  expirations: 0,
};

const OPERATIONS: Readonly<Record<Action, Operation>> = {
  [Action.GET]: Operation.GET,
  [Action.PEEK]: Operation.GET,
  [Action.EXISTS]: Operation.EXISTS,
  [Action.SCAN]: Operation.SCAN,
  [Action.SET]: Operation.SET,
  [Action.DELETE]: Operation.DELETE,
  [Action.ADD]: Operation.ADD,
  [Action.TOUCH]: Operation.TOUCH,
  [Action.DROP]: Operation.DROP,
};

/** What may have a time to live. */
const TIMED: ReadonlySet<Action> = new Set([Action.SET, Action.ADD, Action.TOUCH]);

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

export interface KilogramExecutorOptions {
  readonly destination: Destination;
  /** How long a call may take, in ms. */
  readonly timeoutMs: number;
  /** The store's clock. */
  readonly now: () => number;
}

export class KilogramExecutor extends LaterExecutor {
  readonly sections: ReadonlyMap<string, Section> = new Map([["backend", () => this.#lines()]]);
  readonly counts = NO_COUNTS;
  readonly #options: KilogramExecutorOptions;
  readonly #order = new KeyOrder();
  readonly #scan: ServersScan;

  constructor(options: KilogramExecutorOptions) {
    super();
    this.#options = options;
    this.#scan = new ServersScan(
      options.destination,
      (server, request) => server.call(request, this.#limit),
    );
  }

  get outage(): string | null {
    const { servers } = this.#options.destination;
    const isUp = servers.some(({ state }) => !state.isDown);
    return isUp ? null : "none of the servers behind this one answers";
  }

  protected begin(job: Job, done: Done): void {
    for (const span of [job.key, job.value, job.expected]) own(span);
    if (job.action === Action.SCAN) {
      this.#scan.begin(job, done);
    } else if (job.action === Action.DROP) {
      void this.#dropAll(job.key.bytes).then(done);
    } else {
      const request = requestOfJob(job, this.#options.now());
      if (typeof request === "string") done(unavailable(request));
      else this.#send(job, request, done);
    }
  }

  /** What follows a change of the same key waits for it: datagrams may overtake each other. */
  #send(job: Job, request: Request, done: Done): void {
    const isChange = job.action > Action.SCAN;
    this.#order.add(nameOfSpan(job.key), isChange, async () => {
      const { destination } = this.#options;
      try {
        const reply = await destination.homeOf(request.key).call(request, this.#limit);
        done(concluded(job, reply, request.operation, this.#options.now()));
      } catch (error) {
        done(failed(error));
      }
    });
  }

  get #limit(): Limit {
    return { timeoutMs: this.#options.timeoutMs };
  }

  async #dropAll(prefix: Uint8Array): Promise<Fill> {
    const { stores: servers } = this.#options.destination;
    const request = requestOf(Operation.DROP, prefix);
    const ended = await Promise.allSettled(
      servers.map((server) => server.call(request, this.#limit)),
    );
    const failures = ended.filter((each) => each.status === "rejected");
    if (failures.length === 0) return outcome(Result.DONE);
    // Where some servers have done it, it is done in part.
    const [{ reason }] = failures;
    return failures.length < servers.length ? unknown(messageOf(reason)) : failed(reason);
  }

  #lines(): Line[] {
    const { servers, retransmissions } = this.#options.destination;
    const lines: Line[] = [
      ["kind", "kilogram"],
      ["outage", this.outage ?? "none"],
      ["under_way", this.underWay],
      ["retransmissions", retransmissions],
      ["columns", "state weight round_trip_us"],
    ];
    for (const { state } of servers.slice(0, 16)) {
      const { name, address, isDown, weight, roundTripMs = 0 } = state;
      const values = [isDown ? "down" : "up", weight, Math.round(roundTripMs * 1_000)];
      lines.push([name ?? address, values.join(" ")]);
    }
    return lines;
  }
}

function own(span: Span): void {
  span.bytes = copyBytes(span.bytes, span.start, span.start + span.length);
  span.start = 0;
}

/** The request of a job; or why there is none, as a sentence without its end. */
function requestOfJob(job: Job, nowMs: number): Request | string {
  const key = job.key.bytes;
  const isTimed = TIMED.has(job.action) && job.expiresAtMs !== 0;
  const ttlMs = isTimed ? Math.max(1, Math.ceil(job.expiresAtMs - nowMs)) : 0;
  const value = valueOf(job);
  if (key.length > MAX_KEY_BYTES) {
    return `a key has at most ${MAX_KEY_BYTES} bytes before other servers`;
  }
  const most = ttlMs > 0 ? MAX_VALUE_BYTES_WITH_TTL : MAX_VALUE_BYTES;
  if (value.length > most) return `a value has at most ${most} bytes before other servers`;
  if (isOver(job, nowMs)) {
    return requestOf(Operation.DELETE, key);
  }
  return requestOf(OPERATIONS[job.action], key, value, ttlMs, togglesOf(job));
}

/** A value that has expired when it is stored removes the one before it. */
function isOver({ action, overwrite, ifEqual, expiresAtMs }: Job, nowMs: number): boolean {
  return action === Action.SET && overwrite && !ifEqual && expiresAtMs !== 0 &&
    expiresAtMs <= nowMs;
}

function valueOf({ action, value, ifEqual, expected, delta }: Job): Uint8Array {
  if (action === Action.ADD) return encoder.encode(String(delta));
  const given = action === Action.SET ? value.bytes : NOTHING;
  if (!ifEqual) return given;
  const bytes = new Uint8Array(EXPECTED_LENGTH_BYTES + expected.length + given.length);
  writeU16(bytes, 0, expected.length);
  bytes.set(expected.bytes, EXPECTED_LENGTH_BYTES);
  bytes.set(given, EXPECTED_LENGTH_BYTES + expected.length);
  return bytes;
}

function togglesOf({ action, ifEqual, overwrite, found }: Job): number {
  if (ifEqual) return RequestToggle.IF_EQUAL;
  if (action !== Action.SET || !overwrite) return 0;
  return RequestToggle.OVERWRITE | (found.room === NONE ? 0 : RequestToggle.OLD);
}

function concluded(
  { action, found, ifEqual, expected }: Job,
  reply: Reply,
  operation: Operation,
  nowMs: number,
): Fill {
  const { status, value, toggles, remainingTtlMs } = reply;
  const isPresent = (toggles & ReplyToggle.PRESENT) !== 0;
  const expiresAtMs = remainingTtlMs === 0 ? 0 : Math.ceil(nowMs) + remainingTtlMs;
  if (action === Action.SET && operation === Operation.DELETE) {
    return outcome(Result.DONE, isPresent && found.room !== NONE ? value : null);
  }
  if (status === Status.NOT_FOUND) return outcome(Result.MISSING);
  if (status === Status.EXISTS) return outcome(Result.PRESENT, isPresent ? value : null);
  if (ifEqual) return outcome(Result.DONE, expected.bytes);
  const tellsValue = isPresent || action === Action.GET || action === Action.PEEK;
  return outcome(Result.DONE, tellsValue ? value : null, expiresAtMs);
}

function failed(error: unknown): Fill {
  const message = messageOf(error);
  if (!(error instanceof KilogramError)) return unavailable(message);
  if (error.code === "FULL") return outcome(Result.FULL);
  // Not the message, which has the key, whose text is anybody's choice.
  const reason = error instanceof RequestError ? error.reason : "";
  if (reason.includes(REFUSALS[Result.NOT_A_NUMBER])) return outcome(Result.NOT_A_NUMBER);
  if (reason.includes(REFUSALS[Result.OVERFLOW])) return outcome(Result.OVERFLOW);
  return error.effect === "none" ? unavailable(message) : unknown(message);
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\.$/, "");
}
