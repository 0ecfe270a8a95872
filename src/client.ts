/**
 * The client: one call, one datagram, one reply, within its deadline. This file has the calls;
 * requests.ts has their form on the wire, and protocol/exchange.ts sends and receives the datagrams.
 */

import {
  deltaBytes,
  finite,
  jsonText,
  type Key,
  keyBytes,
  lifeOf,
  parseJson,
  positiveTimeout,
  prefixBytes,
  sizeError,
  type TimeToLive,
  ttlOf,
  type Value,
} from "./arguments.ts";
import type {
  AddResult,
  CallOptions,
  DeleteOptions,
  ExistsResult,
  ItemResult,
  Options,
  RememberOptions,
  SetOptions,
  SetResult,
  StatsOptions,
  StoreOptions,
} from "./call_options.ts";
import { DeadlineRequiredError, InvalidArgumentError } from "./errors.ts";
import { keyText } from "./key_text.ts";
import { checkCallOptions } from "./known_options.ts";
import { callAll, type CallAtAll, callEach, nameOf } from "./many.ts";
import type { Reply } from "./protocol/call.ts";
import type { Destination, ServerDestination, ServerState } from "./protocol/destination.ts";
import { MAX_KEY_BYTES, Operation, type Request, Status } from "./protocol/frame.ts";
import { OPERATION_NAMES } from "./protocol/operations.ts";
import { type Caller, Remember } from "./remember.ts";
import {
  addResultOf,
  deleteRequest,
  getRequest,
  parseStatistics,
  remainingTtl,
  requestOf,
  setRequest,
  setResultOf,
  valueOf,
} from "./requests.ts";
import { scanAll } from "./scan.ts";

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The calls, with or without a default deadline: of a client, or of a view of one. */
export class Calls<HasDeadline extends boolean> implements Disposable, AsyncDisposable {
  /** @internal */
  protected readonly destination: Destination;
  readonly #close: () => void;
  readonly #timeoutMs: number | undefined;
  readonly #remembering: Remember;

  /**
   * @param close closes the client
   * @param timeoutMs for calls without a deadline; undefined: every call must have a deadline
   * @internal
   */
  constructor(
    destination: Destination,
    close: () => void,
    timeoutMs?: number,
    remembering: Remember = new Remember(destination.time, destination.fillRandom),
  ) {
    this.destination = destination;
    this.#close = close;
    this.#timeoutMs = timeoutMs;
    this.#remembering = remembering;
  }

  /**
   * The milliseconds that a call without a deadline has; undefined if every call must have one. By this
   * property `Calls<true>` is a view, and not a client.
   */
  get timeoutMs(): HasDeadline extends true ? number : number | undefined {
    return this.#timeoutMs as number;
  }

