/**
 * The smoothed round-trip estimate, and the wait before a retransmission that follows from it.
 * Source: RFC 6298, section 2, and RFC 7323, appendix G, with bounds of our own (docs/WIRE.md,
 * section 6).
 */

/** The wait before the first sample. */
const FIRST_TIMEOUT_MS = 20;
/** A local network answers in well under a millisecond, but a process is not always awake. */
const MIN_TIMEOUT_MS = 2;
/** The minimum margin above the estimate, as a fraction of it. */
const MIN_MARGIN = 1 / 2;
/**
 * The same for requests that may wait for a disk. A reply takes one commit, or nearly two if its
 * request just missed one. After some replies of one kind, those of the other would look like
 * losses.
 */
const MIN_DISK_MARGIN = 3 / 2;
/** One sample that spans a machine's sleep must not silence a client. */
export const MAX_TIMEOUT_MS = 1_000;
/** This many repeated requests in a row are not due to loss: the estimate is too low. */
const REPEATS_IN_A_ROW = 8;
const GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;
const DEVIATIONS = 4;

export class RoundTrip {
  readonly #minMargin: number;
  #smoothedMs = Number.NaN;
  #deviationMs = 0;
  #backedOffMs = 0;
  /** Repeated requests in a row, and the shortest time that one of them took. */
  #repeatsInARow = 0;
  #leastRepeatMs = Number.POSITIVE_INFINITY;
  #lastRepeatMs = 0;

  /** @param mayWaitForDisk whether a reply may have to wait for a disk */
  constructor(mayWaitForDisk = false) {
    this.#minMargin = mayWaitForDisk ? MIN_DISK_MARGIN : MIN_MARGIN;
  }

  /**
   * Takes the time from a request to its reply; not for a request that was retransmitted.
   * @param outstanding requests in flight, each of which gives a sample: the more there are, the
   *   less each counts, so that the estimate spans several round trips (RFC 7323, appendix G)
   */
  sample(elapsedMs: number, outstanding = 1): void {
    this.#backedOffMs = 0;
    this.#beginRow();
    if (Number.isNaN(this.#smoothedMs)) {
      this.#smoothedMs = elapsedMs;
      this.#deviationMs = elapsedMs / 2;
      return;
    }
    const error = elapsedMs - this.#smoothedMs;
    const samplesATrip = Math.max(1, outstanding / 2);
    this.#deviationMs += DEVIATION_GAIN / samplesATrip * (Math.abs(error) - this.#deviationMs);
    this.#smoothedMs += GAIN / samplesATrip * error;
  }

  /**
   * Takes the time from the first copy of a repeated request to its reply. It is not a sample, but
   * if every request is repeated, there never is a sample. Then twice the shortest time in a row of
   * repeated requests, which loss alone does not explain, is the minimum wait until there is a
   * sample (in the spirit of RFC 6298, 5.5 to 5.7).
   */
  backOff(elapsedMs: number): void {
    this.#lastRepeatMs = elapsedMs;
    this.#leastRepeatMs = Math.min(this.#leastRepeatMs, elapsedMs);
    if (++this.#repeatsInARow < REPEATS_IN_A_ROW) return;
    this.#backedOffMs = 2 * this.#leastRepeatMs;
    this.#beginRow();
  }

  #beginRow(): void {
    this.#repeatsInARow = 0;
    this.#leastRepeatMs = Number.POSITIVE_INFINITY;
  }

  /** The smoothed time from a request to its reply; undefined before the first sample. */
  get smoothedMs(): number | undefined {
    return this.isKnown ? this.#smoothedMs : undefined;
  }

  /** Whether there has been a sample. */
  get isKnown(): boolean {
    return !Number.isNaN(this.#smoothedMs);
  }

  /**
   * How long a reply may well take, in ms, for who must not give up too soon: before the first sample,
   * as long as the last repeated request took.
   */
  get patienceMs(): number {
    return this.isKnown
      ? this.timeoutMs
      : Math.min(MAX_TIMEOUT_MS, Math.max(this.timeoutMs, this.#lastRepeatMs));
  }

  /** How long to wait for a reply before the first retransmission, in ms. */
  get timeoutMs(): number {
    const marginMs = Math.max(this.#minMargin * this.#smoothedMs, DEVIATIONS * this.#deviationMs);
    const estimateMs = this.isKnown
      ? Math.max(MIN_TIMEOUT_MS, this.#smoothedMs + marginMs)
      : FIRST_TIMEOUT_MS;
    return Math.min(MAX_TIMEOUT_MS, Math.max(this.#backedOffMs, estimateMs));
  }
}
