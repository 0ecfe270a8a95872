/**
 * The client: one call, one datagram, one reply, within its deadline. This file has the calls
 * and the meaning of their replies; protocol/exchange.ts sends and receives the datagrams.
 */

import {
  deltaBytes,
  expectedOf,
  finite,
  ifEqualBytes,
  jsonText,
  type Key,
  keyBytes,
  lifeOf,
  positiveTimeout,
  prefixBytes,
  sizeError,
  type TimeToLive,
  ttlOf,
  type Value,
  valueBytes,
} from "./arguments.ts";
import { DeadlineRequiredError, InvalidArgumentError } from "./errors.ts";
import type { Reply } from "./protocol/call.ts";
import type { Exchange } from "./protocol/exchange.ts";
import {
  MAX_KEY_BYTES,
  Operation,
  ReplyToggle,
  type Request,
  RequestToggle,
  Status,
} from "./protocol/frame.ts";
import { OPERATION_NAMES } from "./protocol/operations.ts";
import { type Caller, Remember } from "./remember.ts";
import { scan } from "./scan.ts";

/** When a call gives up: after a number of milliseconds, or at a time as given by `Date.now()`. */
export type Deadline =
  | { readonly timeout: number; readonly deadline?: undefined }
  | { readonly deadline: number; readonly timeout?: undefined };

/** No deadline of its own: only for views made by `within`. */
type NoDeadline = { readonly timeout?: number; readonly deadline?: undefined };

/** What every call takes besides its deadline. */
export interface Abortable {
  readonly signal?: AbortSignal;
}

export interface SetOptions extends TimeToLive {
  /** Replace an existing value; without it, an existing key is left as it is. */
  readonly overwrite?: boolean;
  /** Return the value that was replaced. */
  readonly old?: boolean;
  /**
   * Replace the value only if it is this one: check `stored`. It goes with neither `overwrite` nor
   * `old`; both values together have at most 861 bytes (853 with a time to live). As always, the time
   * to live is replaced too: without `ttl` the key never expires.
   */
  readonly ifEqual?: Value;
}

export interface DeleteOptions {
  /** Remove the key only if its value is this one, of at most 861 bytes. */
  readonly ifEqual?: Value;
}

export interface RememberOptions extends TimeToLive {
  /**
   * Milliseconds after which another caller may load the value if the first has not finished:
   * somewhat more than the loader takes. By default half of the call's time.
   */
  readonly lease?: number;
}

/**
 * The outcome of a set: stored, or not, because the key exists and `overwrite` was not given, or
 * because its value is not the one of `ifEqual`. The current value is undefined where there is none,
 * or where it is too large for a datagram.
 */
export type SetResult =
  | { readonly stored: true; readonly previous: Uint8Array | undefined }
  | { readonly stored: false; readonly current: Uint8Array | undefined };

export interface AddResult {
  /** The new number, a signed 64-bit integer. */
  readonly value: bigint;
  /** Milliseconds that the key still has to live; undefined if it lives for ever. */
  readonly ttl: number | undefined;
}

export interface ExistsResult {
  /** Milliseconds that the key still has to live; undefined if it lives for ever. */
  readonly ttl: number | undefined;
}

/** The last argument of a call: required if there is no default deadline, otherwise optional. */
type Options<HasDeadline extends boolean, Own = unknown> = HasDeadline extends true
  ? [options?: (Deadline | NoDeadline) & Abortable & Own]
  : [options: Deadline & Abortable & Own];

/** Options that any call may have. */
type CallOptions = Partial<Record<"timeout" | "deadline", number>> & Abortable;

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The calls, with or without a default deadline. */
export class Calls<HasDeadline extends boolean> {
  /** @internal */
  protected readonly exchange: Exchange;
  /** @internal */
  protected readonly remembering: Remember;
  readonly #timeoutMs: number | undefined;

  /**
   * @param timeoutMs for calls without a deadline; undefined: every call must have a deadline
   * @internal
   */
  constructor(exchange: Exchange, timeoutMs?: number, remembering?: Remember) {
    this.exchange = exchange;
    this.remembering = remembering ?? new Remember(exchange.time, exchange.fillRandom);
    this.#timeoutMs = timeoutMs;
  }

