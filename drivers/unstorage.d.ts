// Made from src/drivers/unstorage.ts by: npm run types

/** A driver for unstorage, and so for Nitro and Nuxt. When the server is away its calls throw. */
import { type Calls } from "../kilogram.js";
export interface UnstorageOptions {
    /** What all keys begin with; by default `storage:`. */
    readonly base?: string;
    /** Seconds that items live, as in unstorage's other drivers; by default, and with 0, for ever. */
    readonly ttl?: number;
}
/** Of one item: seconds. */
interface ItemOptions {
    readonly ttl?: number;
}
export interface UnstorageDriver {
    readonly name: string;
    readonly options: UnstorageOptions;
    hasItem(key: string): Promise<boolean>;
    getItem(key: string): Promise<string | null>;
    getItemRaw(key: string): Promise<Uint8Array | null>;
    getItems(items: {
        readonly key: string;
    }[]): Promise<{
        key: string;
        value: string | null;
    }[]>;
    setItem(key: string, value: string, options?: ItemOptions): Promise<void>;
    setItemRaw(key: string, value: Uint8Array, options?: ItemOptions): Promise<void>;
    removeItem(key: string): Promise<void>;
    getKeys(base?: string): Promise<string[]>;
    clear(base?: string): Promise<void>;
    dispose(): void;
}
/**
 * A driver: `createStorage({ driver: unstorageDriver(kv) })`.
 * @param kv a view: `client.within(500)`
 */
export declare function unstorageDriver(kv: Calls<true>, options?: UnstorageOptions): UnstorageDriver;
export {};
