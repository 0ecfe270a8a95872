/** The store against a model: random operations, with time moving, at small and large limits. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { LogStore, type LogStoreOptions } from "../../src/store/log_store.ts";
import { type Found, NONE, Result, type Span } from "../../src/store/store.ts";
import { fillRandomOf, randomOf } from "../bytes.ts";
import { audit, type Stored } from "./audit.ts";
import { scanAll } from "./scan_all.ts";

/** Bun carries out more than a million; the other runtimes are slower at the tests' own work. */
const SCALE = "Bun" in globalThis ? 1 : 0.05;
const MIB = 2 ** 20;
const MAX_VALUE_BYTES = MIB;

interface Kept {
  /** Determines the bytes of the value. */
  tag: number;
  length: number;
  /** The value, if it is a number. */
  number: bigint | null;
  expiresAtMs: number;
}

interface Load {
  readonly name: string;
  readonly keys: number;
  readonly operations: number;
  /** A value's length, from a random number in [0, 1). */
  readonly lengthOf: (random: number) => number;
  /** The share of keys that get a time to live, and how long that is at most. */
  readonly timed: number;
  readonly fits: (limitBytes: number) => boolean;
  readonly ttlMs: number;
}

const loads: Load[] = [
  {
    name: "flags",
    keys: 60_000,
    operations: 120_000,
    lengthOf: (r) => r * 4,
    timed: 0,
    ttlMs: 1,
    fits: (limit) => limit > 2 * MIB,
  },
  {
    name: "sessions",
    keys: 20_000,
    operations: 120_000,
    lengthOf: (r) => r * r * 863,
    timed: 0.5,
    fits: (limit) => limit > 32 * MIB,
    ttlMs: 5_000,
  },
  {
    name: "pages",
    keys: 1_000,
    operations: 10_000,
    lengthOf: (r) => r ** 8 * MAX_VALUE_BYTES,
    timed: 0.2,
    fits: () => false,
    ttlMs: 2_000,
  },
];

const limits = [MIB, 2 * MIB, 5_000_000, 64 * MIB];

for (const onFull of ["evict", "refuse"] as const) {
  for (const load of loads) {
    for (const limitBytes of limits) {
      test(`${load.name}: ${limitBytes} bytes, ${onFull}`, () => {
        new Trial({ limitBytes, onFull }, load).run();
      });
    }
  }
}

/** Values whose bytes follow from a tag, each differing from the next; never a number. */
function fill(bytes: Uint8Array, start: number, length: number, tag: number): void {
  for (let i = 0; i < length; i++) bytes[start + i] = (tag + i * 7) | 0x80;
}

