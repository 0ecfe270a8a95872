// Made from src/drivers/rate_limit.ts by: npm run types

/**
 * Stores for rate limiters: express-rate-limit 8 and hono-rate-limiter, which have the same interface, and
 * @fastify/rate-limit 11. A request is one ADD, carried out exactly once whatever the network doubles, and
 * its time to live counts only for a new key: so a window begins with its first request, and ends by
 * itself. They throw when the server is away; what happens then the limiter decides.
 */
import type { Calls } from "../kilogram.js";
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
export declare class RateLimitStore {
    #private;
    readonly prefix: string;
    /** Counts are shared by all who use the same server. */
    readonly localKeys = false;
    /** @param kv a view: `client.within(200)` */
    constructor(kv: Calls<true>, { prefix, windowMs }?: RateLimitOptions);
    /** Called by the limiter. */
    init({ windowMs }: {
        readonly windowMs?: unknown;
    }): void;
    get(key: string): Promise<Hits | undefined>;
    increment(key: string): Promise<Hits>;
    /** Takes a request back; one whose window is over by now changes nothing. */
    decrement(key: string): Promise<void>;
    resetKey(key: string): Promise<void>;
    resetAll(): Promise<void>;
}
/** What @fastify/rate-limit passes when it makes a store, as far as it is used here. */
interface FastifyOptions {
    readonly continueExceeding?: boolean;
    readonly exponentialBackoff?: boolean;
    readonly routeInfo?: {
        readonly method?: unknown;
        readonly url?: unknown;
    };
}
type Answer = (error: Error | null, result?: {
    current: number;
    ttl: number;
}) => void;
export interface FastifyStore {
    incr(key: string, answer: Answer, timeWindow: number, max: number): void;
    /** Tells without counting. */
    read(key: string, answer: Answer): void;
    /** @param options those of a route, whose type is the plugin's */
    child(options: object): FastifyStore;
}
/** The store's class, as @fastify/rate-limit takes it: `{ store: fastifyRateLimitStore(kv) }`. */
export declare function fastifyRateLimitStore(kv: Calls<true>, { prefix }?: Pick<RateLimitOptions, "prefix">): new (options?: FastifyOptions) => FastifyStore;
export {};
