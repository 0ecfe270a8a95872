/** Changes that are made durable together, and how to take them back if they can't be. */

import type { Span } from "../store/store.ts";
import { changeBytes, readChanges, writeChange } from "./change.ts";

/** What a key was before: its value and when it expires, on the store's clock; null if it was not. */
export type Before = { readonly value: Uint8Array; readonly expiresAtMs: number } | null;

/** Why changes could not be made durable, for people. */
export type Problem = string;

const MIN_BYTES = 16_384;
const MAX_KEPT_BYTES = 1024 * 1024;

export class Batch {
  /** By the name of each key that was changed and whose change may be refused. */
  readonly undo = new Map<string, Before>();
  /** Resolves once the changes are durable, with null, or taken back, with the reason. */
  readonly settled: Promise<Problem | null>;
  settle: (problem: Problem | null) => void = () => {};
  changes = 0;
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #undoBytes = 0;

  /** @param memory of an earlier batch, to be used again */
  constructor(memory = new Uint8Array(MIN_BYTES)) {
    this.#bytes = memory;
    this.settled = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  /** Bytes of the changes. */
  get length(): number {
    return this.#length;
  }

  /** Memory that it holds. */
  get heldBytes(): number {
    return this.#length + this.#undoBytes;
  }

  /** @param expiresAtMs since 1970, a whole number; 0 for never */
  append(key: Span, value: Span | null, expiresAtMs: number, isKept: boolean): void {
    const end = this.#length + changeBytes(key, value);
    if (end > this.#bytes.length) this.#grow(end);
    writeChange(this.#bytes, this.#length, key, value, expiresAtMs, isKept);
    this.#length = end;
    this.changes++;
  }

  remember(name: string, before: Before): void {
    if (this.undo.has(name)) return;
    this.undo.set(name, before);
    this.#undoBytes += name.length + (before?.value.length ?? 0);
  }

  /** A copy of the changes. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** The keys of changes for which nobody waits. */
  *keptKeys(): Generator<Uint8Array> {
    for (const { key, isKept } of readChanges(this.#bytes.subarray(0, this.#length))) {
      if (isKept) yield key;
    }
  }

  /** Its memory, for another batch, when this one has ended; not if it grew too much. */
  get memory(): Uint8Array<ArrayBuffer> | undefined {
    return this.#bytes.length <= MAX_KEPT_BYTES ? this.#bytes : undefined;
  }

  #grow(least: number): void {
    const larger = new Uint8Array(Math.max(least, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
