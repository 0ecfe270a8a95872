/**
 * A histogram of times. Its buckets grow by the square root of two, from 1 µs to 16 s, so a percentile
 * is known to within a fifth; longer times are in the last bucket.
 */

const BUCKETS_AN_OCTAVE = 2;
const OCTAVES = 24;
/** The last one has no upper bound. */
export const BUCKETS = BUCKETS_AN_OCTAVE * OCTAVES + 2;

/** The most that a time in a bucket has, in µs: 1, 1.41, 2, … */
export const boundUs = (bucket: number): number =>
  bucket === BUCKETS - 1 ? Number.POSITIVE_INFINITY : 2 ** (bucket / BUCKETS_AN_OCTAVE);

function bucketOf(us: number): number {
  if (us <= 1) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log2(us) * BUCKETS_AN_OCTAVE));
}

export class Latencies {
  /** Requests in each bucket. */
  readonly counts: Float64Array;
  /** Of all times. */
  sumUs = 0;

  /** @param counts of BUCKETS */
  constructor(counts: Float64Array = new Float64Array(BUCKETS)) {
    this.counts = counts;
  }

  /** @param weight how many requests it stands for */
  note(us: number, weight: number): void {
    this.counts[bucketOf(us)] += weight;
    this.sumUs += us * weight;
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * A time that a share of all times, from 0 to 1, is not above: the bound of its bucket. NaN without any.
   */
  percentileUs(share: number): number {
    const rank = share * this.total;
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      sum += this.counts[bucket];
      if (sum >= rank && sum > 0) return boundUs(Math.min(bucket, BUCKETS - 2));
    }
    return Number.NaN;
  }

  /** Those that came after an earlier state of these counts. */
  since(earlier: Latencies): Latencies {
    return new Latencies(this.counts.map((count, i) => Math.max(0, count - earlier.counts[i])));
  }

  /** As `BUCKET:COUNT`, with spaces between, without empty buckets; at most 800 bytes. */
  get text(): string {
    return [...this.counts].flatMap((count, i) => count > 0 ? `${i}:${count}` : []).join(" ");
  }

  /** The histogram of a text as above; what is no bucket is left out. */
  static parse(text: string): Latencies {
    const latencies = new Latencies();
    for (const [, bucket, count] of text.matchAll(/(\d+):(\d+)/g)) {
      if (Number(bucket) < BUCKETS) latencies.counts[Number(bucket)] = Number(count);
    }
    return latencies;
  }
}
