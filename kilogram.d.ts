// Made from src/mod.ts by: npm run types
/// <reference lib="esnext.disposable" />

/**
 * Kilogram: an encrypted in-memory key–value store, one datagram per operation.
 *
 * ```ts
 * import { connect } from "kilogram";
 *
 * using kv = (await connect("127.0.0.1:4040", { key })).within(500);
 * await kv.set("greeting", "hello", { ttl: 60_000, overwrite: true });
 * console.log(await kv.getText("greeting")); // hello
 * ```
 * @module
 */

/** How to seal: the fastest way available, with node:crypto, or with Web Crypto alone. */
export type CryptoChoice = "native" | "node" | "web";

/** A key: 1…128 bytes, text as UTF-8. */
export type Key = string | Uint8Array;

/** A time to live in milliseconds, a whole number of 1…2^53 − 1; without one, for ever. */
export interface TimeToLive {
    readonly ttl?: number;
}

/** A value: 0…863 bytes (855 with a time to live), text as UTF-8. */
export type Value = string | Uint8Array;

/** What every call takes besides its deadline. */
export interface Abortable {
    /** Ends the call with an AbortedError; a mutation that was sent may have been carried out. */
    readonly signal?: AbortSignal;
}

/** What `add` returns. */
export interface AddResult {
    /** The new number, a signed 64-bit integer. */
    readonly value: bigint;
    /** The same as a number, which JSON takes; undefined where that is not exact, from ±2^53 on. */
    readonly number: number | undefined;
    /** Milliseconds that the key still has to live; undefined if it lives for ever. */
    readonly ttl: number | undefined;
}

/** Options that any call may have. */
export type CallOptions = Partial<Record<"timeout" | "deadline", number>> & Abortable;

/** When a call gives up: after a number of milliseconds, or at a time as given by `Date.now()`. */
export type Deadline = {
    readonly timeout: number;
    readonly deadline?: undefined;
} | {
    readonly deadline: number;
    readonly timeout?: undefined;
};

/** Of `delete`. */
export interface DeleteOptions {
    /** Remove the key only if its value is this one, of at most 861 bytes. */
    readonly ifEqual?: Value;
}

/** What `exists` returns of a key that exists. */
export interface ExistsResult {
    /** Milliseconds that the key still has to live; undefined if it lives for ever. */
    readonly ttl: number | undefined;
}

/** What `getItem` returns of a key that exists. */
export interface ItemResult extends ExistsResult {
    readonly value: Uint8Array;
}

/** No deadline of its own: only for views made by `within`. */
export type NoDeadline = {
    readonly timeout?: number;
    readonly deadline?: undefined;
};

/** The last argument of a call: required if there is no default deadline, otherwise optional. */
export type Options<HasDeadline extends boolean, Own = unknown> = HasDeadline extends true ? [options?: (Deadline | NoDeadline) & Abortable & Own] : [options: Deadline & Abortable & Own];

/** Of `remember` and `rememberJson`. */
export interface RememberOptions extends TimeToLive {
    /**
     * Milliseconds after which another caller may load the value if the first has not finished:
     * somewhat more than the loader takes. By default half of the call's time.
     */
    readonly lease?: number;
}

/** Of a set of one key. */
export interface SetOptions extends StoreOptions {
    /**
     * Replace the value only if it is this one: check `stored`. It goes with neither `overwrite` nor
     * `old`; both values together have at most 861 bytes (853 with a time to live). As always, the time
     * to live is replaced too: without `ttl` the key never expires.
     */
    readonly ifEqual?: Value;
}

/**
 * The outcome of a set: stored, or not, because the key exists and `overwrite` was not given, or
 * because its value is not the one of `ifEqual`. The current value is undefined where there is none,
 * or where it is too large for a datagram. `isDown`: the key's server is down, and the client was made
 * with `onDown: "miss"`.
 */
