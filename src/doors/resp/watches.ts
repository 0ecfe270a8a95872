/**
 * Keys that connections watch (WATCH), by key. The store reports every change while somebody watches, and
 * nothing otherwise. A drop may concern any number of keys, so it is only noted, and looked at by EXEC.
 */

import { nameOfSpan } from "../../store/name.ts";
import type { Observer, Span } from "../../store/store.ts";
import type { Client } from "./client.ts";

/** Most keys that a connection watches at a time. */
export const MAX_WATCHED = 1_024;
/** What a watched key takes besides its bytes (measured on Bun). */
const KEY_COST_BYTES = 400;
/** The latest drops that are known; what was watched before those counts as dropped. */
const MAX_DROPS = 64;
/** Of a key that was not there when it was watched: a drop does not change it. */
const ABSENT = Number.POSITIVE_INFINITY;

/** What one connection watches. */
interface Watched {
  /** By name: how many drops there had been when it was watched. */
  readonly names: Map<string, number>;
  bytes: number;
  /** Whether one of the keys has changed since, otherwise than by a drop. */
  isChanged: boolean;
}

export class Watches {
  readonly observe: (observer: Observer | null) => void;
  readonly #byClient = new Map<Client, Watched>();
  readonly #byName = new Map<string, Set<Watched>>();
  /** The prefixes of the latest drops, and how many there have been. */
  #drops: string[] = [];
  #dropCount = 0;
  readonly #observer: Observer = {
    onChange: (key) => {
      for (const watched of this.#byName.get(nameOfSpan(key)) ?? []) watched.isChanged = true;
    },
    onDrop: (prefix) => {
      this.#dropCount++;
      this.#drops = [...this.#drops, nameOfSpan(prefix)].slice(-MAX_DROPS);
    },
  };

  /** @param observe is given what to call with every change; null for nothing */
  constructor(observe: (observer: Observer | null) => void) {
    this.observe = observe;
  }

  /**
   * @param isThere whether there is such a key now
   * @returns false if the connection watches as many as it may
   */
  watch(client: Client, key: Span, isThere: boolean): boolean {
    const watched = this.#byClient.get(client) ?? { names: new Map(), bytes: 0, isChanged: false };
    const name = nameOfSpan(key);
    if (watched.names.has(name)) return true;
    if (watched.names.size === MAX_WATCHED) return false;
    if (this.#byClient.size === 0) this.observe(this.#observer);
    this.#byClient.set(client, watched);
    watched.names.set(name, isThere ? this.#dropCount : ABSENT);
    watched.bytes += name.length + KEY_COST_BYTES;
    this.#byName.set(name, (this.#byName.get(name) ?? new Set()).add(watched));
    return true;
  }

  /** The names of what a connection watches, one character for each byte of a key. */
  namesOf(client: Client): Iterable<string> {
    return this.#byClient.get(client)?.names.keys() ?? [];
  }

  isChanged(client: Client): boolean {
    const watched = this.#byClient.get(client);
    if (watched === undefined) return false;
    return watched.isChanged || [...watched.names].some(([name, at]) => this.#isDropped(name, at));
  }

  /** Memory held for a connection. */
  bytesOf(client: Client): number {
    return this.#byClient.get(client)?.bytes ?? 0;
  }

  unwatch(client: Client): void {
    const watched = this.#byClient.get(client);
    if (watched === undefined) return;
    for (const name of watched.names.keys()) {
      const others = this.#byName.get(name);
      others?.delete(watched);
      if (others?.size === 0) this.#byName.delete(name);
    }
    this.#byClient.delete(client);
    if (this.#byClient.size === 0) this.observe(null);
  }

  /** @param from how many drops came before */
  #isDropped(name: string, from: number): boolean {
    const firstKnown = this.#dropCount - this.#drops.length;
    if (from < firstKnown) return true;
    return this.#drops.slice(from - firstKnown).some((prefix) => name.startsWith(prefix));
  }
}
