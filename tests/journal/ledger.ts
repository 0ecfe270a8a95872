/** What a client knows about its keys: what each must be after a crash, and what else it may be. */

import { assert } from "@std/assert";
import type { Calls } from "../../src/client.ts";

/** A value and whether it expires; null for no key. */
export type State = { readonly value: string; readonly isTimed: boolean } | null;

interface Known {
  confirmed: State;
  /** Earlier confirmed states, since the last check. */
  earlier: State[];
  /** The state after an operation of unknown outcome. */
  doubtful: State | undefined;
}

const HOUR_MS = 3_600_000;
const MAX_PADDING = 700;

export class Ledger {
  /** Operations that were confirmed, and those of unknown outcome. */
  confirmations = 0;
  doubts = 0;
  readonly #known = new Map<string, Known>();
  readonly #random: () => number;
  readonly #mayLose: boolean;
  #count = 0;

  /** @param mayLose whether the last confirmed changes may be lost, each whole */
  constructor(random: () => number, mayLose = false) {
    this.#random = random;
    this.#mayLose = mayLose;
  }

  get keys(): readonly string[] {
    return [...this.#known.keys()];
  }

  /** Changes a key that nobody else changes, and notes what is known about it afterwards. */
  async change(kv: Calls<true>, key: string, signal: AbortSignal): Promise<void> {
    const known = this.#known.get(key) ?? {
      confirmed: null,
      earlier: [],
      doubtful: undefined,
    };
    this.#known.set(key, known);
    const { next, call } = this.#draw(kv, key, known.confirmed, signal);
    try {
      await call();
      if (this.#mayLose) known.earlier.push(known.confirmed);
      known.confirmed = next;
      this.confirmations++;
    } catch (error) {
      const { effect } = error as { effect?: string };
      if (effect !== "none") known.doubtful = next;
      this.doubts++;
      throw error;
    }
  }

  /** Compares with the stored state, which becomes the known state. */
  async check(kv: Calls<true>, key: string): Promise<void> {
    const known = this.#known.get(key);
    assert(known !== undefined);
    const value = await kv.getText(key);
    const ttl = (await kv.exists(key))?.ttl;
    const actual = value === undefined ? null : { value, isTimed: ttl !== undefined };
    const { confirmed, earlier, doubtful } = known;
    const allowed = [confirmed, ...earlier, ...(doubtful === undefined ? [] : [doubtful])];
    assert(
      allowed.some((state) => areSame(state, actual)),
      `${key} is ${JSON.stringify(actual)}, and should be ${JSON.stringify(allowed)}`,
    );
    known.confirmed = actual;
    known.earlier = [];
    known.doubtful = undefined;
  }

  #draw(kv: Calls<true>, key: string, before: State, signal: AbortSignal) {
    const kind = this.#random();
    if (key.endsWith("counter")) {
      const sum = BigInt(before?.value ?? 0) + 3n;
      const next = { value: String(sum), isTimed: before?.isTimed ?? false };
      return { next, call: () => kv.add(key, 3, { signal }) };
    }
    if (kind < 0.25 && before !== null) {
      return { next: null, call: () => kv.delete(key, { signal }) };
    }
    if (kind < 0.4 && before !== null) {
      const next = { value: before.value, isTimed: !before.isTimed };
      const ttl = before.isTimed ? undefined : HOUR_MS;
      return { next, call: () => kv.touch(key, { ttl, signal }) };
    }
    const isTimed = kind > 0.85;
    const value = `${key} ${this.#count++} `.padEnd(Math.floor(this.#random() * MAX_PADDING), ".");
    const ttl = isTimed ? HOUR_MS : undefined;
    const call = () => kv.set(key, value, { overwrite: true, ttl, signal });
    return { next: { value, isTimed }, call };
  }
}

function areSame(a: State, b: State): boolean {
  return a === null || b === null ? a === b : a.value === b.value && a.isTimed === b.isTimed;
}
