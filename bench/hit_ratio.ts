/**
 * Hit ratio: the same accesses, each a GET and after a miss a SET, against the store and against
 * models of other policies with the same budget of bytes. The models are charged 24 bytes an item
 * beyond key and value, and nothing for how they keep their order; the store pays for all it has.
 *
 *     npm run bench:hits -- [--keys 1000000] [--accesses 6000000] [--json]
 */

import { parseArgs } from "node:util";
import { LogStore } from "../src/store/log_store.ts";
import { type Found, NONE, Result, type Span } from "../src/store/store.ts";
import { fillRandomOf, randomOf } from "../tests/bytes.ts";
import { Progress, table } from "./report.ts";
import { Zipf } from "./zipf.ts";

const KEY_BYTES = 16;
const MIN_VALUE_BYTES = 20;
/** Values have 20 to 179 bytes, 100 on average. */
const VALUE_SPREAD = 160;
const ITEM_BYTES = KEY_BYTES + MIN_VALUE_BYTES + VALUE_SPREAD / 2;
const CHARGE_BYTES = 24;
const BUDGETS = [0.05, 0.2];
/** Prime, and no divisor of the number of keys: neighbours in rank are none in the store. */
const SPREAD = 15_485_863;

/** One access after the other: which key is asked for at a step. */
type Trace = (step: number) => number;

/** Answers whether the key was there, and keeps it from now on. */
type Policy = (key: number) => boolean;

const { values } = parseArgs({
  options: {
    keys: { type: "string", default: "1000000" },
    accesses: { type: "string", default: "6000000" },
    json: { type: "boolean", default: false },
  },
});
const keys = Number(values.keys);
const accesses = Number(values.accesses);

/** Keys that a trace may ask for: those of a scan are others than the frequent ones. */
const KEY_SPACE = 2 * keys;

const scattered = (rank: number) => (rank * SPREAD) % keys;
const sizeOf = (key: number) =>
  KEY_BYTES + MIN_VALUE_BYTES + ((Math.imul(key, 0x9e3779b1) >>> 8) % VALUE_SPREAD);
const chargeOf = (key: number) => sizeOf(key) + CHARGE_BYTES;

const traces: Record<string, () => Trace> = {
  "Zipf 0.8": () => zipf(0.8),
  "Zipf 0.9": () => zipf(0.9),
  "Zipf 1.0": () => zipf(1.0),
  "Zipf 1.1": () => zipf(1.1),
  "Zipf 0.9 with scans": withScans,
  "Zipf 0.9, shifting": () => shifting(32),
  "Zipf 0.9, shifting fast": () => shifting(8),
  "a working set that jumps": jumping,
};

const policies: Record<string, (budgetBytes: number) => Policy> = {
  "the store": store,
  LRU: (budgetBytes) => inOrder(budgetBytes, true),
  FIFO: (budgetBytes) => inOrder(budgetBytes, false),
  "sampled LRU": sampledLru,
};

function zipf(s: number): Trace {
  const ranks = new Zipf(keys, s, randomOf(11));
  return () => scattered(ranks.next());
}

/** After so many accesses by Zipf's law, half as many to keys in a row, each asked for rarely. */
function withScans(): Trace {
  const period = keys / 10;
  const hot = zipf(0.9);
  let scanned = 0;
  return (step) => step % (period * 1.5) < period ? hot(step) : keys + (scanned++ % keys);
}

/** After so many accesses each, what is most frequent moves on by one key. */
function shifting(period: number): Trace {
  const ranks = new Zipf(keys, 0.9, randomOf(12));
  return (step) => scattered((ranks.next() + Math.floor(step / period)) % keys);
}

/** A twentieth of the keys, each as frequent as any other, and others every million accesses. */
function jumping(): Trace {
  const random = randomOf(13);
  const set = keys / 20;
  return (step) => scattered(Math.floor(step / keys) * set + Math.floor(random() * set));
}

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

/** Keys in the order in which they will go, the next first: a ring linked both ways. */
class Order {
  readonly #next = new Int32Array(KEY_SPACE + 1).fill(NONE);
  readonly #previous = new Int32Array(KEY_SPACE + 1);

  constructor() {
    this.#next[KEY_SPACE] = KEY_SPACE;
    this.#previous[KEY_SPACE] = KEY_SPACE;
  }

  has(key: number): boolean {
    return this.#next[key] !== NONE;
  }

  get first(): number {
    return this.#next[KEY_SPACE];
  }

  append(key: number): void {
    const last = this.#previous[KEY_SPACE];
    this.#next[last] = key;
    this.#previous[key] = last;
    this.#next[key] = KEY_SPACE;
    this.#previous[KEY_SPACE] = key;
  }

  remove(key: number): void {
    this.#next[this.#previous[key]] = this.#next[key];
    this.#previous[this.#next[key]] = this.#previous[key];
    this.#next[key] = NONE;
  }
}

/** First in, first out; or, where a hit renews a key, exactly the least recently used first. */
function inOrder(budgetBytes: number, renews: boolean): Policy {
  const order = new Order();
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
 * As Redis does: of five keys drawn at random and a pool of the best sixteen of earlier draws, the
 * one that was asked for longest ago goes. Source: redis.io, «Key eviction», and evict.c of Redis 7.
 */
function sampledLru(budgetBytes: number): Policy {
  const random = randomOf(14);
  const held = new Int32Array(KEY_SPACE);
  const places = new Int32Array(KEY_SPACE).fill(NONE);
  const lastUse = new Int32Array(KEY_SPACE);
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

/** The share of hits, of the second half of the accesses: the first fills the budget. */
function hitRatio(trace: Trace, policy: Policy): number {
  let hits = 0;
  for (let step = 0; step < accesses; step++) {
    const isHit = policy(trace(step));
    if (isHit && step >= accesses / 2) hits++;
  }
  return hits / (accesses - accesses / 2);
}

const progress = new Progress(
  Object.keys(traces).length * BUDGETS.length * Object.keys(policies).length,
);
const rows: { trace: string; budget: number; ratios: Record<string, number> }[] = [];
for (const [trace, makeTrace] of Object.entries(traces)) {
  for (const budget of BUDGETS) {
    const ratios: Record<string, number> = {};
    for (const [name, makePolicy] of Object.entries(policies)) {
      progress.show(`${trace}, ${budget * 100} %: ${name}`, 0);
      const budgetBytes = Math.round(keys * (ITEM_BYTES + CHARGE_BYTES) * budget);
      ratios[name] = hitRatio(makeTrace(), makePolicy(budgetBytes));
      progress.finish();
    }
    rows.push({ trace, budget, ratios });
  }
}
progress.clear();
if (values.json) console.log(JSON.stringify({ keys, accesses, rows }));
else {
  console.log(
    table([
      ["accesses", "budget", ...Object.keys(policies)],
      ...rows.map(({ trace, budget, ratios }) => [
        trace,
        `${budget * 100} %`,
        ...Object.values(ratios).map((ratio) => ratio.toFixed(3)),
      ]),
    ]),
  );
}
