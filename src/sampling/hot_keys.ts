/**
 * The keys that are used most, of any number of keys, in little memory.
 * Source: Metwally, Agrawal, El Abbadi, «Efficient computation of frequent and top-k elements in data
 * streams» (ICDT 2005), the algorithm Space-Saving: of N requests counted with m counters, a key used
 * more than N / m times has a counter, and no counter is too high by more than N / m.
 */

/** Keys counted at a time; told are the first of them. More than 1 / LEAST_SHARE, or a key with that share
 * would lose its counter to others again and again. */
const COUNTERS = 512;
export const HOT_KEYS = 16;
/** How long requests are counted; they are told for as long again. */
const WINDOW_MS = 30_000;
/** A key is told from so many samples on, since one says nothing, and from this share on: others may
 * be as hot, and have no counter. */
const LEAST_SAMPLES = 2;
const LEAST_SHARE = 1 / 200;

export interface HotKey {
  /** One character for each byte. */
  readonly key: string;
  /** Its share of the requests, from 0 to 1; at least, not at most. */
  readonly share: number;
}

interface Counter {
  /** Requests that the samples stand for; too high by at most `error`. */
  count: number;
  error: number;
  samples: number;
}

class Summary {
  readonly counters = new Map<string, Counter>();
  total = 0;

  note(key: string, weight: number): void {
    this.total += weight;
    const counter = this.counters.get(key) ?? this.#newCounter(key);
    counter.count += weight;
    counter.samples++;
  }

  /** A new key takes the place of the one that was counted least, and its count as a possible error. */
  #newCounter(key: string): Counter {
    let error = 0;
    if (this.counters.size === COUNTERS) {
      let least = "";
      error = Number.POSITIVE_INFINITY;
      for (const [other, { count }] of this.counters) {
        if (count < error) [least, error] = [other, count];
      }
      this.counters.delete(least);
    }
    const counter = { count: error, error, samples: 0 };
    this.counters.set(key, counter);
    return counter;
  }
}

export class HotKeys {
  #present = new Summary();
  #past = new Summary();
  #beganAtMs = Number.NaN;

  /** @param weight how many requests it stands for */
  note(key: string, weight: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#present.note(key, weight);
  }

  /** The hottest keys of the last 30 to 60 s, at most HOT_KEYS, the hottest first. */
  hottest(nowMs: number): HotKey[] {
    this.#turn(nowMs);
    const total = this.#present.total + this.#past.total;
    const sums = new Map<string, { count: number; samples: number }>();
    for (const { counters } of [this.#past, this.#present]) {
      for (const [key, { count, error, samples }] of counters) {
        const sum = sums.get(key) ?? { count: 0, samples: 0 };
        sums.set(key, { count: sum.count + count - error, samples: sum.samples + samples });
      }
    }
    return [...sums]
      .filter(([, { count, samples }]) => samples >= LEAST_SAMPLES && count >= LEAST_SHARE * total)
      .sort(([, a], [, b]) => b.count - a.count)
      .slice(0, HOT_KEYS)
      .map(([key, { count }]) => ({ key, share: count / total }));
  }

  #turn(nowMs: number): void {
    if (nowMs - this.#beganAtMs < WINDOW_MS) return;
    this.#past = nowMs - this.#beganAtMs < 2 * WINDOW_MS ? this.#present : new Summary();
    this.#present = new Summary();
    this.#beganAtMs = nowMs;
  }
}
