/**
 * Chooses which requests are looked at closely: all while there are few, and about a thousand a second
 * while there are many, so that looking costs next to nothing. The gaps between them are random: a
 * client with a rhythm of its own must not step around them.
 */

/** The least time between two samples to aim at; gaps are kept between it and four times as long. */
const AIM_MS = 1;
/** Every 256th request at the rarest. */
const MAX_GAP = 256;

export class Sampler {
  readonly #now: () => number;
  readonly #random: () => number;
  #gap = 1;
  #left = 1;
  #sampledAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param now in ms, never backwards
   * @param random from 0 to below 1
   */
  constructor(now: () => number, random: () => number = Math.random) {
    this.#now = now;
    this.#random = random;
  }

  /** Counts a request. @returns for how many requests it stands if it is a sample; otherwise 0 */
  next(): number {
    return --this.#left > 0 ? 0 : this.#sample();
  }

  /** Whether one of the next requests, as many as `count`, is a sample. */
  isDue(count: number): boolean {
    return this.#left <= count;
  }

  #sample(): number {
    const weight = this.#gap;
    const nowMs = this.#now();
    const elapsedMs = nowMs - this.#sampledAtMs;
    this.#sampledAtMs = nowMs;
    if (elapsedMs < AIM_MS) this.#gap = Math.min(2 * this.#gap, MAX_GAP);
    else if (elapsedMs > 4 * AIM_MS) this.#gap = Math.max(1, this.#gap / 2);
    // From 1 to 2 · gap − 1, all equally likely: a gap on average.
    this.#left = 1 + Math.floor(this.#random() * (2 * this.#gap - 1));
    return weight;
  }
}
