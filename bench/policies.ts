/**
 * Policies of keeping some of the keys: the store, and models of other policies. The models are
 * charged 24 bytes an item beyond key and value, and nothing for keeping their order; the store
 * pays for all its memory.
 */

import { LogStore } from "../src/store/log_store.ts";
import { type Found, NONE, Result, type Span } from "../src/store/store.ts";
import { fillRandomOf, randomOf } from "../tests/bytes.ts";

const KEY_BYTES = 16;
const MIN_VALUE_BYTES = 20;
/** Values have 20 to 179 bytes, 100 on average. */
const VALUE_SPREAD = 160;
/** On average. */
export const ITEM_BYTES = KEY_BYTES + MIN_VALUE_BYTES + VALUE_SPREAD / 2;
export const CHARGE_BYTES = 24;

/** Returns whether the key was there, and keeps it from now on. */
export type Policy = (key: number) => boolean;

/** @param keySpace keys are below this */
export type MakePolicy = (budgetBytes: number, keySpace: number) => Policy;

export const policies: Readonly<Record<string, MakePolicy>> = {
  "the store": store,
  LRU: (budgetBytes, keySpace) => inOrder(budgetBytes, keySpace, true),
  FIFO: (budgetBytes, keySpace) => inOrder(budgetBytes, keySpace, false),
  "sampled LRU": sampledLru,
};

const sizeOf = (key: number) =>
  KEY_BYTES + MIN_VALUE_BYTES + ((Math.imul(key, 0x9e3779b1) >>> 8) % VALUE_SPREAD);
const chargeOf = (key: number) => sizeOf(key) + CHARGE_BYTES;

function store(budgetBytes: number): Policy {
  const log = new LogStore({ limitBytes: budgetBytes, now: () => 1, fillRandom: fillRandomOf(1) });
  const key: Span = { bytes: new Uint8Array(KEY_BYTES), start: 0, length: KEY_BYTES };
  const value: Span = { bytes: new Uint8Array(256), start: 0, length: 0 };
  const found: Found = {
    bytes: new Uint8Array(256),
    start: 0,
    room: 256,
    length: NONE,
    expiresAtMs: 0,
  };
  const view = new DataView(key.bytes.buffer);
  return (number) => {
    view.setInt32(6, number);
    if (log.get(key, found) === Result.DONE) return true;
    value.length = sizeOf(number) - KEY_BYTES;
    log.set(key, value, 0, true, found);
    return false;
  };
}

/** Keys in the order of eviction, the next one first: a doubly linked ring. */
class Order {
  /** By key, with the ring itself in the last place; NONE for keys that are not in the ring. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #ring: number;

  constructor(keySpace: number) {
    this.#next = new Int32Array(keySpace + 1).fill(NONE);
    this.#previous = new Int32Array(keySpace + 1);
    this.#ring = keySpace;
    this.#next[keySpace] = keySpace;
    this.#previous[keySpace] = keySpace;
  }

  has(key: number): boolean {
    return this.#next[key] !== NONE;
  }

  get first(): number {
    return this.#next[this.#ring];
  }

  append(key: number): void {
    const last = this.#previous[this.#ring];
    this.#next[last] = key;
    this.#previous[key] = last;
    this.#next[key] = this.#ring;
    this.#previous[this.#ring] = key;
  }

  remove(key: number): void {
    this.#next[this.#previous[key]] = this.#next[key];
    this.#previous[this.#next[key]] = this.#previous[key];
    this.#next[key] = NONE;
  }
}

/** First in, first out; or, if a hit renews a key, exact LRU. */
function inOrder(budgetBytes: number, keySpace: number, renews: boolean): Policy {
  const order = new Order(keySpace);
  let used = 0;
  return (key) => {
    if (order.has(key)) {
      if (renews) {
        order.remove(key);
        order.append(key);
      }
      return true;
    }
    order.append(key);
    used += chargeOf(key);
    while (used > budgetBytes) {
      const { first } = order;
      order.remove(first);
      used -= chargeOf(first);
    }
    return false;
  };
}

/**
 * As in Redis: of five keys drawn at random and a pool of the best sixteen of earlier draws, evicts
 * the least recently used. Source: redis.io, «Key eviction», and evict.c of Redis 7.
 */
function sampledLru(budgetBytes: number, keySpace: number): Policy {
  const random = randomOf(14);
  const held = new Int32Array(keySpace);
  const places = new Int32Array(keySpace).fill(NONE);
  const lastUse = new Int32Array(keySpace);
  const pool: number[] = [];
  let count = 0;
  let used = 0;
  let step = 0;
  const evict = () => {
    for (let i = 0; i < 5; i++) {
      const key = held[Math.floor(random() * count)];
      if (!pool.includes(key)) pool.push(key);
    }
    pool.sort((a, b) => lastUse[b] - lastUse[a]);
    if (pool.length > 16) pool.splice(0, pool.length - 16);
    const victim = pool.pop() ?? held[0];
    const place = places[victim];
    const last = held[--count];
    held[place] = last;
    places[last] = place;
    places[victim] = NONE;
    used -= chargeOf(victim);
  };
  return (key) => {
    lastUse[key] = ++step;
    if (places[key] !== NONE) return true;
    places[key] = count;
    held[count++] = key;
    used += chargeOf(key);
    while (used > budgetBytes) evict();
    return false;
  };
}
