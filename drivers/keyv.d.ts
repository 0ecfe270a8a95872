// Made from src/drivers/keyv.ts by: npm run types

/**
 * Adapters for Keyv (keyv.org), versions 6 and 5, and so for what sits on it: cacheable, cache-manager.
 * They have no error handling of their own: Keyv emits `error`, and takes what failed for a miss.
 */
import { EventEmitter } from "node:events";
import { type Calls } from "../kilogram.js";
export interface KeyvOptions {
    /** What all keys begin with; by default `keyv:`. `clear` removes all of them, or those of a namespace. */
    readonly prefix?: string;
}
/** An entry of Keyv 6, with a time on the clock of `Date.now()`. */
interface Entry {
    readonly key: string;
    readonly value: unknown;
    readonly expires?: number;
}
declare abstract class Store extends EventEmitter {
    #private;
    namespace: string | undefined;
    /** Keyv 5 iterates over stores that it knows by name. */
    readonly opts: {
        readonly dialect: "redis";
    };
    constructor(kv: Calls<true>, { prefix }?: KeyvOptions);
    /** Whether the keys that Keyv passes begin with the namespace. */
    protected abstract readonly hasNamespaceInKeys: boolean;
    get(key: string): Promise<string | undefined>;
    getMany(keys: string[]): Promise<(string | undefined)[]>;
    has(key: string): Promise<boolean>;
    hasMany(keys: string[]): Promise<boolean[]>;
    delete(key: string): Promise<boolean>;
    /** Removes what has this adapter's prefix, and its namespace if there is one. */
    clear(): Promise<void>;
    iterator(): AsyncGenerator<[string, string], void>;
    /** Closes the client, with everything that uses it. */
    disconnect(): Promise<void>;
    protected put(key: string, value: unknown, ttlMs: number | undefined): Promise<boolean>;
}
/** For Keyv 6, which leaves the namespace to the adapter. */
declare class Keyv6Store extends Store {
    readonly capabilities: {
        readonly expires: true;
    };
    protected readonly hasNamespaceInKeys = false;
    set(key: string, value: unknown, expires?: number): Promise<boolean>;
    setMany(entries: Entry[]): Promise<boolean[]>;
    deleteMany(keys: string[]): Promise<boolean[]>;
}
/** For Keyv 5, which puts the namespace before keys itself. */
declare class Keyv5Store extends Store {
    protected readonly hasNamespaceInKeys = true;
    set(key: string, value: unknown, ttlMs?: number): Promise<boolean>;
    setMany(entries: {
        key: string;
        value: unknown;
        ttl?: number;
    }[]): Promise<void>;
    /** Whether there was one of them. */
    deleteMany(keys: string[]): Promise<boolean>;
}
export type { Keyv5Store, Keyv6Store };
/**
 * A storage adapter for Keyv 6: `new Keyv({ store: keyvStore(kv), namespace: "pages" })`.
 * @param kv a view: `client.within(500)`
 */
export declare function keyvStore(kv: Calls<true>, options?: KeyvOptions): Keyv6Store;
/** The same for Keyv 5, with cacheable 2 and cache-manager 7: `new Keyv({ store: keyv5Store(kv) })`. */
export declare function keyv5Store(kv: Calls<true>, options?: KeyvOptions): Keyv5Store;
