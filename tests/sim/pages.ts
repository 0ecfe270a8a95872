/**
 * Keys that are set one by one, told together and dropped together. What may be found follows from the
 * order of calls: one came before another if it had ended when the other began.
 */

import type { Life, Mutation } from "./ledger.ts";

export const PAGES = "page:";
const KEYS = 12;

export const pageKey = (random: number): string => `${PAGES}${Math.floor(random * KEYS)}`;

interface PageSet {
  readonly mutation: Mutation;
  readonly key: string;
  readonly value: string;
}

/** Keys that were told between two moments, with their values if these were told. */
interface Look {
  readonly found: ReadonlyMap<string, string | null>;
  /** The keys that it would have found. */
  readonly covers: (key: string) => boolean;
  readonly start: number;
  readonly end: number;
}

export class Pages {
  readonly #sets: PageSet[] = [];
  readonly #drops: Mutation[] = [];
  readonly #looks: Look[] = [];

  addSet(mutation: Mutation, key: string, value: string): void {
    this.#sets.push({ mutation, key, value });
  }

  addDrop(mutation: Mutation): void {
    this.#drops.push(mutation);
  }

  addGet(key: string, value: string | undefined, start: number, end: number): void {
    const found = new Map(value === undefined ? [] : [[key, value]]);
    this.#looks.push({ found, covers: (each) => each === key, start, end });
  }

  addScan(keys: readonly string[], start: number, end: number): void {
    const found = new Map(keys.map((key) => [key, null]));
    this.#looks.push({ found, covers: () => true, start, end });
  }

  /** @param lives a key outlives none @returns what is wrong */
  *check(lives: readonly Life[]): Generator<string> {
    for (const life of lives) {
      const looks = this.#looks.filter(({ start, end }) => start > life.start && end < life.end);
      for (const look of looks) {
        yield* this.#checkFound(look, life);
        yield* this.#checkMissing(look, life);
        yield* this.#checkReturned(look, looks);
      }
    }
  }

  /** What is found was set, and not dropped since. */
  *#checkFound({ found, start, end }: Look, life: Life): Generator<string> {
    for (const [key, value] of found) {
      const possible = this.#sets.some((set) =>
        set.key === key && (value === null || set.value === value) &&
        mayHaveActed(set.mutation, end) && set.mutation.end > life.start &&
        !this.#drops.some((drop) =>
          drop.ending === "answered" && lastMoment(set.mutation) < drop.start && drop.end < start
        )
      );
      if (!possible) yield `${key} was found with ${value}, which was dropped, or never set`;
    }
  }

  /** What was gone does not come back, as it would if a restart found an other order in the journal. */
  *#checkReturned({ found, start }: Look, looks: readonly Look[]): Generator<string> {
    for (const [key, value] of found) {
      const set = this.#sets.find((each) => each.key === key && each.value === value);
      const gone = looks.find((look) =>
        set !== undefined && look.start > lastMoment(set.mutation) && look.end < start &&
        look.covers(key) && !look.found.has(key)
      );
      if (gone !== undefined) yield `${key} was gone at ${gone.start}, and ${value} came back`;
    }
  }

  /** What was set and can't have been dropped since is found. */
  *#checkMissing({ found, covers, start, end }: Look, life: Life): Generator<string> {
    for (const { mutation, key } of this.#sets) {
      const isThere = mutation.ending === "answered" && mutation.start > life.start &&
        mutation.end < start;
      if (!isThere || !covers(key) || found.has(key)) continue;
      const mayBeGone = this.#drops.some((drop) =>
        mayHaveActed(drop, end) && lastMoment(drop) > mutation.start
      );
      if (!mayBeGone) yield `${key} was there from ${mutation.end} on, and not found at ${start}`;
    }
  }
}

const mayHaveActed = ({ ending, start }: Mutation, before: number): boolean =>
  start < before && ending !== "none" && ending !== "refused";

/** The last moment at which it may have acted: one of unknown outcome may act at any time. */
const lastMoment = ({ ending, end }: Mutation): number => ending === "answered" ? end : Infinity;
