/**
 * A store whose changes are journaled. What it does it does at once, in memory; whether that is durable
 * is told by `pending`. To operations it is what it will be when all is durable; `durable` shows what is
 * durable already, so that who reads it never sees what a crash could undo.
 */

import { Buffer } from "node:buffer";
import { copyRun } from "../store/copy.ts";
import {
  type Found,
  MAX_STORED_BYTES,
  NONE,
  type RestorableStore,
  Result,
  type Span,
  type Store,
} from "../store/store.ts";
import type { Before, Problem } from "./batch.ts";
import type { Change } from "./change.ts";
import { Journal, type JournalOptions } from "./journal.ts";

/** What a store that is only read does. */
export type Reads = Pick<Store, "get" | "exists">;

export interface JournaledStoreOptions extends Omit<JournalOptions, "takeBack"> {
  /** The store in memory, which is to say what it evicts. */
  readonly makeStore: (onEvict: (key: Span) => void) => RestorableStore;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
}

export class JournaledStore implements Store {
  readonly journal: Journal;
  /** What is durable, and nothing else. */
  readonly durable: Reads;
  /** Whether an operation since this was last set to false met what may not be durable. */
  isTouched = false;
  readonly #memory: RestorableStore;
  readonly #now: () => number;
  readonly #wallNow: () => number;
  /** What a key is in memory: the value, and when it expires. */
  readonly #current: Found = {
    bytes: new Uint8Array(MAX_STORED_BYTES),
    start: 0,
    room: MAX_STORED_BYTES,
    length: NONE,
    expiresAtMs: 0,
  };

  constructor({ makeStore, ...options }: JournaledStoreOptions) {
    this.#now = options.now;
    this.#wallNow = options.wallNow;
    this.#memory = makeStore((key) => this.journal.appendKept(key, null, 0));
    this.journal = new Journal({
      ...options,
      takeBack: (undo, kept) => this.#takeBack(undo, kept),
    });
    this.durable = {
      get: (key, found) => this.#getDurable(key, found) ?? this.#memory.get(key, found),
      exists: (key, found) => this.#getDurable(key, found) ?? this.#memory.exists(key, found),
    };
  }

  get count(): number {
    return this.#memory.count;
  }

  get payloadBytes(): number {
    return this.#memory.payloadBytes;
  }

  get usedBytes(): number {
    return this.#memory.usedBytes;
  }

  get limitBytes(): number {
    return this.#memory.limitBytes;
  }

  get evictions(): number {
    return this.#memory.evictions;
  }

  get expirations(): number {
    return this.#memory.expirations;
  }

  /**
   * What to wait for before telling what an operation did: it resolves with null once all is durable,
   * or with the reason why the changes were taken back. Null if it may be told at once.
   */
  pending(): Promise<Problem | null> | null {
    return this.journal.pending();
  }

  get(key: Span, found: Found): Result {
    this.#touch(key);
    return this.#memory.get(key, found);
  }

  exists(key: Span, found: Found): Result {
    this.#touch(key);
    return this.#memory.exists(key, found);
  }

  set(key: Span, value: Span, expiresAtMs: number, overwrite: boolean, found: Found): Result {
    return this.#change(
      key,
      found,
      () => this.#memory.set(key, value, expiresAtMs, overwrite, found),
    );
  }

  delete(key: Span, found: Found): Result {
    return this.#change(key, found, () => this.#memory.delete(key, found));
  }

  add(key: Span, delta: bigint, expiresAtMs: number, found: Found): Result {
    return this.#change(key, found, () => this.#memory.add(key, delta, expiresAtMs, found));
  }

  touch(key: Span, expiresAtMs: number): Result {
    return this.#change(key, null, () => this.#memory.touch(key, expiresAtMs));
  }

  sweep(): boolean {
    return this.#memory.sweep();
  }

  /** Puts what the disk has into memory. @returns MISSING if it has expired, DONE, or FULL */
  load({ key, value, expiresAtMs }: Omit<Change, "isKept">): Result {
    const ttlMs = expiresAtMs - this.#wallNow();
    if (value === null || (expiresAtMs !== 0 && ttlMs <= 0)) return Result.MISSING;
    const storedUntilMs = expiresAtMs === 0 ? 0 : Math.ceil(this.#now() + ttlMs);
    const isThere = this.#memory.restore(spanOf(key), spanOf(value), storedUntilMs);
    return isThere ? Result.DONE : Result.FULL;
  }

  #touch(key: Span): void {
    if (this.journal.hasUndo && this.journal.durable(nameOf(key)) !== undefined) {
      this.isTouched = true;
    }
  }

  #change(key: Span, found: Found | null, operate: () => Result): Result {
    const { journal } = this;
    this.isTouched = true;
    if (journal.isFull) {
      if (found !== null) found.length = NONE;
      return Result.FULL;
    }
    const wasThere = this.#look(key);
    const name = journal.takesBack ? nameOf(key) : null;
    const before = name === null || journal.remembers(name) ? null : this.#copy(wasThere);
    const result = operate();
    const isThere = this.#look(key);
    // A store that evicts may have lost the key, though it found no room.
    if (result !== Result.DONE && wasThere === isThere) return result;
    const value = isThere ? this.#current : null;
    const expiresAtMs = isThere ? this.#wallTimeOf(this.#current.expiresAtMs) : 0;
    if (name === null) journal.appendKept(key, value, expiresAtMs);
    else journal.append(key, value, expiresAtMs, name, before);
    return result;
  }

  /** Makes `#current` what a key is in memory. @returns whether it is there */
  #look(key: Span): boolean {
    return this.#memory.get(key, this.#current) === Result.DONE;
  }

  #copy(isThere: boolean): Before {
    const { bytes, length, expiresAtMs } = this.#current;
    return isThere ? { value: bytes.slice(0, length), expiresAtMs } : null;
  }

  /** Ms since 1970 for ms on the store's clock. */
  #wallTimeOf(expiresAtMs: number): number {
    if (expiresAtMs === 0) return 0;
    const wallMs = Math.round(this.#wallNow() + expiresAtMs - this.#now());
    return Math.max(1, Math.min(wallMs, Number.MAX_SAFE_INTEGER));
  }

  #getDurable(key: Span, found: Found): Result | null {
    if (!this.journal.hasUndo) return null;
    const before = this.journal.durable(nameOf(key));
    if (before === undefined) return null;
    found.length = NONE;
    found.expiresAtMs = 0;
    if (before === null) return Result.MISSING;
    const { value, expiresAtMs } = before;
    if (expiresAtMs !== 0 && expiresAtMs <= this.#now()) return Result.MISSING;
    found.length = value.length;
    found.expiresAtMs = expiresAtMs;
    if (value.length <= found.room) copyRun(value, 0, found.bytes, found.start, value.length);
    return Result.DONE;
  }

  #takeBack(undo: ReadonlyMap<string, Before>, kept: readonly Uint8Array[]): void {
    // All of it goes first, since the room that one took may be another's, and what is large before
    // what is small.
    for (const name of undo.keys()) this.#memory.delete(keyOf(name), this.#current);
    const present = [...undo].flatMap(([name, before]) =>
      before === null ? [] : [{ name, before }]
    );
    present.sort((a, b) => b.before.value.length - a.before.value.length);
    for (const { name, before } of present) this.#restore(keyOf(name), before);
    for (const bytes of kept) {
      const key = spanOf(bytes);
      const value = this.#look(key) ? this.#current : null;
      const expiresAtMs = value === null ? 0 : this.#wallTimeOf(this.#current.expiresAtMs);
      this.journal.appendKept(key, value, expiresAtMs);
    }
  }

  /** @throws Error if it finds no room: memory is then not what the disk has, and can't go on */
  #restore(key: Span, { value, expiresAtMs }: NonNullable<Before>): void {
    if (this.#memory.restore(key, spanOf(value), expiresAtMs)) return;
    throw new Error("memory has no room for what it held; start again, on what is durable");
  }
}

/** The store as one whose changes become durable; null where nothing outlives the process. */
export function journaledOf(store: Store | JournaledStore): JournaledStore | null {
  return store instanceof JournaledStore ? store : null;
}

function spanOf(bytes: Uint8Array): Span {
  return { bytes, start: 0, length: bytes.length };
}

/** A key as a string, one character a byte. */
function nameOf({ bytes, start, length }: Span): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("latin1");
}

function keyOf(name: string): Span {
  return spanOf(Buffer.from(name, "latin1"));
}
