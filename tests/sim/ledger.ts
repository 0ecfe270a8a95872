/**
 * What the callers of a simulation were told, what the stores did, and whether the two agree.
 *
 * Every ADD has a delta of its own, a power of eight: a sum's octal digits tell which were applied
 * to its key and how often. Every SET writes a value of its own. Moments are numbered, so that no
 * two are the same.
 */

import type { Effect } from "../../src/errors.ts";
import { fault, type Read, type Write } from "./linearizability.ts";
import { Pages } from "./pages.ts";

/** Deltas of one key: 8^19 is the last below 2^60, and a sum of all of them fits 64 bits. */
const DELTAS_OF_A_KEY = 20;
const DIGIT_BITS = 3n;

/** The time from one start with an empty store to the next. */
export interface Life {
  readonly index: number;
  readonly start: number;
  end: number;
  /** Moments at which a delta was applied, by key and digit. */
  readonly applied: Map<string, number[]>;
  /** The sums that stood at the end. */
  readonly sums: Map<string, bigint>;
  /** How often each value was stored, and how often it was replaced by one who expected it. */
  readonly stored: Map<string, number>;
  readonly swaps: Map<string, number>;
}

/** How a call ended: `refused` is also an answer, and means that nothing changed. */
export type Ending = "answered" | "refused" | Effect;

export interface Mutation {
  readonly client: number;
  /** Whether no other mutation of its client waited when it was called. */
  readonly isAlone: boolean;
  readonly start: number;
  end: number;
  ending: Ending;
}

export interface Add extends Mutation {
  readonly key: string;
  readonly digit: number;
}

export interface ValueSet extends Mutation {
  readonly key: string;
  readonly value: string;
  readonly isRegister: boolean;
  /** The value that it was to replace; undefined if any. */
  readonly expected: string | undefined;
}

export interface RegisterGet extends Read {
  readonly key: string;
}

export const deltaOf = (digit: number): bigint => 1n << (DIGIT_BITS * BigInt(digit));
const timesIn = (sum: bigint, digit: number): number =>
  Number((sum >> (DIGIT_BITS * BigInt(digit))) & 7n);

export class Ledger {
  readonly violations: string[] = [];
  readonly lives: Life[] = [];
  readonly pages = new Pages();
  readonly #adds: Add[] = [];
  readonly #sets: ValueSet[] = [];
  readonly #gets: RegisterGet[] = [];
  readonly #mutations: Mutation[] = [];
  readonly #inProgress = new Map<number, number>();
  #moment = 0;

  /** A moment later than all earlier ones. */
  moment(): number {
    return ++this.#moment;
  }

  violate(what: string): void {
    this.violations.push(what);
  }

  beginLife(): Life {
    const previous = this.lives.at(-1);
    const start = this.moment();
    if (previous !== undefined) previous.end = start;
    const life: Life = {
      index: this.lives.length,
      start,
      end: Infinity,
      applied: new Map(),
      sums: new Map(),
      stored: new Map(),
      swaps: new Map(),
    };
    this.lives.push(life);
    return life;
  }

