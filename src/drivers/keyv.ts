/**
 * Adapters for Keyv (keyv.org), versions 6 and 5, and so for what sits on it: cacheable, cache-manager.
 * They have no error handling of their own: Keyv emits `error`, and takes what failed for a miss.
 */

import { EventEmitter } from "node:events";
import { type Calls, type LargeValues, largeValues } from "../mod.ts";
import { KeyNames, MAX_LARGE_KEY_BYTES } from "./key_names.ts";

const SEPARATOR = ":";

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

abstract class Store extends EventEmitter {
  namespace: string | undefined;
  /** Keyv 5 iterates over stores that it knows by name. */
  readonly opts = { dialect: "redis" } as const;
  readonly #kv: Calls<true>;
  readonly #large: LargeValues;
  readonly #prefix: string;

  constructor(kv: Calls<true>, { prefix = "keyv:" }: KeyvOptions = {}) {
    super();
    this.#kv = kv;
    this.#large = largeValues(kv);
    this.#prefix = prefix;
  }

  /** Whether the keys that Keyv passes begin with the namespace. */
  protected abstract readonly hasNamespaceInKeys: boolean;

  async get(key: string): Promise<string | undefined> {
    return await this.#large.getText(await this.#names().key(key));
  }

  async getMany(keys: string[]): Promise<(string | undefined)[]> {
    return await Promise.all(keys.map((key) => this.get(key)));
  }

  async has(key: string): Promise<boolean> {
    return await this.#kv.exists(await this.#names().key(key)) !== undefined;
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return await Promise.all(keys.map((key) => this.has(key)));
  }

  async delete(key: string): Promise<boolean> {
    return await this.#large.delete(await this.#names().key(key));
  }

  /** Removes what has this adapter's prefix, and its namespace if there is one. */
  async clear(): Promise<void> {
    await this.#kv.drop(this.#spacePrefix);
  }

  async *iterator(): AsyncGenerator<[string, string], void> {
    const names = this.#names();
    for await (const key of this.#kv.keysText(this.#spacePrefix)) {
      const name = names.name(key);
      if (name === undefined) continue;
      const value = await this.#large.getText(key);
      if (value !== undefined) yield [name, value];
    }
  }

  /** Closes the client, with everything that uses it. */
  async disconnect(): Promise<void> {
    this.#kv.close();
  }

  protected async put(key: string, value: unknown, ttlMs: number | undefined): Promise<boolean> {
    const ttl = ttlMs === undefined ? undefined : Math.ceil(ttlMs);
    if (ttl !== undefined && ttl < 1) {
      await this.delete(key);
      return true;
    }
    const name = await this.#names().key(key);
    return await this.#large.set(name, value as string, { ttl, overwrite: true });
  }

  get #spacePrefix(): string {
    return this.#prefix + (this.namespace === undefined ? "" : this.namespace + SEPARATOR);
  }

  #names(): KeyNames {
    const prefix = this.hasNamespaceInKeys ? this.#prefix : this.#spacePrefix;
    return new KeyNames(prefix, MAX_LARGE_KEY_BYTES);
  }
}

/** For Keyv 6, which leaves the namespace to the adapter. */
class Keyv6Store extends Store {
  readonly capabilities = { expires: true } as const;
  protected readonly hasNamespaceInKeys = false;

  async set(key: string, value: unknown, expires?: number): Promise<boolean> {
    return await this.put(key, value, expires === undefined ? undefined : expires - Date.now());
  }

  async setMany(entries: Entry[]): Promise<boolean[]> {
    return await Promise.all(entries.map((each) => this.set(each.key, each.value, each.expires)));
  }

  async deleteMany(keys: string[]): Promise<boolean[]> {
    return await Promise.all(keys.map((key) => this.delete(key)));
  }
}

/** For Keyv 5, which puts the namespace before keys itself. */
class Keyv5Store extends Store {
  protected readonly hasNamespaceInKeys = true;

  async set(key: string, value: unknown, ttlMs?: number): Promise<boolean> {
    return await this.put(key, value, ttlMs);
  }

  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    await Promise.all(entries.map(({ key, value, ttl }) => this.set(key, value, ttl)));
  }

  /** Whether there was one of them. */
  async deleteMany(keys: string[]): Promise<boolean> {
    const deleted = await Promise.all(keys.map((key) => this.delete(key)));
    return deleted.includes(true);
  }
}

export type { Keyv5Store, Keyv6Store };

/**
 * A storage adapter for Keyv 6: `new Keyv({ store: keyvStore(kv), namespace: "pages" })`.
 * @param kv a view: `client.within(500)`
 */
export function keyvStore(kv: Calls<true>, options?: KeyvOptions): Keyv6Store {
  return new Keyv6Store(kv, options);
}

/** The same for Keyv 5, with cacheable 2 and cache-manager 7: `new Keyv({ store: keyv5Store(kv) })`. */
export function keyv5Store(kv: Calls<true>, options?: KeyvOptions): Keyv5Store {
  return new Keyv5Store(kv, options);
}
