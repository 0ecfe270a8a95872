/**
 * A store in a Map: plain, and good for some hundred thousand keys.
 *
 * Invariants: `usedBytes` is the sum of the charges of all entries and never exceeds the limit
 * after an operation; the Map's own order is the order of writing, so the first entry is the
 * oldest and the next to be evicted.
 */

import { fits64Bits, MAX_NUMBER_BYTES, parseNumber, writeNumber } from "./number.ts";
import { type Found, NONE, Result, type Span, type Store } from "./store.ts";

/** What an entry costs beyond its key and value: 450 to 550 bytes, measured on Bun. */
const ENTRY_OVERHEAD_BYTES = 512;
/** Entries that one step of a sweep looks at. */
const SWEEP_STEP = 256;

interface Entry {
  value: Uint8Array;
  expiresAtMs: number;
}

export interface MapStoreOptions {
  readonly limitBytes: number;
  /** Milliseconds, never backwards. */
  readonly now: () => number;
}

export class MapStore implements Store {
  readonly limitBytes: number;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #number = new Uint8Array(MAX_NUMBER_BYTES);
  /** Stands before the oldest entry. One iterator: a new one walks over all that was removed. */
  #oldest: Iterator<[string, Entry]>;
  #sweeping: Iterator<[string, Entry]>;
  /** Entries that this round of the sweep still looks at: rewriting adds more without end. */
  #sweepLeft = 0;
  #usedBytes = 0;
  #evictions = 0;
  #expirations = 0;

  constructor(options: MapStoreOptions) {
    this.limitBytes = options.limitBytes;
    this.#now = options.now;
    this.#oldest = this.#entries.entries();
    this.#sweeping = this.#entries.entries();
  }

  get count(): number {
    return this.#entries.size;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get evictions(): number {
    return this.#evictions;
  }

  get expirations(): number {
    return this.#expirations;
  }

  get(key: Span, found: Found): Result {
    const entry = this.#live(textOf(key));
    tell(entry, found);
    return entry === undefined ? Result.MISSING : Result.DONE;
  }

  exists(key: Span, found: Found): Result {
    const entry = this.#live(textOf(key));
    found.length = NONE;
    found.expiresAtMs = entry?.expiresAtMs ?? 0;
    return entry === undefined ? Result.MISSING : Result.DONE;
  }

  set(key: Span, value: Span, expiresAtMs: number, overwrite: boolean, found: Found): Result {
    const text = textOf(key);
    const entry = this.#live(text);
    tell(entry, found);
    if (entry !== undefined && !overwrite) return Result.PRESENT;
    const bytes = copyOf(value);
    return this.#put(text, bytes, expiresAtMs);
  }

  delete(key: Span, found: Found): Result {
    const text = textOf(key);
    const entry = this.#live(text);
    tell(entry, found);
    if (entry === undefined) return Result.MISSING;
    this.#remove(text, entry);
    return Result.DONE;
  }

  add(key: Span, delta: bigint, expiresAtMs: number, found: Found): Result {
    const text = textOf(key);
    const entry = this.#live(text);
    const current = entry === undefined ? 0n : parseNumber(entry.value, 0, entry.value.length);
    if (current === null) return Result.NOT_A_NUMBER;
    const sum = current + delta;
    if (!fits64Bits(sum)) return Result.OVERFLOW;
    const value = this.#number.slice(0, writeNumber(sum, this.#number, 0));
    const result = this.#put(text, value, entry?.expiresAtMs ?? expiresAtMs);
    if (result === Result.DONE) tell(this.#entries.get(text), found);
    return result;
  }

  touch(key: Span, expiresAtMs: number): Result {
    const entry = this.#live(textOf(key));
    if (entry === undefined) return Result.MISSING;
    entry.expiresAtMs = expiresAtMs;
    return Result.DONE;
  }

  sweep(): void {
    const nowMs = this.#now();
    for (let i = 0; i < SWEEP_STEP; i++) {
      if (this.#sweepLeft === 0) this.#beginSweep();
      const next = this.#sweeping.next();
      if (next.done) {
        this.#sweepLeft = 0;
        return;
      }
      this.#sweepLeft--;
      const [text, entry] = next.value;
      if (isExpired(entry, nowMs)) this.#expire(text, entry);
    }
  }

  #beginSweep(): void {
    this.#sweeping = this.#entries.entries();
    this.#sweepLeft = this.#entries.size;
  }

  #live(text: string): Entry | undefined {
    const entry = this.#entries.get(text);
    if (entry === undefined || !isExpired(entry, this.#now())) return entry;
    this.#expire(text, entry);
    return undefined;
  }

  #put(text: string, value: Uint8Array, expiresAtMs: number): Result {
    if (chargeOf(text, value) > this.limitBytes) return Result.FULL;
    const replaced = this.#entries.get(text);
    if (replaced !== undefined) this.#remove(text, replaced);
    this.#entries.set(text, { value, expiresAtMs });
    this.#usedBytes += chargeOf(text, value);
    this.#evict();
    return Result.DONE;
  }

  #evict(): void {
    while (this.#usedBytes > this.limitBytes) {
      const next = this.#oldest.next();
      if (next.done) {
        this.#oldest = this.#entries.entries();
        continue;
      }
      const [text, entry] = next.value;
      this.#remove(text, entry);
      this.#evictions++;
    }
  }

  #expire(text: string, entry: Entry): void {
    this.#remove(text, entry);
    this.#expirations++;
  }

  #remove(text: string, entry: Entry): void {
    this.#entries.delete(text);
    this.#usedBytes -= chargeOf(text, entry.value);
  }
}

function isExpired(entry: Entry, nowMs: number): boolean {
  return entry.expiresAtMs !== 0 && entry.expiresAtMs <= nowMs;
}

function chargeOf(text: string, value: Uint8Array): number {
  return text.length + value.length + ENTRY_OVERHEAD_BYTES;
}

/** Not `slice`: that of a Buffer shares the whole frame's memory. */
function copyOf({ bytes, start, length }: Span): Uint8Array {
  return new Uint8Array(bytes.subarray(start, start + length));
}

/** A key as a string with one character a byte. */
function textOf(key: Span): string {
  let text = "";
  for (let i = 0; i < key.length; i++) text += String.fromCharCode(key.bytes[key.start + i]);
  return text;
}

function tell(entry: Entry | undefined, found: Found): void {
  found.length = entry?.value.length ?? NONE;
  found.expiresAtMs = entry?.expiresAtMs ?? 0;
  if (entry !== undefined && entry.value.length <= found.room) {
    found.bytes.set(entry.value, found.start);
  }
}
