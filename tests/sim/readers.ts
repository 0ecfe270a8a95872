/**
 * A store and a reader of it, interleaved: while the reader looks, each access to memory is a moment at
 * which the writer may carry out whole operations; and while the writer changes something, each of its
 * writes is a moment at which the reader may read. The stores are small, so that the cleaner moves and
 * evicts, and pages of the index come, go and move. A seed decides everything.
 */

import { Arena } from "../../src/store/arena.ts";
import { Drops } from "../../src/store/drops.ts";
import { makeHash } from "../../src/store/hash.ts";
import { Items } from "../../src/store/items.ts";
import { Key } from "../../src/store/key.ts";
import { LogStore } from "../../src/store/log_store.ts";
import { Lookup } from "../../src/store/lookup.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { type Found, NONE, Result, type Span } from "../../src/store/store.ts";
import { VersionReader, Versions } from "../../src/store/versions.ts";
import { fillRandomOf, randomOf, text } from "../bytes.ts";
import { textOf } from "./recording_store.ts";

const ROOM_BYTES = 4_096;
/** The chance that something happens at a moment within a read, and within an operation. */
const CHANCE_IN_READ = 0.03;
const CHANCE_IN_WRITE = 0.01;
/** How often the writer comes within a read, and how much it may then do. */
const MAX_VISITS = 4;
const CHANCE_OF_BURST = 0.1;
const MAX_BURST = 1_500;

/** What a key's value was, from some moment on; null for none. */
interface State {
  readonly value: string | null;
  readonly expiresAtMs: number;
}

const MISSING: State = { value: null, expiresAtMs: 0 };

interface Read {
  readonly key: string;
  readonly nowMs: number;
  /** How many states the key had had when the read began. */
  readonly begun: number;
  readonly result: string | null;
}

/** Runs a seed. @returns what went wrong */
export function simulateReaders(seed: number, operations: number): string[] {
  const simulation = new Interleaving(seed);
  const restore = [...hooks(simulation)];
  try {
    for (let i = 0; i < operations && simulation.violations.length === 0; i++) simulation.step();
  } finally {
    for (const each of restore) each();
  }
  return simulation.violations;
}

class Interleaving {
  readonly violations: string[] = [];
  readonly #random: () => number;
  readonly #store: LogStore;
  readonly #reader: StoreReader;
  readonly #keys: number;
  readonly #maxBytes: number;
  readonly #ttlMs: number;
  readonly #states = new Map<string, State[]>();
  readonly #found: Found = foundOf(new Uint8Array(ROOM_BYTES));
  readonly #current: Found = foundOf(new Uint8Array(ROOM_BYTES));
  readonly #key: Span = { bytes: new Uint8Array(32), start: 0, length: 0 };
  readonly #readKey: Span = { bytes: new Uint8Array(32), start: 0, length: 0 };
  readonly #hashed: Key;
  #nowMs = 1;
  #numbers = 0;
  #isReading = false;
  #isWriting = false;
  /** Reads that ended within an operation: its outcome is known later. */
  #unchecked: Read[] = [];
  #visits = 0;