export type SetResult = {
    readonly stored: true;
    readonly previous: Uint8Array | undefined;
} | {
    readonly stored: false;
    readonly current: Uint8Array | undefined;
    readonly isDown?: true;
};

/** Of `stats`. */
export interface StatsOptions {
    /** One of those that `server` lists, which is the default. */
    readonly section?: string;
}

/** Of a set of one key or of many. */
export interface StoreOptions extends TimeToLive {
    /** Replace an existing value; without it, an existing key is left as it is. */
    readonly overwrite?: boolean;
    /** Return the value that was replaced. */
    readonly old?: boolean;
}

/** The calls, with or without a default deadline: of a client, or of a view of one. */
declare class Calls<HasDeadline extends boolean> implements Disposable, AsyncDisposable {
    #private;
    /**
     * The milliseconds that a call without a deadline has; undefined if every call must have one. By this
     * property `Calls<true>` is a view, and not a client.
     */
    get timeoutMs(): HasDeadline extends true ? number : number | undefined;
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
    within(timeoutMs: number): Calls<true>;
    /**
     * Ends waiting calls with a ClosedError and closes the sockets. A client and its views close together;
     * a second call does nothing.
     */
    close(): void;
    /** As `close`, at the end of a block that has a client or a view with `using`. */
    [Symbol.dispose](): void;
    /** As `close`, for `await using`. */
    [Symbol.asyncDispose](): Promise<void>;
    /** The value of a key as bytes; undefined when there is no such key. */
    get(key: Key, ...[options]: Options<HasDeadline>): Promise<Uint8Array | undefined>;
    /** The value of a key as text, from UTF-8; undefined when there is no such key. */
    getText(key: Key, ...options: Options<HasDeadline>): Promise<string | undefined>;
    /**
     * The value of a key, parsed from its JSON text; undefined when there is no such key.
     * @throws {NotJsonError} when the value is not JSON
     */
    getJson<T = unknown>(key: Key, ...options: Options<HasDeadline>): Promise<T | undefined>;
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
    set(key: Key, value: Value, ...[options]: Options<HasDeadline, SetOptions>): Promise<SetResult>;
    /** Stores a value as its JSON text; otherwise like `set`. */
    setJson(key: Key, value: unknown, ...options: Options<HasDeadline, SetOptions>): Promise<SetResult>;
    /**
     * Removes a key and returns the value that it had; undefined when nothing was removed: there was
     * no such key, or with `ifEqual` it has another value.
     */
    delete(key: Key, ...[options]: Options<HasDeadline, DeleteOptions>): Promise<Uint8Array | undefined>;
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
    getMany<K extends Key>(keys: Iterable<K>, ...[options]: Options<HasDeadline>): Promise<Map<K, Uint8Array>>;
    /**
     * Sets many keys, each as `set` does by itself, within one deadline: some may be stored and others not.
     * @returns the result of each
     * @throws {SomeFailedError} if some failed: its `results` has those of the others
     */
    setMany<K extends Key>(entries: Iterable<readonly [key: K, value: Value]>, ...[options]: Options<HasDeadline, StoreOptions>): Promise<Map<K, SetResult>>;
    /**
     * Removes many keys, each by itself, within one deadline.
     * @returns what `delete` returns, for each
     * @throws {SomeFailedError} if some failed: its `results` has those of the others
     */
    deleteMany<K extends Key>(keys: Iterable<K>, ...[options]: Options<HasDeadline>): Promise<Map<K, Uint8Array | undefined>>;
    /**
     * Removes at once all keys that begin with a prefix, however many there are; the empty prefix
     * removes everything. The server frees their memory a little at a time. All servers are told.
     * @param prefix 0 to 128 bytes
     * @throws {SomeFailedError} with an error for each of several servers that failed
     */
    drop(prefix: Key, ...[options]: Options<HasDeadline>): Promise<void>;
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
    keys(prefix: Key, ...[options]: Options<HasDeadline>): AsyncGenerator<Uint8Array, void>;
    /** Like `keys`, as text, from UTF-8. */
    keysText(prefix: Key, ...options: Options<HasDeadline>): AsyncGenerator<string, void>;
    /** The value of a key and its remaining time to live; undefined when there is no such key. */
    getItem(key: Key, ...[options]: Options<HasDeadline>): Promise<ItemResult | undefined>;
    /** Whether a key exists: its remaining time to live, or undefined when there is no such key. */
    exists(key: Key, ...[options]: Options<HasDeadline>): Promise<ExistsResult | undefined>;
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
    add(key: Key, delta: number | bigint, ...[options]: Options<HasDeadline, TimeToLive>): Promise<AddResult>;
    /**
     * Sets the time to live of a key that exists; without `ttl` it lives for ever.
     * @returns false when there is no such key
     */
    touch(key: Key, ...[options]: Options<HasDeadline, TimeToLive>): Promise<boolean>;
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
    remember(key: Key, load: () => Value | Promise<Value>, ...[options]: Options<HasDeadline, RememberOptions>): Promise<Uint8Array>;
    /** Like `remember`, for a value that is stored as its JSON text. */
    rememberJson<T>(key: Key, load: () => T | Promise<T>, ...options: Options<HasDeadline, RememberOptions>): Promise<T>;
    /**
     * Asks the server for a sign of life, or all servers; returns the milliseconds until the last reply
     * came.
     */
    ping(...[options]: Options<HasDeadline>): Promise<number>;
    /**
     * The statistics of a section, by name; a number where the server sent a number. Of several servers,
     * each name begins with the server's and a colon.
     * Sections: `server` (the default, which lists the others).
     * @returns undefined when no server has such a section
     */
    stats(...[options]: Options<HasDeadline, StatsOptions>): Promise<Record<string, string | number> | undefined>;
    /** The servers, in the order of the list, and how they are. */
    servers(): ServerState[];
    /**
     * The names of the servers that have all keys together: all, or, where any server leads to all keys,
     * the first that is up.
     */
    holders(): string[];
    /**
     * The name of the server that has a key, or its address if it has no name.
     * @throws {InvalidArgumentError} for what is no key
     */
    serverOf(key: Key): string;
    /**
     * A view whose calls go to one server, whatever the key: for its statistics, or its keys.
     * @param server a name, or the address of a server without a name
     * @throws {InvalidArgumentError} when there is no such server
     */
    at(server: string): Calls<HasDeadline>;
}