  /**
   * A view that gives `timeoutMs` milliseconds to each call without a deadline. It is as good as the
   * client for who gets it: it has every call, further views, and `close`.
   *
   * ```ts
   * async function greet(kv: Calls<true>) {
   *   console.log(await kv.getText("greeting")); // hello
   *   console.log(await kv.within(5_000).getText("greeting")); // hello
   * }
   *
   * const client = await connect("127.0.0.1:4040", { key });
   * await client.set("greeting", "hello", { timeout: 500, overwrite: true });
   * await greet(client.within(500));
   * client.close();
   * ```
   * @throws {InvalidArgumentError} unless `timeoutMs` is above 0
   */
  within(timeoutMs: number): Calls<true> {
    const { destination } = this;
    return new Calls(destination, this.#close, positiveTimeout(timeoutMs), this.#remembering);
  }

  /**
   * Ends waiting calls with a ClosedError and closes the sockets. A client and its views close together;
   * a second call does nothing.
   */
  close(): void {
    this.#close();
  }

  /** As `close`, at the end of a block that has a client or a view with `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
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
   * @throws {NotJsonError} when the value is not JSON
   */
  async getJson<T = unknown>(key: Key, ...options: Options<HasDeadline>): Promise<T | undefined> {
    const text = await this.getText(key, ...options);
    return text === undefined ? undefined : parseJson("getJson", key, text) as T;
  }

  /**
   * Stores a value. A key that exists is replaced only with `overwrite: true`: check `stored`.
   * Value and time to live are replaced together: without `ttl` the key lives for ever.
   *
   * ```ts
   * console.log((await kv.set("lock:report", "worker 1", { ttl: 10_000 })).stored); // true
   * const second = await kv.set("lock:report", "worker 2", { ttl: 10_000 });
   * if (!second.stored) console.log(new TextDecoder().decode(second.current)); // worker 1
   * ```
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
    return this.set(key, jsonText(key, value), ...options);
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
   * The values of many keys, each asked for in a datagram of its own, within one deadline. The map has
   * those that exist, under the keys as they were given, in their order.
   *
   * ```ts
   * await kv.setMany([["a", "1"], ["b", "2"]], { ttl: 60_000 });
   * console.log([...(await kv.getMany(["a", "b", "c"])).keys()].join()); // a,b
   * ```
   * @throws {SomeFailedError} if some could not be read: its `results` has the others
   */
  async getMany<K extends Key>(
    keys: Iterable<K>,
    ...[options]: Options<HasDeadline>
  ): Promise<Map<K, Uint8Array>> {
    const requests = new Map([...keys].map((key) => [key, getRequest(key)]));
    const values = await this.#callEach("getMany", requests, valueOf, options);
    for (const [key, value] of values) if (value === undefined) values.delete(key);
    return values as Map<K, Uint8Array>;
  }

  /**
   * Sets many keys, each as `set` does by itself, within one deadline: some may be stored and others not.
   * @returns the result of each
   * @throws {SomeFailedError} if some failed: its `results` has those of the others
   */
  async setMany<K extends Key>(
    entries: Iterable<readonly [key: K, value: Value]>,
    ...[options]: Options<HasDeadline, StoreOptions>
  ): Promise<Map<K, SetResult>> {
    const requests = new Map<K, Request>();
    for (const [key, value] of entries) {
      if (requests.has(key)) {
        throw new InvalidArgumentError(`The key "${keyText(key)}" comes twice.`);
      }
      requests.set(key, setRequest(key, value, options));
    }
    return await this.#callEach("setMany", requests, setResultOf, options);
  }

  /**
   * Removes many keys, each by itself, within one deadline.
   * @returns what `delete` returns, for each
   * @throws {SomeFailedError} if some failed: its `results` has those of the others
   */
  async deleteMany<K extends Key>(
    keys: Iterable<K>,
    ...[options]: Options<HasDeadline>
  ): Promise<Map<K, Uint8Array | undefined>> {
    const requests = new Map([...keys].map((key) => [key, deleteRequest(key, undefined)]));
    return await this.#callEach("deleteMany", requests, valueOf, options);
  }

  /**
   * Removes at once all keys that begin with a prefix, however many there are; the empty prefix
   * removes everything. The server frees their memory a little at a time. All servers are told.
   * @param prefix 0 to 128 bytes
   * @throws {SomeFailedError} with an error for each of several servers that failed
   */
  async drop(prefix: Key, ...[options]: Options<HasDeadline>): Promise<void> {
    const request = requestOf(Operation.DROP, prefixBytes(prefix));
    const { stores } = this.destination;
    await this.#callAll({ name: "drop", request, resultOf: () => true }, options, stores);
  }

  /**
   * All keys of at most 128 bytes that begin with a prefix, in no order. A key that is there from
   * beginning to end comes at least once, whatever is stored and removed meanwhile; a key may come
   * twice. Each page, of six long keys or a hundred short ones, is a call, which has the `timeout`.
   * All servers are asked, one after the other; if some fail, the error comes after the others' keys.
   *
   * ```ts
   * await kv.setMany([["session:1", "alice"], ["user:1", "bob"]]);
   * for await (const key of kv.keysText("session:")) console.log(key); // session:1
   * ```
   * @param prefix 0 to 128 bytes
   * @throws {SomeFailedError} with an error for each of several servers that failed
   */
  keys(prefix: Key, ...[options]: Options<HasDeadline>): AsyncGenerator<Uint8Array, void> {
    const key = prefixBytes(prefix);
    const page = (server: ServerDestination, cursor: Uint8Array) =>
      this.#callAt(server, requestOf(Operation.SCAN, key, cursor), options);
    return scanAll(this.destination, page);
  }

  /** Like `keys`, as text, from UTF-8. */
  async *keysText(prefix: Key, ...options: Options<HasDeadline>): AsyncGenerator<string, void> {
    for await (const key of this.keys(prefix, ...options)) yield decoder.decode(key);
  }

  /** The value of a key and its remaining time to live; undefined when there is no such key. */
  async getItem(key: Key, ...[options]: Options<HasDeadline>): Promise<ItemResult | undefined> {
    const reply = await this.#call(getRequest(key), options);
    const value = valueOf(reply);
    return value && { value, ttl: remainingTtl(reply) };
  }

  /** Whether a key exists: its remaining time to live, or undefined when there is no such key. */
  async exists(key: Key, ...[options]: Options<HasDeadline>): Promise<ExistsResult | undefined> {
    const reply = await this.#call(requestOf(Operation.EXISTS, keyBytes(key)), options);
    return reply.status === Status.NOT_FOUND ? undefined : { ttl: remainingTtl(reply) };
  }

  /**
   * Adds a whole number to the number stored at a key and returns the sum; a missing key is 0.
   * `ttl` applies only if this call creates the key, so one call is a rate limiter.
   *
   * ```ts
   * const { value, ttl = 0 } = await kv.add("limit:10.0.0.7", 1, { ttl: 60_000 });
   * console.log(value <= 100n && ttl <= 60_000); // true
   * const { number } = await kv.add("hits", 3);
   * console.log(JSON.stringify({ hits: number })); // {"hits":3}
   * ```
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
    return addResultOf(reply);
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
   * const render = (id: number) => `<h1>${id}</h1>`;
   * const page = await kv.remember("page:7", () => render(7), { timeout: 2_000, ttl: 60_000 });
   * console.log(new TextDecoder().decode(page)); // <h1>7</h1>
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
    return this.#remembering.value(this.#caller, keyBytes(key), load, terms);
  }

  /** Like `remember`, for a value that is stored as its JSON text. */
  async rememberJson<T>(
    key: Key,
    load: () => T | Promise<T>,
    ...options: Options<HasDeadline, RememberOptions>
  ): Promise<T> {
    const value = await this.remember(key, async () => jsonText(key, await load()), ...options);
    return parseJson("rememberJson", key, decoder.decode(value)) as T;
  }

  /**
   * Asks the server for a sign of life, or all servers; returns the milliseconds until the last reply
   * came.
   */
  async ping(...[options]: Options<HasDeadline>): Promise<number> {
    const { now } = this.destination.time;
    const startedAtMs = now();
    const request = requestOf(Operation.PING, NO_BYTES);
    await this.#callAll({ name: "ping", request, resultOf: () => true }, options);
    return now() - startedAtMs;
  }

  /**
   * The statistics of a section, by name; a number where the server sent a number. Of several servers,
   * each name begins with the server's and a colon.
   * Sections: `server` (the default, which lists the others).
   * @returns undefined when no server has such a section
   */
  async stats(
    ...[options]: Options<HasDeadline, StatsOptions>
  ): Promise<Record<string, string | number> | undefined> {
    const key = encoder.encode(options?.section ?? "");
    if (key.length > MAX_KEY_BYTES) throw sizeError("section", key.length, MAX_KEY_BYTES);
    const request = requestOf(Operation.STATS, key);
    const isOne = this.destination.servers.length === 1;
    const resultOf = ({ status, value }: Reply, server: string) =>
      status === Status.NOT_FOUND ? null : parseStatistics(value, isOne ? "" : `${server}:`);
    const all = await this.#callAll({ name: "stats", request, resultOf }, options);
    const sections = [...all.values()].filter((section) => section !== null);
    return sections.length === 0 ? undefined : Object.assign({}, ...sections);
  }

  /** The servers, in the order of the list, and how they are. */
  servers(): ServerState[] {
    return this.destination.servers.map(({ state }) => state);
  }

  /**
   * The names of the servers that have all keys together: all, or, where any server leads to all keys,
   * the first that is up.
   */
  holders(): string[] {
    return this.destination.stores.map(nameOf);
  }

  /**
   * The name of the server that has a key, or its address if it has no name.
   * @throws {InvalidArgumentError} for what is no key
   */
  serverOf(key: Key): string {
    return nameOf(this.destination.homeOf(keyBytes(key)));
  }

  /**
   * A view whose calls go to one server, whatever the key: for its statistics, or its keys.
   * @param server a name, or the address of a server without a name
   * @throws {InvalidArgumentError} when there is no such server
   */
  at(server: string): Calls<HasDeadline> {
    const { destination } = this;
    const { servers, time, fillRandom } = destination;
    const one = servers.find((each) => nameOf(each) === server);
    if (one === undefined) {
      throw new InvalidArgumentError(
        `There is no server "${server}": choose from ${servers.map(nameOf).join(", ")}.`,
      );
    }
    const alone: Destination = {
      servers: [one],
      stores: [one],
      homeOf: () => one,
      time,
      fillRandom,
      retransmissions: 0,
      close: () => {},
    };
    return new Calls(alone, this.#close, this.#timeoutMs);
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
    return valueOf(await this.#call(getRequest(key), options));
  }

  async #set(
    key: Key,
    value: Value,
    options: (CallOptions & SetOptions) | undefined,
  ): Promise<SetResult> {
    return setResultOf(await this.#call(setRequest(key, value, options), options));
  }

  async #delete(
    key: Key,
    options: (CallOptions & DeleteOptions) | undefined,
  ): Promise<Uint8Array | undefined> {
    return valueOf(await this.#call(deleteRequest(key, options), options));
  }

  #call(request: Request, options: CallOptions | undefined): Promise<Reply> {
    return this.#callAt(this.destination.homeOf(request.key), request, options);
  }

  #callAt(
    server: ServerDestination,
    request: Request,
    options: CallOptions | undefined,
  ): Promise<Reply> {
    const timeoutMs = this.#timeoutOf(OPERATION_NAMES[request.operation], options);
    return server.call(request, { timeoutMs, signal: options?.signal });
  }

  #callAll<R>(
    all: CallAtAll<R>,
    options: CallOptions | undefined,
    servers = this.destination.servers,
  ): Promise<Map<string, R>> {
    return callAll(all, servers, (server, request) => this.#callAt(server, request, options));
  }

  /** Calls for many keys within one deadline, which begins now. */
  #callEach<K, R>(
    name: string,
    requests: ReadonlyMap<K, Request>,
    resultOf: (reply: Reply) => R,
    options: CallOptions | undefined,
  ): Promise<Map<K, R>> {
    const { destination } = this;
    const { now } = destination.time;
    const untilMs = now() + this.#timeoutOf(name, options);
    const call = (server: ServerDestination, request: Request) =>
      server.call(request, { timeoutMs: untilMs - now(), signal: options?.signal });
    return callEach(name, requests, destination, call, resultOf);
  }

  #timeoutOf(
    name: string,
    options: Partial<Record<"timeout" | "deadline", number>> | undefined,
  ): number {
    checkCallOptions(name, options);
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

/**
 * A client of one server, or of several. `connect` makes one.
 *
 * ```ts
 * await using client = await connect("127.0.0.1:4040", { key });
 * console.log(await client.get("missing", { timeout: 500 })); // undefined
 * ```
 */
export class Client extends Calls<false> {
  /** @internal */
  constructor(destination: Destination, closeSockets: () => void) {
    let isClosed = false;
    super(destination, () => {
      if (isClosed) return;
      isClosed = true;
      destination.close();
      closeSockets();
    });
  }

  /** Datagrams that this client sent again because no answer had come. */
  get retransmissions(): number {
    return this.destination.retransmissions;
  }
}