  /** The value of a key as bytes; undefined when there is no such key. */
  get(key: Key, ...[options]: Options<HasDeadline>): Promise<Uint8Array | undefined> {
    return this.#get(key, options);
  }

  /** The value of a key as text, from UTF-8; undefined when there is no such key. */
  async getText(key: Key, ...options: Options<HasDeadline>): Promise<string | undefined> {
    const value = await this.get(key, ...options);
    return value === undefined ? undefined : decoder.decode(value);
  }

  /**
   * The value of a key, parsed from its JSON text; undefined when there is no such key.
   * @throws {SyntaxError} when the value is not JSON
   */
  async getJson<T = unknown>(key: Key, ...options: Options<HasDeadline>): Promise<T | undefined> {
    const text = await this.getText(key, ...options);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /**
   * Stores a value. A key that exists is replaced only with `overwrite: true`: check `stored`.
   * Value and time to live are replaced together: without `ttl` the key lives for ever.
   */
  set(
    key: Key,
    value: Value,
    ...[options]: Options<HasDeadline, SetOptions>
  ): Promise<SetResult> {
    return this.#set(key, value, options);
  }

  /** Stores a value as its JSON text; otherwise like `set`. */
  async setJson(
    key: Key,
    value: unknown,
    ...options: Options<HasDeadline, SetOptions>
  ): Promise<SetResult> {
    return this.set(key, jsonText(value), ...options);
  }

  /**
   * Removes a key and returns the value that it had; undefined when nothing was removed: there was
   * no such key, or with `ifEqual` it has another value.
   */
  delete(
    key: Key,
    ...[options]: Options<HasDeadline, DeleteOptions>
  ): Promise<Uint8Array | undefined> {
    return this.#delete(key, options);
  }

  /**
   * Removes at once all keys that begin with a prefix, however many there are; the empty prefix
   * removes everything. The server frees their memory a little at a time.
   * @param prefix 0 to 128 bytes
   */
  async drop(prefix: Key, ...[options]: Options<HasDeadline>): Promise<void> {
    await this.#call(requestOf(Operation.DROP, prefixBytes(prefix)), options);
  }

  /**
   * All keys of at most 128 bytes that begin with a prefix, in no order. A key that is there from
   * beginning to end comes at least once, whatever is stored and removed meanwhile; a key may come
   * twice. Each page, of six long keys or a hundred short ones, is a call, which has the `timeout`.
   *
   * ```ts
   * for await (const key of kv.keysText("session:", { timeout: 1_000 })) console.log(key);
   * ```
   * @param prefix 0 to 128 bytes
   */
  keys(prefix: Key, ...[options]: Options<HasDeadline>): AsyncGenerator<Uint8Array, void> {
    const key = prefixBytes(prefix);
    return scan((cursor) => this.#call(requestOf(Operation.SCAN, key, cursor), options));
  }

  /** Like `keys`, as text, from UTF-8. */
  async *keysText(prefix: Key, ...options: Options<HasDeadline>): AsyncGenerator<string, void> {
    for await (const key of this.keys(prefix, ...options)) yield decoder.decode(key);
  }

  /** Whether a key exists: its remaining time to live, or undefined when there is no such key. */
  async exists(key: Key, ...[options]: Options<HasDeadline>): Promise<ExistsResult | undefined> {
    const reply = await this.#call(requestOf(Operation.EXISTS, keyBytes(key)), options);
    return reply.status === Status.NOT_FOUND ? undefined : { ttl: remainingTtl(reply) };
  }

  /**
   * Adds a whole number to the number stored at a key and returns the sum; a missing key is 0.
   * `ttl` applies only if this call creates the key, so one call is a rate limiter.
   * @param delta a signed 64-bit integer; a number must be a safe integer
   * @throws {RequestError} when the value is not a number, or the sum does not fit 64 bits
   */
  async add(
    key: Key,
    delta: number | bigint,
    ...[options]: Options<HasDeadline, TimeToLive>
  ): Promise<AddResult> {
    const request = requestOf(Operation.ADD, keyBytes(key), deltaBytes(delta), ttlOf(options));
    const reply = await this.#call(request, options);
    return { value: BigInt(decoder.decode(reply.value)), ttl: remainingTtl(reply) };
  }

  /**
   * Sets the time to live of a key that exists; without `ttl` it lives for ever.
   * @returns false when there is no such key
   */
  async touch(key: Key, ...[options]: Options<HasDeadline, TimeToLive>): Promise<boolean> {
    const request = requestOf(Operation.TOUCH, keyBytes(key), NO_BYTES, ttlOf(options));
    const reply = await this.#call(request, options);
    return reply.status === Status.OK;
  }

  /**
   * The value of a key, which is loaded and stored if it is missing. One caller loads it; the other
   * callers, in this process and in others, wait for it. An error of the loader is thrown to all
   * callers in this process. A value that can't be stored because the server is full is returned.
   *
   * ```ts
   * const page = await kv.remember("page:7", () => render(7), { timeout: 2_000, ttl: 60_000 });
   * ```
   * @param key 1 to 122 bytes: `lease:` followed by the key is also a key while the loader runs
   * @throws {DeadlineExceededError} when the deadline passes first; the loader goes on
   */
  async remember(
    key: Key,
    load: () => Value | Promise<Value>,
    ...[options]: Options<HasDeadline, RememberOptions>
  ): Promise<Uint8Array> {
    const timeoutMs = this.#timeoutOf("remember", options);
    const leaseMs = lifeOf("lease", options?.lease ?? Math.max(1, Math.ceil(timeoutMs / 2)));
    ttlOf(options);
    const terms = { timeoutMs, leaseMs, ttlMs: options?.ttl, signal: options?.signal };
    return this.remembering.value(this.#caller, keyBytes(key), load, terms);
  }

  /** Like `remember`, for a value that is stored as its JSON text. */
  async rememberJson<T>(
    key: Key,
    load: () => T | Promise<T>,
    ...options: Options<HasDeadline, RememberOptions>
  ): Promise<T> {
    const value = await this.remember(key, async () => jsonText(await load()), ...options);
    return JSON.parse(decoder.decode(value));
  }

  /** Asks the server for a sign of life; returns the milliseconds until the reply came. */
  async ping(...[options]: Options<HasDeadline>): Promise<number> {
    const { now } = this.exchange.time;
    const startedAtMs = now();
    await this.#call(requestOf(Operation.PING, NO_BYTES), options);
    return now() - startedAtMs;
  }

  /**
   * The statistics of a section, by name; a number where the server sent a number.
   * Sections: `server` (the default, which lists the others).
   * @returns undefined when the server has no such section
   */
  async stats(
    ...[options]: Options<HasDeadline, { readonly section?: string }>
  ): Promise<Record<string, string | number> | undefined> {
    const key = encoder.encode(options?.section ?? "");
    if (key.length > MAX_KEY_BYTES) throw sizeError("section", key.length, MAX_KEY_BYTES);
    const reply = await this.#call(requestOf(Operation.STATS, key), options);
    return reply.status === Status.NOT_FOUND ? undefined : parseStatistics(reply.value);
  }

  // The same calls, with or without a default deadline: `#call` finds the deadline.

  /** For `remember`, which gives each of its calls a deadline. */
  get #caller(): Caller {
    return {
      get: (key, options) => this.#get(key, options),
      set: (key, value, options) => this.#set(key, value, options),
      delete: (key, options) => this.#delete(key, options),
    };
  }

  async #get(key: Key, options: CallOptions | undefined): Promise<Uint8Array | undefined> {
    const reply = await this.#call(requestOf(Operation.GET, keyBytes(key)), options);
    return reply.status === Status.NOT_FOUND ? undefined : reply.value;
  }

  async #set(
    key: Key,
    value: Value,
    options: (CallOptions & SetOptions) | undefined,
  ): Promise<SetResult> {
    const ttlMs = ttlOf(options);
    const expected = expectedOf(options);
    const toggles = setToggles(options);
    const bytes = expected === undefined
      ? valueBytes(value, ttlMs)
      : ifEqualBytes(expected, value, ttlMs);
    const request = requestOf(Operation.SET, keyBytes(key), bytes, ttlMs, toggles);
    const reply = await this.#call(request, options);
    return reply.status === Status.EXISTS || reply.status === Status.NOT_FOUND
      ? { stored: false, current: presentValue(reply) }
      : { stored: true, previous: presentValue(reply) };
  }

