/**
 * Ranks by Zipf's law: rank k of 1…n comes with a probability proportional to k^−s. They are drawn
 * by rejection from the inverse of an integral, so no table is needed.
 * Source: Hörmann and Derflinger, «Rejection-inversion to generate variates from monotone discrete
 * distributions», ACM TOMACS 6(3), 1996.
 */
export class Zipf {
  readonly #n: number;
  readonly #s: number;
  readonly #random: () => number;
  readonly #low: number;
  readonly #high: number;
  readonly #accepted: number;

  /**
   * @param n ranks, at least 1
   * @param s exponent, above 0
   * @param random numbers in [0, 1)
   */
  constructor(n: number, s: number, random: () => number) {
    this.#n = n;
    this.#s = s;
    this.#random = random;
    this.#low = this.#integral(1.5) - 1;
    this.#high = this.#integral(n + 0.5);
    this.#accepted = 2 - this.#inverse(this.#integral(2.5) - this.#density(2));
  }

  /** A rank, 1 to n; 1 is the most frequent. */
  next(): number {
    for (;;) {
      const u = this.#high + this.#random() * (this.#low - this.#high);
      const x = this.#inverse(u);
      const k = Math.max(1, Math.min(this.#n, Math.round(x)));
      if (k - x <= this.#accepted || u >= this.#integral(k + 0.5) - this.#density(k)) return k;
    }
  }

  #density(x: number): number {
    return Math.exp(-this.#s * Math.log(x));
  }

  /** The integral of the density from 1. */
  #integral(x: number): number {
    const log = Math.log(x);
    const exponent = (1 - this.#s) * log;
    return (Math.abs(exponent) > 1e-8 ? Math.expm1(exponent) / exponent : 1 + exponent / 2) * log;
  }

  #inverse(y: number): number {
    const t = Math.max(-1, y * (1 - this.#s));
    return Math.exp((Math.abs(t) > 1e-8 ? Math.log1p(t) / t : 1 - t / 2) * y);
  }
}
