/** What a server did in each of the last seconds, for the page. */

import { type Figures, figuresOf, isRestarted, type Snapshot } from "../figures/snapshot.ts";
import { hottestShare } from "./readiness.ts";

/** Five minutes of seconds. */
export const HISTORY = 300;
/** What was done in less time than this says little about a second. */
const LEAST_MS = 200;

export interface Point {
  /** Counts from 1. */
  readonly number: number;
  /** Since 1970, in ms. */
  readonly atMs: number;
  readonly figures: Numbers;
}

/** In the order of FIGURE_NAMES; null for what is not known. */
export type Numbers = readonly (number | null)[];

/** What the numbers of a point are. */
export const FIGURE_NAMES = [
  "reads",
  "writes",
  "doors",
  "hitRatio",
  "readP50Us",
  "readP99Us",
  "writeP50Us",
  "writeP99Us",
  "usedBytes",
  "limitBytes",
  "residentBytes",
  "keys",
  "evictions",
  "expirations",
  "errors",
  "drops",
  "processors",
  "hottest",
] as const;

export class History {
  readonly #points: Point[] = [];
  #before: Snapshot | null = null;
  #number = 0;

  /** @param wallMs since 1970 */
  add(snapshot: Snapshot, wallMs: number): void {
    const before = this.#before;
    this.#before = snapshot;
    if (before === null || isRestarted(before, snapshot)) return;
    const figures = numbersOf(figuresOf(before, snapshot), hottestShare(snapshot));
    this.#points.push({ number: ++this.#number, atMs: Math.round(wallMs), figures });
    if (this.#points.length > HISTORY) this.#points.shift();
  }

  /** What was done since the last point, or in its second if that has just ended; null before the first. */
  latest(snapshot: Snapshot): Numbers | null {
    const before = this.#before;
    const last = this.#points.at(-1)?.figures ?? null;
    if (before === null || isRestarted(before, snapshot)) return last;
    if (snapshot.atMs - before.atMs < LEAST_MS && last !== null) return last;
    return numbersOf(figuresOf(before, snapshot), hottestShare(snapshot));
  }

  /** The points after one with a number, at most HISTORY. */
  after(number: number): readonly Point[] {
    return this.#points.filter((point) => point.number > number);
  }
}

function numbersOf(each: Figures, hottest: number): Numbers {
  const numbers: Record<typeof FIGURE_NAMES[number], number> = {
    reads: each.readsPerSecond,
    writes: each.writesPerSecond,
    doors: each.doorsPerSecond,
    hitRatio: each.hitRatio,
    readP50Us: each.reads.p50Us,
    readP99Us: each.reads.p99Us,
    writeP50Us: each.writes.p50Us,
    writeP99Us: each.writes.p99Us,
    usedBytes: each.usedBytes,
    limitBytes: each.limitBytes,
    residentBytes: each.residentBytes,
    keys: each.keys,
    evictions: each.evictionsPerSecond,
    expirations: each.expirationsPerSecond,
    errors: each.errorsPerSecond,
    drops: each.dropsPerSecond,
    processors: each.processors,
    hottest,
  };
  return FIGURE_NAMES.map((name) =>
    Number.isFinite(numbers[name]) ? Number(numbers[name].toPrecision(4)) : null
  );
}
