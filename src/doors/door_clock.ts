/** Times as the doors for text take and tell them: from now, and since 1970. */

/** The two clocks are read one after the other, and one of them in whole milliseconds. */
const MAX_OFFSET_ERROR_MS = 3;
/** How long they are compared, and how often at most, where time does not pass meanwhile. */
const MEASURED_MS = 1.5;
const MAX_LOOKS = 20_000;

export class DoorClock {
  /** The store's clock, and the wall clock, in ms. */
  readonly #now: () => number;
  readonly #wallNow: () => number;
  #lastOffsetMs = Number.NaN;

  constructor(now: () => number, wallNow: () => number) {
    this.#now = now;
    this.#wallNow = wallNow;
  }

  /** Whole ms since 1970. */
  get wallNowMs(): number {
    return Math.ceil(this.#now()) + this.#wallOffsetMs;
  }

  /**
   * What the wall clock is ahead of the store's, in whole ms. It stays the same as long as the clocks go
   * alike, so that a time that was given is told again to the millisecond.
   */
  get #wallOffsetMs(): number {
    const offsetMs = this.#wallNow() - this.#now();
    if (!(Math.abs(offsetMs - this.#lastOffsetMs) <= MAX_OFFSET_ERROR_MS)) {
      this.#lastOffsetMs = Math.ceil(this.#measureOffset());
    }
    return this.#lastOffsetMs;
  }

  /** The wall clock tells whole ms: just after it has moved on, it is right. */
  #measureOffset(): number {
    const startedAtMs = this.#now();
    let mostMs = Number.NEGATIVE_INFINITY;
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const nowMs = this.#now();
      mostMs = Math.max(mostMs, this.#wallNow() - nowMs);
      if (nowMs - startedAtMs >= MEASURED_MS) break;
    }
    return mostMs;
  }

  /** The expiry for a time to live; at once if that is 0 or less. */
  expiryIn(ttlMs: number): number {
    return this.#clamped(Math.ceil(this.#now()) + ttlMs);
  }

  /** The expiry for a time in ms since 1970. */
  expiryAt(wallMs: number): number {
    return this.#clamped(wallMs - this.#wallOffsetMs);
  }

  /** The latest expiry is 2^53 − 1 ms after 1970. */
  #clamped(expiresAtMs: number): number {
    return Math.min(Math.max(1, expiresAtMs), Number.MAX_SAFE_INTEGER - this.#wallOffsetMs);
  }

  /** Whether an expiry leaves no time to live. */
  isPast(expiresAtMs: number): boolean {
    return expiresAtMs <= Math.ceil(this.#now());
  }

  /** An expiry in whole ms since 1970. */
  wallTimeOf(expiresAtMs: number): number {
    return Math.min(Math.ceil(expiresAtMs) + this.#wallOffsetMs, Number.MAX_SAFE_INTEGER);
  }

  /** The time to live that an expiry leaves, in whole ms as `expiryIn` counts them: 1 at least. */
  ttlOf(expiresAtMs: number): number {
    return Math.max(1, Math.ceil(expiresAtMs) - Math.ceil(this.#now()));
  }
}