  #beginMutation(client: number): Mutation {
    const inProgress = this.#inProgress.get(client) ?? 0;
    this.#inProgress.set(client, inProgress + 1);
    const start = this.moment();
    return { client, isAlone: inProgress === 0, start, end: Infinity, ending: "unknown" };
  }

  beginAdd(client: number): Add {
    const number = this.#adds.length;
    const key = `sum:${Math.floor(number / DELTAS_OF_A_KEY)}`;
    const add = { ...this.#beginMutation(client), key, digit: number % DELTAS_OF_A_KEY };
    this.#adds.push(add);
    this.#mutations.push(add);
    return add;
  }

  /** @param isRegister whether the key is checked as a register: never refused, never deleted */
  beginSet(client: number, key: string, isRegister: boolean, expected?: string): ValueSet {
    const value = `${key}=${this.#sets.length}`;
    const set = { ...this.#beginMutation(client), key, value, isRegister, expected };
    this.#sets.push(set);
    this.#mutations.push(set);
    return set;
  }

  beginOther(client: number): Mutation {
    const mutation = this.#beginMutation(client);
    this.#mutations.push(mutation);
    return mutation;
  }

  endMutation(mutation: Mutation, ending: Ending): void {
    mutation.end = this.moment();
    mutation.ending = ending;
    this.#inProgress.set(mutation.client, (this.#inProgress.get(mutation.client) ?? 1) - 1);
  }

  checkSum(add: Add, sum: bigint): void {
    if (timesIn(sum, add.digit) !== 1) {
      this.violate(`the answer to ${nameOf(add)} has it ${timesIn(sum, add.digit)} times: ${sum}`);
    }
  }

  addGet(key: string, value: string | undefined, start: number): void {
    if (value !== undefined && !value.startsWith(`${key}=`)) {
      this.violate(`GET ${key} was answered with ${value}`);
    }
    this.#gets.push({ key, value: value ?? null, start, end: this.moment() });
  }

  noteApplied(life: Life, key: string, delta: bigint): void {
    const digit = (delta.toString(2).length - 1) / Number(DIGIT_BITS);
    const name = `${key}/${digit}`;
    life.applied.set(name, [...(life.applied.get(name) ?? []), this.moment()]);
  }

  noteStored(life: Life, value: string): void {
    life.stored.set(value, (life.stored.get(value) ?? 0) + 1);
  }

  /** Compares everything that callers were told with everything that was done. */
  check(): void {
    for (const add of this.#adds) this.#checkAdd(add);
    for (const set of this.#sets) this.#checkSet(set);
    for (const life of this.lives) this.#checkRegisters(life);
    this.#checkAbandoned();
    for (const fault of this.pages.check(this.lives)) this.violate(fault);
  }

  #checkAdd(add: Add): void {
    this.#checkTimes(nameOf(add), add, (life) => timesIn(life.sums.get(add.key) ?? 0n, add.digit));
  }

  #checkSet(set: ValueSet): void {
    const name = `SET ${set.value} of client ${set.client}`;
    this.#checkTimes(name, set, (life) => life.stored.get(set.value) ?? 0);
  }

  /** @param timesIn how often the mutation was carried out in a life */
  #checkTimes(name: string, { ending, end }: Mutation, timesIn: (life: Life) => number): void {
    const times = this.lives.map(timesIn);
    const isDone = times.some((inLife) => inLife > 0);
    if (times.some((inLife) => inLife > 1)) this.violate(`${name} was done ${times} times`);
    if (isDone && ending === "none") this.violate(`${name} was to have no effect, and had one`);
    if (!isDone && (ending === "answered" || ending === "done")) {
      this.violate(`${name} was confirmed and never done`);
    }
    // A life that ended before the answer may have carried it out: its store is gone.
    const isDoneSince = this.lives.some((life, i) => life.end > end && times[i] > 0);
    if (isDoneSince && ending === "refused") this.violate(`${name} was refused, and done later`);
  }

  /** The part of the history in one life; calls that cross its ends may be in it or not. */
  #checkRegisters(life: Life): void {
    const keys = new Set(this.#sets.filter((set) => set.isRegister).map(({ key }) => key));
    for (const key of keys) {
      const writes = this.#sets
        .filter((set) => set.key === key && mayHaveActed(set, life))
        .map((set): Write => {
          const isKnown = isWithin(set, life) && set.ending === "answered";
          return { value: set.value, start: set.start, end: isKnown ? set.end : Infinity };
        });
      const reads = [...this.#gets, ...this.#swapsAsReads()].filter((get) =>
        get.key === key && get.start > life.start && get.end < life.end
      );
      const found = fault(writes, reads);
      if (found !== null) this.violate(`${key} in life ${life.index}: ${found}`);
    }
  }

  /** A SET that replaced the expected value has read it. */
  #swapsAsReads(): RegisterGet[] {
    return this.#sets.flatMap(({ key, expected, ending, start, end }) =>
      expected !== undefined && ending === "answered" ? [{ key, value: expected, start, end }] : []
    );
  }

  /** No value is replaced twice by who expects it. */
  noteSwap(life: Life, expected: string): void {
    const swaps = (life.swaps.get(expected) ?? 0) + 1;
    life.swaps.set(expected, swaps);
    if (swaps > 1) this.violate(`${expected} was replaced ${swaps} times`);
  }

  /** An abandoned ADD takes no effect after a later mutation, begun alone, was answered. */
  #checkAbandoned(): void {
    for (const add of this.#adds) {
      if (add.ending !== "unknown") continue;
      const later = this.#mutations.find((mutation) =>
        mutation.client === add.client && mutation.start > add.end && mutation.isAlone &&
        (mutation.ending === "answered" || mutation.ending === "refused")
      );
      if (later === undefined) continue;
      for (const life of this.lives) {
        const late = life.applied.get(`${add.key}/${add.digit}`)?.find((at) => at > later.end);
        if (late !== undefined) {
          this.violate(`${nameOf(add)} was abandoned, and applied after a later answer`);
        }
      }
    }
  }
}

/** A mutation can take effect only in the lives during which its caller waited. */
function overlaps(mutation: Mutation, life: Life): boolean {
  return mutation.start < life.end && mutation.end > life.start;
}

function isWithin(mutation: Mutation, life: Life): boolean {
  return mutation.start > life.start && mutation.end < life.end;
}

/** A mutation that one life refused, an earlier life may have carried out. */
function mayHaveActed(mutation: Mutation, life: Life): boolean {
  if (mutation.ending === "none" || !overlaps(mutation, life)) return false;
  return mutation.ending !== "refused" || !isWithin(mutation, life);
}

function nameOf({ key, digit, client }: Add): string {
  return `ADD ${key} 8^${digit} of client ${client}`;
}
