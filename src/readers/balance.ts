/**
 * Whether one reader pays. Where a reader and the server share two processors with their clients, and
 * many requests are mutations, two threads are woken for what one could do in one go: then the server
 * answers everything itself. (At 10 % SETs and 64 outstanding on such a machine this is the difference
 * between 0.55 and 0.85 of the floor's throughput: docs/BENCHMARKS.md.)
 */

/** Requests in a period below which it does not matter. */
const MIN_REQUESTS = 2_000;
/** The share of mutations above which the server takes all, and below which the reader is back. */
const MAX_SHARE = 1 / 32;
const MIN_SHARE = 1 / 64;

export class Balance {
  /** Whether queries go to the readers. */
  isDivided = true;
  #queries = 0;
  #mutations = 0;

  /** Call this once in each period, with the counts so far. @returns whether `isDivided` has changed */
  look(queries: number, mutations: number): boolean {
    const ofPeriod = queries - this.#queries + mutations - this.#mutations;
    const share = (mutations - this.#mutations) / Math.max(1, ofPeriod);
    this.#queries = queries;
    this.#mutations = mutations;
    const before = this.isDivided;
    if (ofPeriod < MIN_REQUESTS / 2 || share < MIN_SHARE) this.isDivided = true;
    else if (ofPeriod >= MIN_REQUESTS && share > MAX_SHARE) this.isDivided = false;
    return this.isDivided !== before;
  }
}