  async #delete(
    key: Key,
    options: (CallOptions & DeleteOptions) | undefined,
  ): Promise<Uint8Array | undefined> {
    const expected = expectedOf(options);
    const bytes = keyBytes(key);
    const value = expected === undefined ? NO_BYTES : ifEqualBytes(expected, NO_BYTES, 0);
    const toggles = expected === undefined ? 0 : RequestToggle.IF_EQUAL;
    const request = requestOf(Operation.DELETE, bytes, value, 0, toggles);
    const reply = await this.#call(request, options);
    return reply.status === Status.OK ? reply.value : undefined;
  }

  #call(request: Request, options: CallOptions | undefined): Promise<Reply> {
    const timeoutMs = this.#timeoutOf(OPERATION_NAMES[request.operation], options);
    return this.exchange.call(request, { timeoutMs, signal: options?.signal });
  }

  #timeoutOf(
    name: string,
    options: Partial<Record<"timeout" | "deadline", number>> | undefined,
  ): number {
    const { timeout, deadline } = options ?? {};
    if (timeout !== undefined && deadline !== undefined) {
      throw new InvalidArgumentError("Pass either timeout or deadline, not both.");
    }
    if (deadline !== undefined) return finite("deadline", deadline) - Date.now();
    const timeoutMs = timeout ?? this.#timeoutMs;
    if (timeoutMs === undefined) throw new DeadlineRequiredError(name);
    return positiveTimeout(timeoutMs);
  }
}

