/** How a reader, which answers from the store by itself, samples its requests. */

import type { ReadSamples } from "../readers/reader.ts";
import type { Span } from "../store/store.ts";
import { SampleRing } from "./sample_ring.ts";
import { Sampler } from "./sampler.ts";

export class ReaderSamples implements ReadSamples {
  readonly #sampler: Sampler;
  readonly #ring: SampleRing;

  /**
   * @param memory SAMPLE_RING_BYTES, which the server's thread reads
   * @param now in ms, never backwards
   */
  constructor(memory: SharedArrayBuffer, now: () => number) {
    this.#sampler = new Sampler(now);
    this.#ring = new SampleRing(memory);
  }

  next(): number {
    return this.#sampler.next();
  }

  put(key: Span, us: number, weight: number): void {
    this.#ring.put(key, us, weight);
  }
}