/**
 * A client of one server, or of several. `connect` makes one.
 *
 * ```ts
 * await using client = await connect("127.0.0.1:4040", { key });
 * console.log(await client.get("missing", { timeout: 500 })); // undefined
 * ```
 */
declare class Client extends Calls<false> {
    /** Datagrams that this client sent again because no answer had come. */
    get retransmissions(): number;
}

/**
 * Makes a client for the server at an address, or for several servers, each of which has its share of
 * the keys. Nothing is sent before the first call, so this also succeeds while no server is there. An
 * open client does not keep the process alive.
 *
 * ```ts
 * const client = await connect("127.0.0.1:4040", { key });
 * await client.set("greeting", "hello", { timeout: 500, overwrite: true });
 * console.log(await client.getText("greeting", { timeout: 500 })); // hello
 * client.close();
 * ```
 *
 * With the server in KG_SERVER and its key in KG_KEY, or the path of its file in KG_KEY_FILE:
 *
 * ```ts
 * using kv = (await connect()).within(500);
 * console.log(await kv.getText("missing")); // undefined
 * ```
 * @param servers `host:port`, `[IPv6]:port`, or a host alone for port 4040; or `name=host:port` for a
 *   server that has a name; or a list of these, as an array or with commas between, where `*2` behind a
 *   server gives it twice as many keys. Text may also be a URL, `kg://` and the list, which may say
 *   `?spread=any`, `?onDown=miss` or both, and never has a key. By default the environment variable
 *   KG_SERVER, otherwise 127.0.0.1:4040.
 * @throws {MasterKeyError} when the key is not valid
 * @throws {InvalidArgumentError} when there is no key, an option does not exist, the servers are not valid, or
 *   no name can be resolved
 */