/** A client of one server. `connect` makes one. */
export class Client extends Calls<false> {
  readonly #closeSocket: () => void;
  #isClosed = false;

  /** @internal */
  constructor(exchange: Exchange, closeSocket: () => void) {
    super(exchange);
    this.#closeSocket = closeSocket;
  }

  /** Datagrams that this client sent again because no answer had come. */
  get retransmissions(): number {
    return this.exchange.retransmissions;
  }

  /** A view of this client that gives `timeoutMs` milliseconds to each call without a deadline. */
  within(timeoutMs: number): Calls<true> {
    return new Calls<true>(this.exchange, positiveTimeout(timeoutMs), this.remembering);
  }

  /** Ends waiting calls with a ClosedError and closes the socket; a second call does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.exchange.close();
    this.#closeSocket();
  }
}

function setToggles({ overwrite, old, ifEqual }: SetOptions = {}): number {
  if (ifEqual !== undefined && (overwrite || old)) {
    throw new InvalidArgumentError("ifEqual goes with neither overwrite nor old.");
  }
  return (overwrite ? RequestToggle.OVERWRITE : 0) | (old ? RequestToggle.OLD : 0) |
    (ifEqual === undefined ? 0 : RequestToggle.IF_EQUAL);
}

function requestOf(
  operation: Operation,
  key: Uint8Array,
  value: Uint8Array = NO_BYTES,
  ttlMs = 0,
  toggles = 0,
): Request {
  return { operation, toggles, key, value, ttlMs };
}

function presentValue(reply: Reply): Uint8Array | undefined {
  return (reply.toggles & ReplyToggle.PRESENT) === 0 ? undefined : reply.value;
}

function remainingTtl(reply: Reply): number | undefined {
  return reply.remainingTtlMs === 0 ? undefined : reply.remainingTtlMs;
}

/** Parses whole lines of `name value`. */
function parseStatistics(text: Uint8Array): Record<string, string | number> {
  const statistics: Record<string, string | number> = {};
  for (const line of decoder.decode(text).split("\n")) {
    const space = line.indexOf(" ");
    if (space <= 0) continue;
    const value = line.slice(space + 1);
    statistics[line.slice(0, space)] = /^\d{1,15}$/.test(value) ? Number(value) : value;
  }
  return statistics;
}
