/**
 * The store's clock as a reader reads it. Monotonic clocks stand still while a machine sleeps, and only the
 * server's thread finds out for how long it slept. Until that is published, a reader that sees its wall
 * clock run ahead does not know the time, and hands reads on.
 */

import type { Published } from "./published.ts";

/** As in runtime/clock.ts: a smaller step of the wall clock is not sleep. */
const MIN_SLEEP_MS = 2_000;

export interface ReaderClockSources {
  /** With an origin that all threads have in common. */
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
}

export class ReaderClock {
  readonly #published: Pick<Published, "sleptMs" | "looks">;
  readonly #sources: ReaderClockSources;
  #wallOffsetMs: number;
  /** The server's looks when the wall clock ran ahead; −1 if it did not. */
  #looksThen = -1;

  constructor(published: Pick<Published, "sleptMs" | "looks">, sources: ReaderClockSources) {
    this.#published = published;
    this.#sources = sources;
    this.#wallOffsetMs = sources.wallMs() - sources.monotonicMs();
  }

  /** Milliseconds on the store's clock; NaN while the time is not known. */
  now(): number {
    const monotonicMs = this.#sources.monotonicMs();
    const aheadMs = this.#sources.wallMs() - monotonicMs - this.#wallOffsetMs;
    this.#wallOffsetMs += aheadMs;
    if (aheadMs > MIN_SLEEP_MS) this.#looksThen = this.#published.looks;
    if (this.#looksThen !== -1) {
      // One look may have begun before the machine slept.
      if (((this.#published.looks - this.#looksThen) | 0) < 2) return Number.NaN;
      this.#looksThen = -1;
    }
    return monotonicMs + this.#published.sleptMs;
  }
}