export declare function connect(servers?: string | readonly string[], options?: ConnectOptions): Promise<Client>;

/** How `connect` makes a client. */
export interface ConnectOptions {
    /**
     * The master key: 32 bytes, 44 characters of base64 or 64 of hex. Of several lines the first counts. By
     * default it comes from the environment: KG_KEY, or otherwise the file that KG_KEY_FILE names.
     */
    readonly key?: string | Uint8Array;
    /**
     * How to seal: `native` (the default: on Bun by the system's OpenSSL if there is one, otherwise
     * like `node`), `node` (node:crypto) or `web` (Web Crypto alone).
     */
    readonly crypto?: CryptoChoice;
    /**
     * What calls do whose server has not answered for 250 ms or more, until it does. `error` (the default
     * for several servers): they fail at once with a ServerDownError. `miss`, for caches: get, getMany,
     * exists and touch find nothing, and set stores nothing; all others fail. Without it, calls to a lone
     * server wait until their deadline. It counts more than the `onDown` of a URL.
     */
    readonly onDown?: OnDown;
    /**
     * What several servers are. `keys` (the default): each has its share of the keys. `any`: all lead to
     * the same keys, as gateways before one engine do; the first that is up gets the calls. By default the
     * environment variable KG_SPREAD. A URL must not say otherwise.
     */
    readonly spread?: Spread;
    /**
     * How many calls may wait for their turn at a server, besides the 64 queries and 64 mutations that are
     * under way: 1 to 1,048,576, by default 65,536. Those beyond it end at once in an OverloadedError; those
     * that wait have their turn in the order in which they were made, or end by their deadline or their
     * signal. One that waits takes 0.5 to 2 KiB.
     */
    readonly maxWaiting?: number;
}

/**
 * What is known of a mutation that ended in an error: it took no effect and never will
 * (`none`), it was carried out (`done`), or the client can't tell (`unknown`). Queries: `none`.
 */
export type Effect = "none" | "done" | "unknown";

/** The call that an error tells of. */
export interface FailedCall {
    /** As on the wire, such as GET, or the name of a method. */
    readonly operation: string;
    /** Its key, prefix or section; empty or undefined if it has none. */
    readonly key?: Uint8Array;
    /** The server that it went to. */
    readonly server?: {
        readonly name: string | undefined;
        readonly address: string;
    };
}

/**
 * The base of all errors: `code` is for programs, `message` for people. Messages have keys and
 * addresses, but never a value or the master key.
 */
export declare class KilogramError extends Error {
    readonly code: string;
    readonly effect: Effect;
    /** The key of the call that failed, if it has one: control characters escaped, at most 100 characters. */
    readonly key?: string;
    /** The server that the call went to: its name, or its address if it has no name. */
    readonly server?: string;
    constructor(code: string, message: string, { effect, cause, call }?: {
        readonly effect?: Effect;
        readonly cause?: unknown;
        readonly call?: FailedCall;
    });
}

/** A call had no deadline. Nothing was sent. */
export declare class DeadlineRequiredError extends KilogramError {
    constructor(operation: string);
}

/** An argument can't be sent as it is: a key, a value, an option. Nothing was sent. */
export declare class InvalidArgumentError extends KilogramError {
    constructor(message: string);
}

/** A master key is not 32 bytes, 44 characters of base64 or 64 of hex. */
export declare class MasterKeyError extends KilogramError {
    constructor(reason: string, what?: string);
}

/** No reply came before the deadline. */
export declare class DeadlineExceededError extends KilogramError {
    /**
     * @param effect null for a query, which has no effect to report
     * @param note what else is known, or ""
     */
    constructor(call: FailedCall, waitedMs: number, effect: Effect | null, note: string, { cause, why }?: DeadlineDetails);
}

