/**
 * The states of keys before their changes. With them, changes that could not be made durable are
 * taken back, and readers see durable state meanwhile.
 */

import { assert } from "../assert.ts";

/** A key's earlier state: null if it did not exist; a null value has not changed since. */
export type Before = { readonly value: Uint8Array | null; readonly expiresAtMs: number } | null;

/** The earlier states, by name, of the keys of a batch whose changes may be refused. */
export class Undo {
  readonly #befores = new Map<string, Before>();
  #bytes = 0;

  get size(): number {
    return this.#befores.size;
  }

  /** Memory of names and values. */
  get bytes(): number {
    return this.#bytes;
  }

  get(name: string): Before | undefined {
    return this.#befores.get(name);
  }

  has(name: string): boolean {
    return this.#befores.has(name);
  }

  /** Whether a key's earlier value is known, not only its expiry. */
  hasValue(name: string): boolean {
    const before = this.#befores.get(name);
    return before !== undefined && before?.value !== null;
  }

  /**
   * Notes a key's state before a change. The first note counts; a later one adds the value, if the
   * first has none.
   * @param before undefined if enough is known
   */
  note(name: string, before: Before | undefined): void {
    const known = this.#befores.get(name);
    if (before === undefined) {
      assert(known !== undefined, "the earlier state of the key is known");
    } else if (known === undefined) {
      this.#bytes += name.length;
      this.#set(name, before);
    } else if (known?.value === null) {
      this.#set(name, over(known, before));
    }
  }

  [Symbol.iterator](): Iterator<[string, Before]> {
    return this.#befores[Symbol.iterator]();
  }

  #set(name: string, before: Before): void {
    this.#befores.set(name, before);
    this.#bytes += before?.value?.length ?? 0;
  }
}

/** The states of keys before all of the given batches. @param undos oldest first */
export function mergeUndos(undos: readonly Undo[]): Map<string, Before> {
  const merged = new Map<string, Before>();
  for (const undo of undos.toReversed()) {
    for (const [name, before] of undo) merged.set(name, over(before, merged.get(name)));
  }
  return merged;
}

/** A key's state before the oldest of the batches that changed it; undefined if none did. */
export function firstBefore(undos: Iterable<Undo>, name: string): Before | undefined {
  let first: Before | undefined;
  for (const undo of undos) {
    const before = undo.get(name);
    if (before === undefined) continue;
    first = first === undefined ? before : over(first, before);
    if (first?.value !== null) return first;
  }
  return first;
}

/** Merges two notes: the earlier one takes precedence. */
function over(earlier: Before, later: Before | undefined): Before {
  if (earlier?.value !== null || later === undefined) return earlier;
  return later && { value: later.value, expiresAtMs: earlier.expiresAtMs };
}