class Trial {
  readonly #random: () => number;
  readonly #load: Load;
  readonly #refuses: boolean;
  readonly #store: LogStore;
  readonly #model = new Map<string, Kept>();
  readonly #key: Span = { bytes: new Uint8Array(1_100), start: 3, length: 0 };
  readonly #value: Span = { bytes: new Uint8Array(MAX_VALUE_BYTES + 8), start: 5, length: 0 };
  readonly #found: Found = {
    bytes: new Uint8Array(MAX_VALUE_BYTES + 8),
    start: 1,
    room: MAX_VALUE_BYTES,
    length: NONE,
    expiresAtMs: 0,
  };
  readonly #expected = new Uint8Array(MAX_VALUE_BYTES + 8);
  readonly #given: Span = { bytes: new Uint8Array(MAX_VALUE_BYTES + 8), start: 2, length: 0 };
  #nowMs = 1;
  #tag = 0;
  /** Keys created minus keys deleted, according to the results. */
  #balance = 0;

  constructor(options: Pick<LogStoreOptions, "limitBytes" | "onFull">, load: Load) {
    this.#random = randomOf(options.limitBytes + load.keys);
    this.#load = load;
    this.#refuses = options.onFull === "refuse";
    this.#store = new LogStore({ ...options, now: () => this.#nowMs, fillRandom: fillRandomOf(7) });
  }

  run(): void {
    const operations = Math.ceil(this.#load.operations * SCALE);
    for (let i = 1; i <= operations; i++) {
      this.#step();
      assert(this.#store.usedBytes <= this.#store.limitBytes, "used ≤ limit after every operation");
      if (i % Math.ceil(operations / 8) === 0) this.#check();
    }
    this.#drain();
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #step(): void {
    if (this.#below(20) === 0) this.#nowMs += this.#below(20);
    if (this.#below(500) === 0) this.#store.sweep();
    if (this.#below(20_000) === 0) this.#drop();
    // The square makes some keys much more frequent than others.
    const name = this.#chooseKey(Math.floor(this.#random() ** 2 * this.#load.keys));
    const known = this.#model.get(name);
    const kept = known && isExpired(known, this.#nowMs) ? undefined : known;
    switch (this.#below(10)) {
      case 8:
        return this.#setIfEqual(name, kept);
      case 9:
        return this.#deleteIfEqual(name, kept);
      case 0:
        return this.#add(name, kept);
      case 1:
        return this.#delete(name, kept);
      case 2:
        return this.#touch(name, kept);
      case 3:
      case 4:
        return this.#get(name, kept);
      default:
        return this.#set(name, kept);
    }
  }

  /** Keys of all lengths; few are of the shortest. */
  #chooseKey(number: number): string {
    const filling = number % 11 === 0 ? number % 120 : number % 97 === 0 ? number % 1_000 : 0;
    const name = `${number.toString(36)}${"-".repeat(filling)}`;
    this.#key.length = Buffer.from(this.#key.bytes.buffer).write(name, this.#key.start, "latin1");
    return name;
  }

  #chooseExpiry(): number {
    const isTimed = this.#random() < this.#load.timed;
    return isTimed ? this.#nowMs + 1 + this.#below(this.#load.ttlMs) : 0;
  }

  /** Checks what an operation found: the key must be as in the model, or have been evicted. */
  #meet(name: string, kept: Kept | undefined): void {
    const { length, expiresAtMs } = this.#found;
    if (length === NONE) {
      assert(!this.#refuses || kept === undefined, "a store that refuses loses nothing");
      this.#model.delete(name);
      return;
    }
    assert(kept !== undefined, "nothing is found that is not there");
    assertEquals([length, expiresAtMs], [kept.length, kept.expiresAtMs]);
    assert(this.#holds(this.#found.bytes.subarray(1), kept), "the value is the one that was set");
  }

  #holds(bytes: Uint8Array, kept: Kept): boolean {
    if (kept.number !== null) {
      return Buffer.from(bytes.subarray(0, kept.length)).toString() === String(kept.number);
    }
    fill(this.#expected, 0, kept.length, kept.tag);
    return Buffer.compare(
      bytes.subarray(0, kept.length),
      this.#expected.subarray(0, kept.length),
    ) ===
      0;
  }

  #get(name: string, kept: Kept | undefined): void {
    const isExists = this.#below(2) === 0;
    if (!isExists) {
      const result = this.#store.get(this.#key, this.#found);
      assertEquals(result, this.#found.length === NONE ? Result.MISSING : Result.DONE);
      this.#meet(name, kept);
      return;
    }
    const result = this.#store.exists(this.#key, this.#found);
    if (result === Result.DONE) assertEquals(this.#found.expiresAtMs, kept?.expiresAtMs);
    else assert(!this.#refuses || kept === undefined);
  }

  #set(name: string, kept: Kept | undefined): void {
    const length = Math.floor(this.#load.lengthOf(this.#random()));
    const next = { tag: ++this.#tag, length, number: null, expiresAtMs: this.#chooseExpiry() };
    fill(this.#value.bytes, this.#value.start, length, next.tag);
    this.#value.length = length;
    const overwrite = this.#below(4) > 0;
    const { expiresAtMs } = next;
    const result = this.#store.set(this.#key, this.#value, expiresAtMs, overwrite, this.#found);
    const isThere = this.#found.length !== NONE;
    this.#meet(name, kept);
    if (result === Result.DONE) {
      if (!isThere) this.#balance++;
      this.#model.set(name, next);
    } else if (result === Result.PRESENT) {
      assert(isThere && !overwrite);
    } else {
      assertEquals(result, Result.FULL);
      this.#expectFull(length);
    }
  }

  #expectFull(length: number): void {
    const isHuge = length > this.#store.limitBytes / 2;
    assert(this.#refuses || isHuge, "a store that evicts has room for all except the largest");
  }

  #delete(name: string, kept: Kept | undefined): void {
    const result = this.#store.delete(this.#key, this.#found);
    assertEquals(result, this.#found.length === NONE ? Result.MISSING : Result.DONE);
    this.#meet(name, kept);
    if (result === Result.DONE) this.#balance--;
    this.#model.delete(name);
  }

  /** Sets what to expect: the value of the key, or now and then something else. */
  #expect(kept: Kept | undefined): boolean {
    const isEqual = kept !== undefined && this.#below(4) > 0;
    const { bytes, start } = this.#given;
    if (kept === undefined) this.#given.length = 0;
    else if (kept.number !== null) {
      this.#given.length = Buffer.from(bytes.buffer).write(String(kept.number), start);
    } else {
      this.#given.length = kept.length;
      fill(bytes, start, kept.length, kept.tag);
    }
    if (!isEqual && this.#given.length > 0) bytes[start + this.#given.length - 1] ^= 1;
    return isEqual || (kept !== undefined && kept.length === 0);
  }

  #setIfEqual(name: string, kept: Kept | undefined): void {
    const isEqual = this.#expect(kept);
    const length = Math.floor(this.#load.lengthOf(this.#random()));
    const next = { tag: ++this.#tag, length, number: null, expiresAtMs: this.#chooseExpiry() };
    fill(this.#value.bytes, this.#value.start, length, next.tag);
    this.#value.length = length;
    const result = this.#store.setIfEqual(
      ...[this.#key, this.#given, this.#value, next.expiresAtMs, this.#found] as const,
    );
    this.#meet(name, kept);
    if (result === Result.DONE) {
      assert(isEqual, "only what is equal is replaced");
      this.#model.set(name, next);
    } else if (result === Result.FULL) this.#expectFull(length);
    else {
      const isThere = this.#found.length !== NONE;
      assertEquals(result, isThere ? Result.PRESENT : Result.MISSING);
      assert(!isThere || !isEqual, "what is equal is replaced");
    }
  }

  #deleteIfEqual(name: string, kept: Kept | undefined): void {
    const isEqual = this.#expect(kept);
    const result = this.#store.deleteIfEqual(this.#key, this.#given, this.#found);
    this.#meet(name, kept);
    if (this.#found.length === NONE) assertEquals(result, Result.MISSING);
    else assertEquals(result, isEqual ? Result.DONE : Result.PRESENT);
    if (result !== Result.DONE) return;
    this.#balance--;
    this.#model.delete(name);
  }

  /** Often of a prefix that a part of the keys have, and sometimes of all. */
  #drop(): void {
    const prefix = this.#below(4) === 0 ? "" : this.#below(36).toString(36);
    const gone = audit(this.#store).filter(({ key }) => key.startsWith(prefix));
    this.#balance -= gone.length;
    this.#store.drop({ bytes: Buffer.from(prefix), start: 0, length: prefix.length });
    for (const name of this.#model.keys()) if (name.startsWith(prefix)) this.#model.delete(name);
    if (prefix === "") assertEquals([this.#store.count, this.#store.payloadBytes], [0, 0]);
  }

  #add(name: string, kept: Kept | undefined): void {
    const expiresAtMs = this.#chooseExpiry();
    const delta = BigInt(1 + this.#below(1_000));
    const result = this.#store.add(this.#key, delta, expiresAtMs, this.#found);
    if (result === Result.NOT_A_NUMBER) {
      assert(kept !== undefined && kept.number === null);
      return;
    }
    if (result === Result.FULL) {
      assert(this.#refuses);
      return;
    }
    assertEquals(result, Result.DONE);
    // An evicted key does not exist: the sum shows whether it was evicted.
    const sum = BigInt(
      Buffer.from(this.#found.bytes.subarray(1, 1 + this.#found.length)).toString(),
    );
    const isNew = kept === undefined || sum === delta;
    assert(isNew ? sum === delta : sum === (kept.number ?? 0n) + delta);
    if (isNew) this.#balance++;
    this.#model.set(name, {
      tag: 0,
      length: this.#found.length,
      number: sum,
      expiresAtMs: isNew ? expiresAtMs : kept.expiresAtMs,
    });
    assertEquals(this.#found.expiresAtMs, isNew ? expiresAtMs : kept.expiresAtMs);
  }

  #touch(name: string, kept: Kept | undefined): void {
    const expiresAtMs = this.#chooseExpiry();
    const result = this.#store.touch(this.#key, expiresAtMs);
    if (result === Result.DONE) {
      assert(kept !== undefined);
      kept.expiresAtMs = expiresAtMs;
    } else if (result === Result.FULL) {
      assert(this.#refuses);
    } else {
      assert(!this.#refuses || kept === undefined);
      this.#model.delete(name);
    }
  }

  /** Everything stored is in the model, and nothing is missing without a reason. */
  #check(): void {
    while (this.#store.drops > 0) this.#store.sweep();
    const stored = audit(this.#store);
    this.#checkScan(stored);
    for (const { key, value, expiresAtMs } of stored) {
      const kept = this.#model.get(key);
      assert(kept !== undefined, "nothing is stored that was not set");
      assertEquals([value.length, expiresAtMs], [kept.length, kept.expiresAtMs]);
      assert(this.#holds(value, kept), "what is stored is what was set");
    }
    const { count, evictions, expirations } = this.#store;
    if (this.#load.fits(this.#store.limitBytes)) assertEquals(evictions, 0, "all of it has room");
    if (!this.#refuses) {
      assert(count >= this.#balance - evictions - expirations);
      return;
    }
    assertEquals([count, evictions], [this.#balance - expirations, 0]);
    const names = new Set(stored.map(({ key }) => key));
    for (const [name, kept] of this.#model) {
      assert(names.has(name) || isExpired(kept, this.#nowMs), "nothing is lost");
    }
  }

  /** While nothing is written, each key comes once. */
  #checkScan(stored: readonly Stored[]): void {
    const left = stored.filter(({ expiresAtMs }) => expiresAtMs === 0 || expiresAtMs > this.#nowMs);
    const keys = left.map(({ key }) => key).filter(({ length }) => length <= 128);
    const scanned = [...scanAll(this.#store, "", 128)];
    assertEquals(scanned.toSorted(), keys.toSorted());
    const inPages = [...scanAll(this.#store, "a", 1_024, 10)];
    assertEquals(
      new Set(inPages),
      new Set(left.map(({ key }) => key).filter((key) => key[0] === "a")),
    );
  }

  /** When everything that can expire has expired, the sweep leaves items without a time to live. */
  #drain(): void {
    this.#nowMs += this.#load.ttlMs + 1;
    while (this.#store.sweep());
    for (const { expiresAtMs } of audit(this.#store)) assertEquals(expiresAtMs, 0);
    this.#check();
  }
}

function isExpired(kept: Kept, nowMs: number): boolean {
  return kept.expiresAtMs !== 0 && kept.expiresAtMs <= nowMs;
}
