/**
 * Stores for rate limiters: express-rate-limit 8 and hono-rate-limiter, which have the same interface, and
 * @fastify/rate-limit 11. A request is one ADD, carried out exactly once whatever the network doubles, and
 * its time to live counts only for a new key: so a window begins with its first request, and ends by
 * itself. They throw when the server is away; what happens then the limiter decides.
 */

import type { Calls } from "../mod.ts";
import { KeyNames, MAX_KEY_BYTES } from "./key_names.ts";

export interface RateLimitOptions {
  /** What all keys begin with; by default `limit:`. Two limiters need two prefixes. */
  readonly prefix?: string;
  /** Milliseconds; by default what the limiter says, and a minute if it says nothing. */
  readonly windowMs?: number;
}

export interface Hits {
  readonly totalHits: number;
  readonly resetTime: Date | undefined;
}

const DEFAULT_WINDOW_MS = 60_000;

export class RateLimitStore {
  readonly prefix: string;
  /** Counts are shared by all who use the same server. */
  readonly localKeys = false;
  readonly #kv: Calls<true>;
  readonly #names: KeyNames;
  #windowMs: number;
  readonly #isGiven: boolean;

  /** @param kv a view: `client.within(200)` */
  constructor(kv: Calls<true>, { prefix = "limit:", windowMs }: RateLimitOptions = {}) {
    this.#kv = kv;
    this.prefix = prefix;
    this.#names = new KeyNames(prefix, MAX_KEY_BYTES);
    this.#isGiven = windowMs !== undefined;
    this.#windowMs = windowMs ?? DEFAULT_WINDOW_MS;
  }

  /** Called by the limiter. */
  init({ windowMs }: { readonly windowMs?: unknown }): void {
    if (!this.#isGiven && typeof windowMs === "number") this.#windowMs = windowMs;
  }

  async get(key: string): Promise<Hits | undefined> {
    const item = await this.#kv.getItem(await this.#names.key(key));
    if (item === undefined) return undefined;
    return hitsOf(countOf(item.value), item.ttl);
  }

  async increment(key: string): Promise<Hits> {
    const { value, ttl } = await this.#add(key, 1);
    return hitsOf(Number(value), ttl);
  }

  /** Takes a request back; one whose window is over by now changes nothing. */
  async decrement(key: string): Promise<void> {
    const { value } = await this.#add(key, -1);
    if (value >= 0n) return;
    const own = { ifEqual: String(value) };
    const removed = await this.#kv.delete(await this.#names.key(key), own);
    // Others counted on from there meanwhile.
    if (removed === undefined) await this.#add(key, 1);
  }

  async resetKey(key: string): Promise<void> {
    await this.#kv.delete(await this.#names.key(key));
  }

  async resetAll(): Promise<void> {
    await this.#kv.drop(this.prefix);
  }

  async #add(key: string, delta: number) {
    return await this.#kv.add(await this.#names.key(key), delta, { ttl: this.#windowMs });
  }
}

const decoder = new TextDecoder();

/** A count that ADD keeps, which is decimal text. */
function countOf(value: Uint8Array): number {
  return Number(decoder.decode(value));
}

function hitsOf(totalHits: number, ttlMs: number | undefined): Hits {
  const resetTime = ttlMs === undefined ? undefined : new Date(Date.now() + ttlMs);
  return { totalHits, resetTime };
}

/** What @fastify/rate-limit passes when it makes a store, as far as it is used here. */
interface FastifyOptions {
  readonly continueExceeding?: boolean;
  readonly exponentialBackoff?: boolean;
  readonly routeInfo?: { readonly method?: unknown; readonly url?: unknown };
}

type Answer = (error: Error | null, result?: { current: number; ttl: number }) => void;

export interface FastifyStore {
  incr(key: string, answer: Answer, timeWindow: number, max: number): void;
  /** Tells without counting. */
  read(key: string, answer: Answer): void;
  /** @param options those of a route, whose type is the plugin's */
  child(options: object): FastifyStore;
}

/** The store's class, as @fastify/rate-limit takes it: `{ store: fastifyRateLimitStore(kv) }`. */
export function fastifyRateLimitStore(
  kv: Calls<true>,
  { prefix = "limit:" }: Pick<RateLimitOptions, "prefix"> = {},
): new (options?: FastifyOptions) => FastifyStore {
  return class extends FastifyRateLimit {
    constructor(options: FastifyOptions = {}) {
      super(kv, prefix, options);
    }
  };
}

/** The longest window that a backoff grows to: 2^53 − 1 ms. */
const MAX_WINDOW_MS = Number.MAX_SAFE_INTEGER;

class FastifyRateLimit implements FastifyStore {
  readonly #kv: Calls<true>;
  readonly #names: KeyNames;
  readonly #options: FastifyOptions;
  /** What names begin with; no part of the prefix, since it may be long. */
  readonly #route: string;

  constructor(kv: Calls<true>, prefix: string, options: FastifyOptions, route = "") {
    this.#kv = kv;
    this.#names = new KeyNames(prefix, MAX_KEY_BYTES);
    this.#options = options;
    this.#route = route;
  }

  incr(key: string, answer: Answer, timeWindow: number, max: number): void {
    this.#count(key, timeWindow, max).then((result) => answer(null, result), answer);
  }

  read(key: string, answer: Answer): void {
    this.#look(key).then((result) => answer(null, result), answer);
  }

  child(options: FastifyOptions & object): FastifyStore {
    const { method, url } = options.routeInfo ?? {};
    return new FastifyRateLimit(
      this.#kv,
      this.#names.prefix,
      options,
      `${this.#route}${method}${url}-`,
    );
  }

  async #count(key: string, windowMs: number, max: number) {
    const name = await this.#names.key(this.#route + key);
    const { value, ttl = windowMs } = await this.#kv.add(name, 1, { ttl: windowMs });
    const current = Number(value);
    const longerMs = this.#windowBeyond(current - max, windowMs);
    if (longerMs === undefined) return { current, ttl };
    await this.#kv.touch(name, { ttl: longerMs });
    return { current, ttl: longerMs };
  }

  /** How long the window is from now on, if it becomes longer by too many requests. */
  #windowBeyond(excess: number, windowMs: number): number | undefined {
    if (excess <= 0) return undefined;
    if (this.#options.continueExceeding) return windowMs;
    if (!this.#options.exponentialBackoff) return undefined;
    return Math.min(MAX_WINDOW_MS, windowMs * 2 ** (excess - 1));
  }

  async #look(key: string) {
    const item = await this.#kv.getItem(await this.#names.key(this.#route + key));
    if (item === undefined) return { current: 0, ttl: 0 };
    return { current: countOf(item.value), ttl: item.ttl ?? 0 };
  }
}
