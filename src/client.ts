/**
 * The client: one call, one datagram, one reply, within its deadline. Here are the calls and
 * what their replies mean; how datagrams come and go is protocol/exchange.ts.
 */

import {
  DeadlineRequiredError,
  DuplicateError,
  type Effect,
  FullError,
  InvalidArgumentError,
  ProtocolError,
  RequestError,
  TooLargeError,
} from "./errors.ts";
import { copyBytes } from "./protocol/bytes.ts";
import type { Limit, Reply } from "./protocol/call.ts";
import type { Exchange } from "./protocol/exchange.ts";
import {
  MAX_KEY_BYTES,
  MAX_TTL_MS,
  MAX_VALUE_BYTES,
  MAX_VALUE_BYTES_WITH_TTL,
  Operation,
  ReplyToggle,
  type Request,
  RequestToggle,
  Status,
} from "./protocol/frame.ts";
import { isMutation, OPERATION_NAMES } from "./protocol/operations.ts";
import { Remember } from "./remember.ts";

/** A key: 1…128 bytes, text as UTF-8. */
export type Key = string | Uint8Array;
/** A value: 0…863 bytes (855 with a time to live), text as UTF-8. */
export type Value = string | Uint8Array;

/** When a call gives up: in so many milliseconds, or at a time as `Date.now()` tells it. */
export type Deadline =
  | { readonly timeout: number; readonly deadline?: undefined }
  | { readonly deadline: number; readonly timeout?: undefined };

/** No deadline of its own: only for views made by `within`. */
type NoDeadline = { readonly timeout?: number; readonly deadline?: undefined };

/** What every call takes besides its deadline. */
export interface Abortable {
  readonly signal?: AbortSignal;
}

/** A time to live in milliseconds, a whole number of 1…2^53 − 1; without one: for ever. */
export interface TimeToLive {
  readonly ttl?: number;
}

export interface SetOptions extends TimeToLive {
  /** Replace an existing value; without it, an existing key is left as it is. */
  readonly overwrite?: boolean;
  /** Return the value that was replaced. */
  readonly old?: boolean;
}

export interface RememberOptions extends TimeToLive {
  /**
   * Milliseconds after which another may load the value if who began does not end: somewhat longer
   * than the loader takes. By default half of the time that the call has.
   */
  readonly lease?: number;
}

/** What became of a set: stored, or not since the key exists and `overwrite` was not given. */
export type SetResult =
  | { readonly stored: true; readonly previous: Uint8Array | undefined }
  | { readonly stored: false; readonly current: Uint8Array | undefined };

export interface AddResult {
  /** The new number, of signed 64 bits. */
  readonly value: bigint;
  /** Milliseconds that the key still lives; undefined for ever. */
  readonly ttl: number | undefined;
}

export interface ExistsResult {
  /** Milliseconds that the key still lives; undefined for ever. */
  readonly ttl: number | undefined;
}

/** The last argument of a call: required where no deadline is at hand, else optional. */
type Options<HasDeadline extends boolean, Own = unknown> = HasDeadline extends true
  ? [options?: (Deadline | NoDeadline) & Abortable & Own]
  : [options: Deadline & Abortable & Own];

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The calls, with or without a deadline at hand. */
export class Calls<HasDeadline extends boolean> {
  protected readonly exchange: Exchange;
  protected readonly remembering: Remember;
  readonly #timeoutMs: number | undefined;

  /** @param timeoutMs what a call gets that brings no deadline; undefined: none may come without */
  constructor(exchange: Exchange, timeoutMs?: number, remembering?: Remember) {
    this.exchange = exchange;
    this.remembering = remembering ?? new Remember(exchange.time);
    this.#timeoutMs = timeoutMs;
  }

  /** The value of a key as bytes; undefined when there is no such key. */
  async get(key: Key, ...[options]: Options<HasDeadline>): Promise<Uint8Array | undefined> {
    const reply = await this.#call({ operation: Operation.GET, key: keyBytes(key) }, options);
    return reply.status === Status.NOT_FOUND ? undefined : reply.value;
  }

  /** The value of a key as text, from UTF-8; undefined when there is no such key. */
  async getText(key: Key, ...options: Options<HasDeadline>): Promise<string | undefined> {
    const value = await this.get(key, ...options);
    return value === undefined ? undefined : decoder.decode(value);
  }

