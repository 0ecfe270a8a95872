/** A driver for unstorage, and so for Nitro and Nuxt. When the server is away its calls throw. */

import { type Calls, type LargeValues, largeValues } from "../mod.ts";
import { KeyNames, MAX_LARGE_KEY_BYTES } from "./key_names.ts";

const SECOND_MS = 1_000;

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
  getItems(items: { readonly key: string }[]): Promise<{ key: string; value: string | null }[]>;
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
export function unstorageDriver(kv: Calls<true>, options: UnstorageOptions = {}): UnstorageDriver {
  const items = new Items(kv, options);
  // unstorage calls them without what they belong to.
  return {
    ...{ name: "kilogram", options },
    hasItem: (key) => items.has(key),
    getItem: (key) => items.getText(key),
    getItemRaw: (key) => items.get(key),
    getItems: (keys) =>
      Promise.all(keys.map(async ({ key }) => ({ key, value: await items.getText(key) }))),
    setItem: (key, value, own) => items.set(key, value, own),
    setItemRaw: (key, value, own) => items.set(key, value, own),
    removeItem: (key) => items.remove(key),
    getKeys: (base) => items.keys(base),
    clear: (base) => items.clear(base),
    dispose: () => kv.close(),
  };
}

class Items {
  readonly #kv: Calls<true>;
  readonly #large: LargeValues;
  readonly #names: KeyNames;
  readonly #ttlSeconds: number | undefined;

  constructor(kv: Calls<true>, { base = "storage:", ttl }: UnstorageOptions) {
    this.#kv = kv;
    this.#large = largeValues(kv);
    this.#names = new KeyNames(base, MAX_LARGE_KEY_BYTES);
    this.#ttlSeconds = ttl;
  }

  async has(key: string): Promise<boolean> {
    return await this.#kv.exists(await this.#names.key(key)) !== undefined;
  }

  async getText(key: string): Promise<string | null> {
    return await this.#large.getText(await this.#names.key(key)) ?? null;
  }

  async get(key: string): Promise<Uint8Array | null> {
    return await this.#large.get(await this.#names.key(key)) ?? null;
  }

  async set(key: string, value: string | Uint8Array, options?: ItemOptions): Promise<void> {
    const seconds = options?.ttl ?? this.#ttlSeconds;
    // As with its other drivers, 0 is no time to live.
    const ttl = seconds ? Math.max(1, Math.round(seconds * SECOND_MS)) : undefined;
    await this.#large.set(await this.#names.key(key), value, { ttl, overwrite: true });
  }

  async remove(key: string): Promise<void> {
    await this.#large.delete(await this.#names.key(key));
  }

  async keys(base = ""): Promise<string[]> {
    const names = new Set<string>();
    for await (const key of this.#kv.keysText(this.#names.prefix + base)) {
      const name = this.#names.name(key);
      if (name !== undefined) names.add(name);
    }
    return [...names];
  }

  async clear(base = ""): Promise<void> {
    await this.#kv.drop(this.#names.prefix + base);
  }
}
