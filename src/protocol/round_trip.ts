/**
 * The smoothed round-trip estimate, and from it how long to wait before a retransmission.
 * Source: RFC 6298, section 2, with bounds of our own (docs/WIRE.md, section 6).
 */

/** The wait before there is a sample. */
const FIRST_TIMEOUT_MS = 20;
/** A local network answers in well under a millisecond, but a process is not always awake. */
const MIN_TIMEOUT_MS = 2;
/** One sample taken over a machine's sleep must not silence a client. */
const MAX_TIMEOUT_MS = 1_000;
const GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;
const DEVIATIONS = 4;

export class RoundTrip {
  #smoothedMs = Number.NaN;
  #deviationMs = 0;

  /** Takes the time from a request to its reply; not of a request that was retransmitted. */
  sample(elapsedMs: number): void {
    if (Number.isNaN(this.#smoothedMs)) {
      this.#smoothedMs = elapsedMs;
      this.#deviationMs = elapsedMs / 2;
      return;
    }
    const error = elapsedMs - this.#smoothedMs;
    this.#deviationMs += DEVIATION_GAIN * (Math.abs(error) - this.#deviationMs);
    this.#smoothedMs += GAIN * error;
  }

  /** How long to wait for a reply before the first retransmission, in ms. */
  get timeoutMs(): number {
    if (Number.isNaN(this.#smoothedMs)) return FIRST_TIMEOUT_MS;
    const timeoutMs = this.#smoothedMs + DEVIATIONS * this.#deviationMs;
    return Math.min(MAX_TIMEOUT_MS, Math.max(MIN_TIMEOUT_MS, timeoutMs));
  }
}