/** The server that has the key is known to be down. Nothing was sent. */
export declare class ServerDownError extends KilogramError {
    readonly server: string;
    /** @param why what is known, as the end of a sentence */
    constructor(call: FailedCall & Required<Pick<FailedCall, "server">>, why: string);
}

/**
 * Some of several calls failed: of those for many keys, or of those at several servers. `effect` is
 * `none` only if nothing at all has changed; where some of the changes were made, it is `unknown`.
 */
export declare class SomeFailedError<K = unknown, R = unknown> extends KilogramError {
    /** What failed, by key or by the server's name; and what the others gave. */
    readonly errors: ReadonlyMap<K, Error>;
    readonly results: ReadonlyMap<K, R>;
    /**
     * @param what such as "getMany: 2 of 9 keys"
     * @param isChange whether the calls are mutations
     */
    constructor(what: string, errors: ReadonlyMap<K, Error>, results: ReadonlyMap<K, R>, isChange: boolean);
}

/** The caller's AbortSignal fired; `cause` is its reason. */
export declare class AbortedError extends KilogramError {
    constructor(call: FailedCall, effect: Effect, reason: unknown);
}

/** The client was closed before the call or while it waited. */
export declare class ClosedError extends KilogramError {
    constructor(call: FailedCall, effect: Effect);
}

/** The maximum number of calls is already waiting. Nothing was sent. */
export declare class OverloadedError extends KilogramError {
    constructor(call: FailedCall, limit: number);
}

/** The server was replaced, or moved on, while a mutation waited: its outcome is unknown. */
export declare class OutcomeUnknownError extends KilogramError {
    constructor(call: FailedCall);
}

/** The server answered with a refusal. The base of the four errors below. */
export declare class RefusedError extends KilogramError {
}

/** The server refused the request as invalid (status ERROR). Nothing changed. */
export declare class RequestError extends RefusedError {
    /** The server's words. */
    readonly reason: string;
    constructor(call: FailedCall, reason: string);
}

/** The mutation was judged before, but its outcome is no longer kept (status DUPLICATE). */
export declare class DuplicateError extends RefusedError {
    constructor(call: FailedCall);
}

/** The server, or the engine behind it, has no room and does not evict (status FULL). Nothing changed. */
export declare class FullError extends RefusedError {
    constructor(call: FailedCall);
}

/** The value to return is longer than a datagram carries (status TOO_LARGE). */
export declare class TooLargeError extends RefusedError {
    constructor(call: FailedCall, effect: Effect);
}

/** A reply under the right key that version 1 of the wire does not define. */
export declare class ProtocolError extends KilogramError {
    constructor(call: FailedCall, what: string, effect: Effect);
}

/** The value that was read is not JSON. It is not told, as it may be a secret. */
export declare class NotJsonError extends KilogramError {
    constructor(call: FailedCall);
}

/** When a call of several datagrams gives up: as with other calls, but for all of them together. */
export type LargeCallOptions = (Deadline | NoDeadline) & Abortable;

export interface LargeOptions {
    /**
     * Whether values that do not fit a datagram are compressed; by default they are. Compression lets
     * the number of datagrams tell something of a value, also of a secret beside text that others chose.
     */
    readonly compress?: boolean;
}

export interface LargeSetOptions {
    /** Milliseconds; without it, for ever. A value in pieces should have one: see `largeValues`. */
    readonly ttl?: number;
    /** Replace an existing value; without it, an existing key is left as it is. */
    readonly overwrite?: boolean;
}