  constructor(seed: number) {
    const random = randomOf(seed);
    this.#random = random;
    const isTiny = random() < 0.5;
    this.#keys = 200 + random() * 3_000;
    this.#maxBytes = isTiny ? 12 : 1_200;
    this.#ttlMs = 1 + random() * 2_000;
    this.#store = new LogStore({
      limitBytes: 2 ** 20,
      now: () => this.#nowMs,
      fillRandom: fillRandomOf(seed),
      onFull: random() < 0.7 ? "evict" : "refuse",
      readers: 1,
      onRemove: (key) => this.#become(nameOf(key), MISSING),
    });
    this.#reader = new StoreReader(this.#store.shared, 0);
    this.#hashed = new Key(makeHash(this.#store.shared.hashKey));
    // Filling it up is not what is examined.
    for (let i = 0; i < this.#keys / 2; i++) this.#write(() => this.#set());
  }

  step(): void {
    if (this.#random() < 0.5) this.#read();
    else this.#operate();
    this.#nowMs += this.#random() < 0.05 ? this.#random() * 100 : 0;
    if (this.#random() < 0.02) this.#store.sweep();
  }

  /** A moment within an access to memory. */
  moment(): void {
    if (this.#isReading && !this.#isWriting) {
      if (this.#visits >= MAX_VISITS || this.#random() >= CHANCE_IN_READ) return;
      this.#visits++;
      if (this.#random() < CHANCE_OF_BURST) this.#burst();
      else this.#operate();
    } else if (this.#isWriting && !this.#isReading) {
      if (this.#random() < CHANCE_IN_WRITE) this.#read();
    }
  }

  /** Whether the reader is within a copy that the writer may disturb. */
  get isReading(): boolean {
    return this.#isReading && !this.#isWriting;
  }

  // The writer.

  #operate(): void {
    const chance = this.#random();
    this.#write(() => {
      if (chance < 0.6) this.#set();
      else if (chance < 0.8) this.#delete();
      else if (chance < 0.9) this.#touch();
      else if (chance < 0.95) this.#store.sweep();
      else if (chance < 0.955) this.#drop();
      else this.#set(this.#random() * ROOM_BYTES);
    });
  }

  /**
   * Many keys go and many come, but none of the partition that is being read: segments and pages are freed
   * and used again, and only what is moved raises that partition's version.
   */
  #burst(): void {
    const spared = this.#partitionOf(this.#readKey);
    const first = this.#random() * this.#keys;
    const count = this.#random() * Math.min(MAX_BURST, this.#keys);
    for (const operation of [() => this.#deleteKey(), () => this.#setKey()]) {
      for (let i = 0; i < count; i++) {
        this.#name(this.#key, (first + i) % this.#keys);
        if (this.#partitionOf(this.#key) !== spared) this.#write(operation);
      }
    }
  }

  #partitionOf(key: Span): number {
    this.#hashed.read(key);
    return this.#store.values.index.partitionOf(this.#hashed.hash);
  }

  #write(operation: () => void): void {
    const isOuter = !this.#isWriting;
    this.#isWriting = true;
    operation();
    if (isOuter) this.#isWriting = false;
    for (const read of this.#unchecked.splice(0)) this.#check(read);
  }

  /** Some keys are in use more than others. */
  #draw(span: Span): void {
    this.#name(span, this.#random() ** 1.5 * this.#keys);
  }

  #name(span: Span, number: number): void {
    const name = `k${Math.floor(number)}`;
    span.bytes.set(text(name));
    span.length = name.length;
  }

  #set(longest = this.#maxBytes): void {
    this.#draw(this.#key);
    this.#setKey(longest);
  }

  #setKey(longest = this.#maxBytes): void {
    const number = ++this.#numbers;
    const start = `${nameOf(this.#key)}=${number}.`;
    const bytes = text(start.padEnd(this.#random() * longest, `${number}`));
    const expiresAtMs = this.#random() < 0.3 ? this.#someTime() : 0;
    const value = { bytes, start: 0, length: bytes.length };
    this.#store.set(this.#key, value, expiresAtMs, true, foundOf(new Uint8Array(0), NONE));
    this.#note();
  }

  #delete(): void {
    this.#draw(this.#key);
    this.#deleteKey();
  }

  #deleteKey(): void {
    this.#store.delete(this.#key, this.#current);
    this.#note();
  }

  /** Up to three hundred keys go at once, or all, or one. */
  #drop(): void {
    this.#draw(this.#key);
    this.#key.length = Math.floor(this.#random() * (this.#key.length + 1));
    const prefix = nameOf(this.#key);
    if (this.#store.admitsDrop(this.#key)) this.#store.drop(this.#key);
    else return;
    for (const key of this.#states.keys()) if (key.startsWith(prefix)) this.#become(key, MISSING);
  }

  #touch(): void {
    this.#draw(this.#key);
    this.#store.touch(this.#key, this.#random() < 0.5 ? this.#someTime() : 0);
    this.#note();
  }

  #someTime(): number {
    return Math.ceil(this.#nowMs + 1 + this.#random() * this.#ttlMs);
  }

  /** Notes what the key is now, as the writer itself sees it. */
  #note(): void {
    const key = nameOf(this.#key);
    const found = this.#current;
    if (this.#store.peek(this.#key, found) !== Result.DONE) this.#become(key, MISSING);
    else {
      const value = textOf(found.bytes, 0, Math.min(found.length, ROOM_BYTES));
      this.#become(key, { value, expiresAtMs: found.expiresAtMs });
    }
  }

  #become(key: string, state: State): void {
    const states = this.#states.get(key);
    if (states === undefined) this.#states.set(key, [MISSING, state]);
    else states.push(state);
  }

  // The reader.

  #read(): void {
    this.#draw(this.#readKey);
    const key = nameOf(this.#readKey);
    const begun = (this.#states.get(key) ?? [MISSING]).length;
    this.#isReading = true;
    this.#visits = 0;
    const nowMs = this.#nowMs;
    const result = this.#reader.get(this.#readKey, this.#found, nowMs);
    this.#isReading = false;
    if (result === null) return;
    const value = result === Result.DONE ? textOf(this.#found.bytes, 0, this.#found.length) : null;
    const read = { key, nowMs, begun, result: value };
    if (this.#isWriting) this.#unchecked.push(read);
    else this.#check(read);
  }

  #check({ key, nowMs, begun, result }: Read): void {
    const states = this.#states.get(key) ?? [MISSING];
    const possible = states.slice(begun - 1).map((state) => valueAt(state, nowMs));
    if (possible.includes(result)) return;
    this.violations.push(`a read of ${key} gave ${result}, not ${possible.join(" or ")}`);
  }
}

const foundOf = (bytes: Uint8Array, room = bytes.length): Found => ({
  ...{ bytes, room, start: 0, length: NONE, expiresAtMs: 0 },
});

const nameOf = ({ bytes, start, length }: Span): string => textOf(bytes, start, length);

const valueAt = ({ value, expiresAtMs }: State, nowMs: number): string | null =>
  expiresAtMs !== 0 && expiresAtMs <= nowMs ? null : value;

/** Makes moments before and after accesses to memory, for as long as a simulation runs. */
function* hooks(simulation: Interleaving): Generator<() => void> {
  yield* momentsIn(Lookup.prototype, ["capacityOf", "entryAt"], simulation);
  yield* momentsIn(Items.prototype, ["header", "hasKey", "expiryOf"], simulation);
  yield* momentsIn(VersionReader.prototype, ["begin", "isUnchanged"], simulation);
  yield* momentsIn(Versions.prototype, ["begin", "end"], simulation);
  yield* momentsIn(
    Items.prototype,
    ["setHeader", "setExpiry", "writeHead", "writeValue"],
    simulation,
  );
  yield* momentsIn(Drops.prototype, ["cover", "hasPrefix", "add", "keep"], simulation);
  yield* momentsIn(Arena.prototype, ["copy", "take", "give"], simulation);
  yield copiesInTwo(simulation);
}

function* momentsIn<T extends object>(
  prototype: T,
  names: readonly (keyof T)[],
  simulation: Interleaving,
): Generator<() => void> {
  for (const name of names) {
    const original = prototype[name] as (...args: unknown[]) => unknown;
    const hooked = function (this: T, ...args: unknown[]) {
      simulation.moment();
      const result = original.apply(this, args);
      simulation.moment();
      return result;
    };
    prototype[name] = hooked as T[keyof T];
    yield () => {
      prototype[name] = original as T[keyof T];
    };
  }
}

/** The reader copies the second half of a value after a moment. */
function copiesInTwo(simulation: Interleaving): () => void {
  const original = Items.prototype.readValue;
  Items.prototype.readValue = function (this: Items, address, bytes, start, header) {
    const length = original.call(this, address, bytes, start, header);
    if (!simulation.isReading) return length;
    const firstHalf = bytes.slice(start, start + length / 2);
    simulation.moment();
    original.call(this, address, bytes, start, header);
    bytes.set(firstHalf, start);
    return length;
  };
  return () => {
    Items.prototype.readValue = original;
  };
}
