/**
 * The store: a log of items in memory outside the heap, an index over it, a cleaner that makes
 * room, a sweep of expired keys, and one of dropped keys. While there is room only ADD and SCAN
 * allocate, and no operation takes longer because the store holds more.
 */

import { assert } from "../assert.ts";
import { equalBytes } from "../bytes.ts";
import { Cleaner } from "./cleaner.ts";
import { copyRun } from "./copy.ts";
import { Dropper } from "./dropper.ts";
import { type Hash, HASH_KEY_BYTES, makeHash } from "./hash.ts";
import { isLarge, isTimed, valueLengthOf } from "./item.ts";
import { Key } from "./key.ts";
import { HintRing } from "./hints.ts";
import { Holds } from "./holds.ts";
import { layoutOf, WORD_BYTES } from "./layout.ts";
import { NOWHERE } from "./lookup.ts";
import { allocate, type SharedStore } from "./memory.ts";
import { fits64Bits, MAX_NUMBER_BYTES, parseExact, parseNumber, writeNumber } from "./number.ts";
import {
  type Found,
  MAX_STORED_BYTES,
  NONE,
  type Observer,
  type Page,
  type RestorableStore,
  Result,
  type Span,
} from "./store.ts";
import { Scanner } from "./scanner.ts";
import { Sweeper } from "./sweeper.ts";
import { Values } from "./values.ts";
import { Writer } from "./writer.ts";

/** Most sweep steps of an operation before it returns FULL, as long as they find something. */
const MAX_SWEEPS = 16;

export interface LogStoreOptions {
  /** 1 MiB to 16 GiB; covers all that grows with it: keys, values, the index, and tables. */
  readonly limitBytes: number;
  /** Milliseconds, never backwards. */
  readonly now: () => number;
  /** Fills the secret key of the hash. */
  readonly fillRandom: (bytes: Uint8Array) => void;
  /** What happens when there is no room; by default unread items are evicted. */
  readonly onFull?: "evict" | "refuse";
  /** Whether a store that refuses leaves room so that all its items can be restored elsewhere. */
  readonly keepsReserve?: boolean;
  /**
   * Called with each key that the store is about to remove by itself: evicted, or expired. The key
   * must be read at once, and its value copied if it is needed; the store must not be called.
   */
  readonly onRemove?: (key: Span, copyValue: () => Uint8Array) => void;
  /** Threads that may read the store besides the caller's; by default none. */
  readonly readers?: number;
  /** Replaces the store's own hash, for tests. */
  readonly hash?: Hash;
}