  /**
   * The value of a key as what its JSON text says; undefined when there is no such key.
   * @throws {SyntaxError} when the value is not JSON
   */
  async getJson<T = unknown>(key: Key, ...options: Options<HasDeadline>): Promise<T | undefined> {
    const text = await this.getText(key, ...options);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /**
   * Stores a value. A key that exists is replaced only with `overwrite: true`: look at `stored`.
   * Value and time to live are replaced together: without `ttl` the key lives for ever.
   */
  async set(
    key: Key,
    value: Value,
    ...[options]: Options<HasDeadline, SetOptions>
  ): Promise<SetResult> {
    const ttlMs = ttlOf(options);
    const toggles = (options?.overwrite ? RequestToggle.OVERWRITE : 0) |
      (options?.old ? RequestToggle.OLD : 0);
    const request = {
      operation: Operation.SET,
      toggles,
      key: keyBytes(key),
      value: valueBytes(value, ttlMs),
      ttlMs,
    };
    const reply = await this.#call(request, options);
    return reply.status === Status.EXISTS
      ? { stored: false, current: presentValue(reply) }
      : { stored: true, previous: presentValue(reply) };
  }

  /** Stores a value as its JSON text; otherwise as `set`. */
  async setJson(
    key: Key,
    value: unknown,
    ...options: Options<HasDeadline, SetOptions>
  ): Promise<SetResult> {
    return this.set(key, jsonText(value), ...options);
  }

  /** Removes a key and returns the value that it had; undefined when there was no such key. */
  async delete(key: Key, ...[options]: Options<HasDeadline>): Promise<Uint8Array | undefined> {
    const reply = await this.#call({ operation: Operation.DELETE, key: keyBytes(key) }, options);
    return reply.status === Status.NOT_FOUND ? undefined : reply.value;
  }

  /** Whether a key exists: its remaining time to live, or undefined when there is no such key. */
  async exists(key: Key, ...[options]: Options<HasDeadline>): Promise<ExistsResult | undefined> {
    const reply = await this.#call({ operation: Operation.EXISTS, key: keyBytes(key) }, options);
    return reply.status === Status.NOT_FOUND ? undefined : { ttl: remainingTtl(reply) };
  }

  /**
   * Adds a whole number to the number stored at a key and returns the sum; a missing key is 0.
   * `ttl` counts only if this call makes the key, so one call is a rate limiter.
   * @param delta of signed 64 bits; a number must be a safe integer
   * @throws {RequestError} when the value is not a number, or the sum does not fit 64 bits
   */
  async add(
    key: Key,
    delta: number | bigint,
    ...[options]: Options<HasDeadline, TimeToLive>
  ): Promise<AddResult> {
    const request = {
      operation: Operation.ADD,
      key: keyBytes(key),
      value: deltaBytes(delta),
      ttlMs: ttlOf(options),
    };
    const reply = await this.#call(request, options);
    return { value: BigInt(decoder.decode(reply.value)), ttl: remainingTtl(reply) };
  }

  /**
   * Sets the time to live of a key that exists; without `ttl` it lives for ever.
   * @returns false when there is no such key
   */
  async touch(key: Key, ...[options]: Options<HasDeadline, TimeToLive>): Promise<boolean> {
    const request = { operation: Operation.TOUCH, key: keyBytes(key), ttlMs: ttlOf(options) };
    const reply = await this.#call(request, options);
    return reply.status === Status.OK;
  }

  /**
   * The value of a key, which is loaded and stored if it is not there: by one for all who want it, in
   * this process and in others. Who waits gets it when it is there. What the loader throws is thrown
   * to all in this process; a value that can't be stored, since the server is full, is returned.
   *
   * ```ts
   * const page = await kv.remember("page:7", () => render(7), { timeout: 2_000, ttl: 60_000 });
   * ```
   * @param key 1 to 122 bytes: `lease:` and the key is a key too while the loader runs
   * @throws {DeadlineExceededError} when the loader takes longer than the deadline; it goes on
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
    // It brings a deadline to each of its calls.
    return this.remembering.value(this as unknown as Calls<false>, keyBytes(key), load, terms);
  }

  /** As `remember`, of a value that is stored as its JSON text. */
  async rememberJson<T>(
    key: Key,
    load: () => T | Promise<T>,
    ...options: Options<HasDeadline, RememberOptions>
  ): Promise<T> {
    const value = await this.remember(key, async () => jsonText(await load()), ...options);
    return JSON.parse(decoder.decode(value));
  }

  /** Asks the server for a sign of life; returns the milliseconds until it came. */
  async ping(...[options]: Options<HasDeadline>): Promise<number> {
    const startedAtMs = performance.now();
    await this.#call({ operation: Operation.PING, key: NO_BYTES }, options);
    return performance.now() - startedAtMs;
  }

  /**
   * The statistics of a section by name: a number where the server sent one.
   * Sections: `server` (the default, which lists the others).
   * @returns undefined when the server has no such section
   */
  async stats(
    ...[options]: Options<HasDeadline, { readonly section?: string }>
  ): Promise<Record<string, string | number> | undefined> {
    const key = encoder.encode(options?.section ?? "");
    if (key.length > MAX_KEY_BYTES) throw sizeError("section", key.length, MAX_KEY_BYTES);
    const reply = await this.#call({ operation: Operation.STATS, key }, options);
    return reply.status === Status.NOT_FOUND ? undefined : parseStatistics(reply.value);
  }

  async #call(
    request: Pick<Request, "operation" | "key"> & Partial<Request>,
    options: (Partial<Record<"timeout" | "deadline", number>> & Abortable) | undefined,
  ): Promise<Reply> {
    const name = OPERATION_NAMES[request.operation];
    const limit: Limit = { timeoutMs: this.#timeoutOf(name, options), signal: options?.signal };
    const whole = { toggles: 0, value: NO_BYTES, ttlMs: 0, ...request };
    const reply = await this.exchange.call(whole, limit);
    const error = errorOf(reply, name, isMutation(request.operation));
    if (error !== null) throw error;
    return reply;
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

  constructor(exchange: Exchange, closeSocket: () => void) {
    super(exchange);
    this.#closeSocket = closeSocket;
  }

  /** Datagrams that this client sent again since no answer had come. */
  get retransmissions(): number {
    return this.exchange.retransmissions;
  }

  /** A view of this client that gives each call so many milliseconds if it brings no deadline. */
  within(timeoutMs: number): Calls<true> {
    return new Calls<true>(this.exchange, positiveTimeout(timeoutMs), this.remembering);
  }

  /** Ends the calls that wait with a ClosedError and closes the socket; again, it does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.exchange.close();
    this.#closeSocket();
  }
}

/** The error that a reply's status stands for; null for an answer. */
function errorOf(reply: Reply, name: string, isMutation: boolean): Error | null {
  const onlyResultLost: Effect = isMutation ? "done" : "none";
  switch (reply.status) {
    case Status.OK:
    case Status.NOT_FOUND:
    case Status.EXISTS:
      return null;
    case Status.ERROR:
      return new RequestError(name, decoder.decode(reply.value));
    case Status.DUPLICATE:
      return new DuplicateError(name);
    case Status.FULL:
      return new FullError(name);
    case Status.TOO_LARGE:
      return new TooLargeError(name, onlyResultLost);
    default:
      return new ProtocolError(name, `status ${reply.status}`, isMutation ? "unknown" : "none");
  }
}

function presentValue(reply: Reply): Uint8Array | undefined {
  return (reply.toggles & ReplyToggle.PRESENT) === 0 ? undefined : reply.value;
}

function remainingTtl(reply: Reply): number | undefined {
  return reply.remainingTtlMs === 0 ? undefined : reply.remainingTtlMs;
}

/** Whole lines `name value`. */
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

/** A copy, since the caller's array may change while the call waits. */
function ownBytes(what: string, given: unknown): Uint8Array {
  if (typeof given === "string") return encoder.encode(given);
  if (given instanceof Uint8Array) return copyBytes(given);
  throw new InvalidArgumentError(
    `A ${what} is a string or a Uint8Array, not ${given === null ? "null" : typeof given}.`,
  );
}

function keyBytes(given: Key): Uint8Array {
  const key = ownBytes("key", given);
  if (key.length === 0) {
    throw new InvalidArgumentError(`The key is empty; a key has 1 to ${MAX_KEY_BYTES} bytes.`);
  }
  if (key.length > MAX_KEY_BYTES) throw sizeError("key", key.length, MAX_KEY_BYTES);
  return key;
}

function valueBytes(given: Value, ttlMs: number): Uint8Array {
  const value = ownBytes("value", given);
  const limit = ttlMs > 0 ? MAX_VALUE_BYTES_WITH_TTL : MAX_VALUE_BYTES;
  if (value.length <= limit) return value;
  throw sizeError(ttlMs > 0 ? "value with a time to live" : "value", value.length, limit);
}

function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new InvalidArgumentError(`${typeof value} has no form in JSON.`);
  return text;
}

function deltaBytes(delta: number | bigint): Uint8Array {
  if (typeof delta !== "bigint" && !Number.isSafeInteger(delta)) {
    throw new InvalidArgumentError(
      `${String(delta)} can't be added: pass a safe integer or a bigint.`,
    );
  }
  if (BigInt.asIntN(64, BigInt(delta)) !== BigInt(delta)) {
    throw new InvalidArgumentError(`${delta} does not fit signed 64 bits.`);
  }
  return encoder.encode(String(delta));
}

function ttlOf(options: TimeToLive | undefined): number {
  return options?.ttl === undefined ? 0 : lifeOf("ttl", options.ttl);
}

function lifeOf(what: string, ms: number): number {
  if (Number.isSafeInteger(ms) && ms >= 1) return ms;
  throw new InvalidArgumentError(
    `${what} is ${String(ms)}; it must be a whole number of milliseconds, 1 to ${MAX_TTL_MS}.`,
  );
}

function positiveTimeout(timeoutMs: number): number {
  if (finite("timeout", timeoutMs) > 0) return timeoutMs;
  throw new InvalidArgumentError(`timeout is ${timeoutMs} ms; it must be above 0.`);
}

function finite(what: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw new InvalidArgumentError(
    `${what} is ${String(value)}; it must be a number of milliseconds.`,
  );
}

function sizeError(what: string, length: number, limit: number): InvalidArgumentError {
  return new InvalidArgumentError(
    `The ${what} has ${length} bytes; at most ${limit} fit in a datagram.`,
  );
}
