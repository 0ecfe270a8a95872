/** Changes that are made durable together, and how to take them back if they can't be. */

import type { Span } from "../store/store.ts";
import { changeBytes, readChanges, writeChange } from "./change.ts";

/** What a key was before: its value and when it expires, on the store's clock; null if it was not. */
export type Before = { readonly value: Uint8Array; readonly expiresAtMs: number } | null;

/** Why changes could not be made durable, for people. */
export type Problem = string;

const MIN_BYTES = 4_096;

export class Batch {
  /** By the name of each key that was changed and whose change may be refused. */
  readonly undo = new Map<string, Before>();
  /** Resolves once the changes are durable, with null, or taken back, with the reason. */
  readonly settled: Promise<Problem | null>;
  settle: (problem: Problem | null) => void = () => {};
  changes = 0;
  #bytes = new Uint8Array(MIN_BYTES);
  #length = 0;
  #undoBytes = 0;

  constructor() {
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

  #grow(least: number): void {
    const larger = new Uint8Array(Math.max(least, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