export declare class LargeValues {
    #private;
    /**
     * The value of a key; undefined when there is no such key, or when a piece of it is gone.
     * @throws {TooLargeError} for a value of over 863 bytes that a door stored
     */
    get(key: Key, options?: LargeCallOptions): Promise<Uint8Array | undefined>;
    /** The value as UTF-8 text; otherwise like `get`. */
    getText(key: Key, options?: LargeCallOptions): Promise<string | undefined>;
    /**
     * The value, parsed from its JSON text; otherwise like `get`.
     * @throws {NotJsonError} when the value is not JSON
     */
    getJson<T = unknown>(key: Key, options?: LargeCallOptions): Promise<T | undefined>;
    /**
     * Stores a value of at most 1 MiB. A key that exists is replaced only with `overwrite: true`.
     * @param key 1 to 117 bytes if the value is stored in pieces, otherwise to 128
     * @returns whether it was stored
     * @throws {PiecesError} when not all pieces could be stored; the value before is still there
     */
    set(key: Key, value: Value, options?: LargeSetOptions & LargeCallOptions): Promise<boolean>;
    /** Stores a value as its JSON text; otherwise like `set`. */
    setJson(key: Key, value: unknown, options?: LargeSetOptions & LargeCallOptions): Promise<boolean>;
    /** Removes a key. @returns whether there was one */
    delete(key: Key, options?: LargeCallOptions): Promise<boolean>;
    /** Sets how long a key lives from now: without `ttl` for ever. @returns whether there is one */
    touch(key: Key, options?: {
        readonly ttl?: number;
    } & LargeCallOptions): Promise<boolean>;
}

/**
 * Calls for values of up to 1 MiB, beside those of a view.
 *
 * ```ts
 * const kv = (await connect("127.0.0.1:4040", { key })).within(500);
 * const large = largeValues(kv);
 * await large.set("page:7", "<p>long</p>".repeat(5_000), { ttl: 60_000, overwrite: true });
 * console.log((await large.getText("page:7"))?.length); // 55000
 * console.log(await large.delete("page:7")); // true
 * kv.close();
 * ```
 *
 * Values that `set` and the doors stored are read, too, if they have at most 863 bytes. What these calls
 * stored is read by these calls (and by `kg`), with any client of the same server or servers; to `get` and
 * to the doors a value that does not fit a datagram is a head of some bytes. Give values a time to live:
 * if a process ends while it stores one that never expires, or a call's outcome is unknown, pieces stay until
 * they are evicted. A key of which a piece is gone still exists: `set` without `overwrite` leaves it as it is.
 * @param kv a view: `client.within(500)`
 */
export declare function largeValues(kv: Calls<true>, options?: LargeOptions): LargeValues;

/** A value in pieces was not stored: some pieces could not be. The value before is still there. */
export declare class PiecesError extends KilogramError {
    constructor(key: Key, cause: unknown);
}

/** A server, as its client sees it at this moment. */
export interface ServerState {
    /** Undefined for a server without a name. */
    readonly name: string | undefined;
    /** As in the list of servers. */
    readonly address: string;
    readonly weight: number;
    /** Whether its calls fail at once, since it has not answered for a while. */
    readonly isDown: boolean;
    /** The smoothed time to a reply in ms; undefined before the first. */
    readonly roundTripMs: number | undefined;
}

/**
 * The 32 bytes of a key given as bytes, as 44 characters of base64 or as 64 of hex; white space
 * around text is ignored.
 * @param what it is, for the error
 * @throws {MasterKeyError} for anything else; the message never contains the key
 */
export declare function decodeKey(key: string | Uint8Array, what?: string): Uint8Array;

/** A key as 44 characters of base64. */
export declare function encodeKey(key: Uint8Array): string;

/** Draws a new master key of 32 bytes. */
export declare function generateKey(fillRandom?: (bytes: Uint8Array) => void): Uint8Array;

/** What calls do whose server is down: fail, or find nothing. */
export type OnDown = "error" | "miss";

/** What several servers are: each has its share of the keys, or any leads to all keys. */
export type Spread = "keys" | "any";

/** What is known about a call without an answer. */
interface DeadlineDetails {
    /** What the network reported, if anything: a hint, since it can be forged. */
    readonly cause?: unknown;
    /** What may have happened, as a sentence. */
    readonly why?: string;
}

export type { Calls, Client };