export class LogStore implements RestorableStore {
  readonly limitBytes: number;
  /** What a thread needs to read the store: see reader.ts. */
  readonly shared: SharedStore;
  /** The store's parts, for tests to examine. */
  readonly values: Values;
  readonly sweeper: Sweeper;
  readonly dropper: Dropper;
  onDropEnd = () => {};
  #observer: Observer | null = null;
  readonly #scanner: Scanner;
  readonly #holds: Holds;
  readonly #hints: readonly HintRing[];
  readonly #now: () => number;
  readonly #writer: Writer;
  /** The key of the current operation. */
  readonly #key: Key;
  /** Marks an item that a reader has read, if it is still where the reader found it. */
  readonly #onHint = (hash: number, address: number) => {
    const { index, items } = this.values;
    if (index.findBy(hash, (found) => found === address) === address) items.markRead(address);
  };
  readonly #current: Span = { bytes: new Uint8Array(0), start: 0, length: 0 };
  readonly #sum: Span = { bytes: new Uint8Array(MAX_NUMBER_BYTES), start: 0, length: 0 };

  /** @throws RangeError if the limit is out of range, or the system does not provide the memory */
  constructor(options: LogStoreOptions) {
    const { limitBytes, now, onRemove, fillRandom, keepsReserve = false } = options;
    const layout = layoutOf(limitBytes);
    const evicts = options.onFull !== "refuse";
    const memory = allocate(layout, options.readers ?? 0, evicts);
    const hashKey = new Uint8Array(HASH_KEY_BYTES);
    fillRandom(hashKey);
    const hash = options.hash ?? makeHash(hashKey);
    this.shared = { memory, limitBytes, hashKey };
    this.#holds = new Holds(memory.holds);
    this.#hints = memory.hints.map((words) => new HintRing(words));
    this.limitBytes = limitBytes;
    this.#now = now;
    const removed: Span = { bytes: new Uint8Array(0), start: 0, length: 0 };
    this.values = new Values(memory, layout, hash, (keyHash, head) => {
      if (onRemove === undefined && this.#observer === null) return;
      this.values.items.showKey(head, removed);
      this.#observer?.onChange(removed);
      onRemove?.(removed, () => this.values.copyOf(keyHash, head));
    });
    const cleaner = new Cleaner(this.values, layout, now, evicts, () => this.#takeHints());
    this.sweeper = new Sweeper(this.values);
    this.dropper = new Dropper(this.values, () => this.onDropEnd());
    this.#scanner = new Scanner(this.values, now, fillRandom);
    const { values, sweeper } = this;
    this.#writer = new Writer({ values, cleaner, sweeper, layout, evicts, keepsReserve });
    this.#key = new Key(hash);
  }

  observe(observer: Observer | null): void {
    this.#observer = observer;
  }

  get count(): number {
    return this.values.count;
  }

  get payloadBytes(): number {
    return this.values.payloadBytes;
  }

  get usedBytes(): number {
    return this.values.log.liveWords * WORD_BYTES + this.values.index.pages.usedBytes;
  }

  get evictions(): number {
    return this.values.evictions;
  }

  get drops(): number {
    return this.values.drops.count;
  }

  get timed(): number {
    return this.values.timed;
  }

  get expirations(): number {
    return this.values.expirations;
  }

  get(key: Span, found: Found): Result {
    const address = this.#find(key);
    if (address !== NOWHERE) this.values.items.markRead(address);
    return this.#tell(address, found);
  }

  peek(key: Span, found: Found): Result {
    return this.#tell(this.#find(key), found);
  }

  exists(key: Span, found: Found): Result {
    const address = this.#find(key);
    found.length = NONE;
    found.expiresAtMs = 0;
    if (address === NOWHERE) return Result.MISSING;
    this.values.items.markRead(address);
    found.expiresAtMs = this.values.items.expiryOf(address);
    return Result.DONE;
  }

  set(key: Span, value: Span, expiresAtMs: number, overwrite: boolean, found: Found): Result {
    const address = this.#find(key);
    this.#tell(address, found);
    if (address === NOWHERE || overwrite) return this.#put(key, address, value, expiresAtMs);
    this.values.items.markRead(address);
    return Result.PRESENT;
  }

  setIfEqual(key: Span, expected: Span, value: Span, expiresAtMs: number, found: Found): Result {
    const address = this.#find(key);
    const result = this.#tell(address, found);
    if (result === Result.MISSING) return result;
    if (this.#hasValue(address, expected)) return this.#put(key, address, value, expiresAtMs);
    this.values.items.markRead(address);
    return Result.PRESENT;
  }

  deleteIfEqual(key: Span, expected: Span, found: Found): Result {
    const address = this.#find(key);
    const result = this.#tell(address, found);
    if (result === Result.MISSING) return result;
    if (!this.#hasValue(address, expected)) return Result.PRESENT;
    this.#remove(key, address);
    return result;
  }

  isEqual(key: Span, value: Span): boolean {
    const address = this.#find(key);
    return address !== NOWHERE && this.#hasValue(address, value);
  }

  admitsDrop(prefix: Span): boolean {
    return this.values.drops.admits(prefix);
  }

  drop(prefix: Span): void {
    this.#observer?.onDrop(prefix);
    this.dropper.begin(prefix);
    this.dropper.step();
  }

  scan(prefix: Span, page: Page): Result {
    return this.#scanner.scan(prefix, page);
  }

  restore(key: Span, value: Span, expiresAtMs: number): boolean {
    this.#writer.isRestoring = true;
    try {
      return this.#put(key, this.#find(key), value, expiresAtMs) === Result.DONE;
    } finally {
      this.#writer.isRestoring = false;
    }
  }

  delete(key: Span, found: Found): Result {
    const address = this.#find(key);
    const result = this.#tell(address, found);
    if (result === Result.DONE) this.#remove(key, address);
    return result;
  }

  #remove(key: Span, address: number): void {
    this.#observer?.onChange(key);
    this.values.remove(this.#key.hash, address);
  }

  add(key: Span, delta: bigint, expiresAtMs: number, found: Found): Result {
    const address = this.#find(key);
    const sum = this.#sumAt(address, delta);
    if (sum === null) return Result.NOT_A_NUMBER;
    if (typeof sum === "bigint" && !fits64Bits(sum)) return Result.OVERFLOW;
    this.#sum.length = writeNumber(sum, this.#sum.bytes, 0);
    const expiry = address === NOWHERE ? expiresAtMs : this.values.items.expiryOf(address);
    const result = this.#put(key, address, this.#sum, expiry);
    if (result === Result.DONE) {
      found.length = this.#sum.length;
      found.expiresAtMs = expiry;
      if (found.length <= found.room) {
        copyRun(this.#sum.bytes, 0, found.bytes, found.start, found.length);
      }
    }
    return result;
  }

  touch(key: Span, expiresAtMs: number): Result {
    const address = this.#find(key);
    if (address === NOWHERE) return Result.MISSING;
    this.#observer?.onChange(key);
    this.values.items.markRead(address);
    if (!isTimed(this.values.items.header(address))) {
      return expiresAtMs === 0 ? Result.DONE : this.#makeTimed(address, expiresAtMs);
    }
    this.#setExpiry(address, expiresAtMs);
    return Result.DONE;
  }

  #setExpiry(address: number, expiresAtMs: number): void {
    const { index, items, log } = this.values;
    this.values.noteRewrite(items.expiryOf(address), expiresAtMs, 0);
    const partition = index.partitionOf(this.#key.hash);
    const begins = index.versions.begin(partition);
    items.setExpiry(address, expiresAtMs);
    if (begins) index.versions.end(partition);
    log.noteExpiry(address, expiresAtMs);
  }

  hold(key: Span): number {
    this.#key.read(key);
    this.#holds.hold(this.#key.hash);
    return this.#key.hash;
  }

  release(held: number): void {
    this.#holds.release(held);
  }

  sweep(): boolean {
    const hasHints = this.#takeHints();
    const hasDrops = this.dropper.step();
    return this.sweeper.step(this.#now()) || hasHints || hasDrops;
  }

  /** @returns whether there are more */
  #takeHints(): boolean {
    let hasMore = false;
    for (const hints of this.#hints) hasMore = hints.take(this.#onHint) || hasMore;
    return hasMore;
  }

  /** The item of a key, or the head of its value; NOWHERE if there is none or it has expired. */
  #find(key: Span): number {
    this.#key.read(key);
    const address = this.#findLeft();
    if (address === NOWHERE || !isTimed(this.values.items.header(address))) return address;
    if (!this.values.items.isExpired(address, this.#now())) return address;
    this.values.expire(this.#key.hash, address);
    return NOWHERE;
  }

  /** As #find, for the key that was read last, expired or not. */
  #findLeft(): number {
    const { index, drops } = this.values;
    const address = index.find(this.#key);
    return address !== NOWHERE && drops.cover(address) ? NOWHERE : address;
  }

  /** Whether the value that begins with an item has these bytes. */
  #hasValue(address: number, { bytes, start, length }: Span): boolean {
    const { values } = this;
    if (values.lengthOf(address) !== length) return false;
    const current = this.#current;
    if (isLarge(values.items.header(address))) {
      current.bytes = values.copyOf(this.#key.hash, address);
      current.start = 0;
    } else values.items.showValue(address, current);
    return equalBytes(current.bytes, current.start, bytes, start, length);
  }

  /** Reports the item at an address: DONE with the value, or MISSING. */
  #tell(address: number, found: Found): Result {
    if (address === NOWHERE) {
      found.length = NONE;
      found.expiresAtMs = 0;
      return Result.MISSING;
    }
    const { values } = this;
    const header = values.items.header(address);
    found.expiresAtMs = values.items.expiryOf(address, header);
    if (isLarge(header)) {
      found.length = values.lengthOf(address);
      if (found.length <= found.room) {
        values.readPieces(this.#key.hash, address, found.bytes, found.start);
      }
    } else {
      found.length = valueLengthOf(header);
      if (found.length <= found.room) {
        values.items.readValue(address, found.bytes, found.start, header);
      }
    }
    return Result.DONE;
  }

  #put(key: Span, address: number, value: Span, expiresAtMs: number): Result {
    this.#observer?.onChange(key);
    assert(value.length >= 0, "a value that is stored is there");
    if (value.length > MAX_STORED_BYTES) {
      throw new RangeError(`a value has at most ${MAX_STORED_BYTES} bytes, not ${value.length}`);
    }
    const { versions } = this.values.index;
    const partition = this.values.index.partitionOf(this.#key.hash);
    // One change for readers, although the old value may be gone before the new one is there.
    const begins = versions.begin(partition);
    try {
      if (this.#writer.write(this.#key, address, value, expiresAtMs)) return Result.DONE;
      return this.#putAfterSweeping(value, expiresAtMs);
    } finally {
      if (begins) versions.end(partition);
    }
  }

  // Code that makes a closure is kept apart, so that nothing is allocated when there is room.

  #putAfterSweeping(value: Span, expiresAtMs: number): Result {
    return this.#afterSweeping((at) => this.#writer.write(this.#key, at, value, expiresAtMs));
  }

  #makeTimed(address: number, expiresAtMs: number): Result {
    if (this.#writer.makeTimed(this.#key, address, expiresAtMs)) return Result.DONE;
    return this.#afterSweeping((at) => this.#writer.makeTimed(this.#key, at, expiresAtMs));
  }

  /** Retries a write that found no room, as long as a sweep removes something. */
  #afterSweeping(write: (address: number) => boolean): Result {
    for (let sweeps = 0; sweeps < MAX_SWEEPS; sweeps++) {
      const before = this.expirations + this.dropper.removed;
      this.sweep();
      if (this.expirations + this.dropper.removed === before) return Result.FULL;
      if (write(this.#findLeft())) return Result.DONE;
    }
    return Result.FULL;
  }

  /** The stored number plus the delta; null if it is not a number. Small numbers avoid BigInts. */
  #sumAt(address: number, delta: bigint): number | bigint | null {
    if (address === NOWHERE) return delta;
    this.values.items.showValue(address, this.#current);
    const { bytes, start, length } = this.#current;
    const exactDelta = Number(delta);
    const exactSum = parseExact(bytes, start, length) + exactDelta;
    if (Number.isSafeInteger(exactSum) && Number.isSafeInteger(exactDelta)) return exactSum;
    const current = parseNumber(bytes, start, length);
    return current === null ? null : current + delta;
  }
}
