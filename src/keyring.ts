/**
 * The keys that a server accepts: one of version 1, or two while the clients change from one to the
 * other; and as many of the original wire.
 */

import { assert } from "./assert.ts";
import { equalBytes } from "./bytes.ts";
import { KEY_BYTES } from "./protocol/keys.ts";
import type { Line } from "./section.ts";
import { type Counters, KEY_SLOTS, MAX_KEYS } from "./statistics.ts";

/** A key in the slot where its requests are counted: the slots of the original wire come last. */
export interface SlottedKey {
  readonly slot: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

export interface AcceptedKey {
  readonly key: Uint8Array;
  /** What STATS calls it, which does not tell the key. */
  readonly id: string;
  readonly isOriginal: boolean;
}

export const isOriginalSlot = (slot: number): boolean => slot >= MAX_KEYS;

type PlacedKey = AcceptedKey & SlottedKey;

export class Keyring {
  readonly #counters: Counters;
  readonly #now: () => number;
  #keys: readonly PlacedKey[] = [];

  /** @param now the store's clock */
  constructor(counters: Counters, now: () => number) {
    this.#counters = counters;
    this.#now = now;
  }

  /** In the order in which they are tried. */
  get keys(): readonly SlottedKey[] {
    return this.#keys;
  }

  /** What STATS calls the keys of version 1. */
  get ids(): string[] {
    return this.#keys.filter(({ isOriginal }) => !isOriginal).map(({ id }) => id);
  }

  /** The slots of other keys, at most two of a wire. One that is accepted now keeps its slot. */
  plan(keys: readonly AcceptedKey[]): PlacedKey[] {
    const stay = keys.map((key) => this.#keys.find((each) => isSame(key, each)));
    const taken = new Set(stay.flatMap((each) => each?.slot ?? []));
    return keys.map((key, i) => ({ ...key, slot: stay[i]?.slot ?? this.#freeSlot(key, taken) }));
  }

  /** Accepts other keys, as planned. New ones have no counts; those of old ones are known by now. */
  replace(keys: readonly PlacedKey[]): void {
    for (const { slot } of keys.filter((key) => !this.#keys.some((each) => isSame(key, each)))) {
      this.#counters.byKey[slot] = 0;
      this.#counters.keyUsedAtMs[slot] = Number.NaN;
    }
    this.#keys = keys;
  }

  /** One that was free before, if there is one: a late count of an old key may still come. */
  #freeSlot({ isOriginal }: AcceptedKey, taken: Set<number>): number {
    const slots = Array.from({ length: KEY_SLOTS }, (_, slot) => slot)
      .filter((slot) => isOriginalSlot(slot) === isOriginal && !taken.has(slot));
    const unused = slots.find((slot) => !this.#keys.some((key) => key.slot === slot));
    const [slot] = unused === undefined ? slots : [unused];
    assert(slot !== undefined, "there is a slot for each key");
    taken.add(slot);
    return slot;
  }

  /** The section `keys` of STATS: for each its id, its requests, and the time since the last of them. */
  lines(): Line[] {
    const nowMs = this.#now();
    const numbers = [0, 0];
    return this.#keys.flatMap(({ id, slot, isOriginal }) => {
      const name = `${isOriginal ? "skvs_" : ""}key_${++numbers[Number(isOriginal)]}`;
      const idleMs = nowMs - this.#counters.keyUsedAtMs[slot];
      const lines: Line[] = [[name, id], [`${name}_requests`, this.#counters.byKey[slot]]];
      if (!Number.isNaN(idleMs)) lines.push([`${name}_idle_ms`, Math.max(0, Math.round(idleMs))]);
      return lines;
    });
  }
}

function isSame(a: AcceptedKey, b: AcceptedKey): boolean {
  return a.isOriginal === b.isOriginal && equalBytes(a.key, 0, b.key, 0, KEY_BYTES);
}
