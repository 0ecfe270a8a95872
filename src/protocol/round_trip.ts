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
/** So many repeated requests in a row are not loss: the estimate is too low. */
const REPEATS_IN_A_ROW = 8;
const GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;
const DEVIATIONS = 4;

export class RoundTrip {
  #smoothedMs = Number.NaN;
  #deviationMs = 0;
  #backedOffMs = 0;
  #repeatsInARow = 0;

  /** Takes the time from a request to its reply; not of a request that was retransmitted. */
  sample(elapsedMs: number): void {
    this.#backedOffMs = 0;
    this.#repeatsInARow = 0;
    if (Number.isNaN(this.#smoothedMs)) {
      this.#smoothedMs = elapsedMs;
      this.#deviationMs = elapsedMs / 2;
      return;
    }
    const error = elapsedMs - this.#smoothedMs;
    this.#deviationMs += DEVIATION_GAIN * (Math.abs(error) - this.#deviationMs);
    this.#smoothedMs += GAIN * error;
  }

  /**
   * Takes the time from the first copy of a repeated request to its reply. It is no sample, but
   * where every request is repeated there never is one: then twice that time is the least wait
   * until there is (in the spirit of RFC 6298, 5.5 to 5.7).
   */
  backOff(elapsedMs: number): void {
    this.#repeatsInARow++;
    if (this.#repeatsInARow >= REPEATS_IN_A_ROW) this.#backedOffMs = 2 * elapsedMs;
  }

  /** How long to wait for a reply before the first retransmission, in ms. */
  get timeoutMs(): number {
    const isSampled = !Number.isNaN(this.#smoothedMs);
    const estimateMs = isSampled
      ? Math.max(MIN_TIMEOUT_MS, this.#smoothedMs + DEVIATIONS * this.#deviationMs)
      : FIRST_TIMEOUT_MS;
    return Math.min(MAX_TIMEOUT_MS, Math.max(this.#backedOffMs, estimateMs));
  }
}
