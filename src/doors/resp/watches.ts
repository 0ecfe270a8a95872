/**
 * Keys that connections watch (WATCH), by key. The store reports every change while somebody watches, and
 * nothing otherwise.
 */

import { nameOfSpan } from "../../store/name.ts";
import type { Observer, Span } from "../../store/store.ts";
import type { Client } from "./client.ts";

/** Most keys that a connection watches at a time. */
export const MAX_WATCHED = 1_024;
/** What a watched key takes besides its bytes, about. */
const KEY_COST_BYTES = 96;

/** What one connection watches. */
interface Watched {
  readonly names: Set<string>;
  bytes: number;
  /** Whether one of the keys has changed since. */
  isChanged: boolean;
}

export class Watches {
  readonly observe: (observer: Observer | null) => void;
  readonly #byClient = new Map<Client, Watched>();
  readonly #byName = new Map<string, Set<Watched>>();
  readonly #observer: Observer = {
    onChange: (key) => {
      for (const watched of this.#byName.get(nameOfSpan(key)) ?? []) watched.isChanged = true;
    },
    onDrop: (prefix, isThere) => this.#noteDrop(nameOfSpan(prefix), isThere),
  };

  constructor(observe: (observer: Observer | null) => void) {
    this.observe = observe;
  }

  /** @returns false if the connection watches as many as it may */
  watch(client: Client, key: Span): boolean {
    const watched = this.#byClient.get(client) ?? { names: new Set(), bytes: 0, isChanged: false };
    const name = nameOfSpan(key);
    if (watched.names.has(name)) return true;
    if (watched.names.size === MAX_WATCHED) return false;
    if (this.#byClient.size === 0) this.observe(this.#observer);
    this.#byClient.set(client, watched);
    watched.names.add(name);
    watched.bytes += name.length + KEY_COST_BYTES;
    this.#byName.set(name, (this.#byName.get(name) ?? new Set()).add(watched));
    return true;
  }

  /** The names of what a connection watches, one character for each byte of a key. */
  namesOf(client: Client): Iterable<string> {
    return this.#byClient.get(client)?.names ?? [];
  }

  isChanged(client: Client): boolean {
    return this.#byClient.get(client)?.isChanged ?? false;
  }

  /** Memory held for a connection. */
  bytesOf(client: Client): number {
    return this.#byClient.get(client)?.bytes ?? 0;
  }

  unwatch(client: Client): void {
    const watched = this.#byClient.get(client);
    if (watched === undefined) return;
    for (const name of watched.names) {
      const others = this.#byName.get(name);
      others?.delete(watched);
      if (others?.size === 0) this.#byName.delete(name);
    }
    this.#byClient.delete(client);
    if (this.#byClient.size === 0) this.observe(null);
  }

  #noteDrop(prefix: string, isThere: (name: string) => boolean): void {
    for (const [name, all] of this.#byName) {
      if (!name.startsWith(prefix) || !isThere(name)) continue;
      for (const watched of all) watched.isChanged = true;
    }
  }
}
