/**
 * Where walks over the keys of an engine go on. A cursor of ours names a place, which has a cursor of the
 * engine's and the keys that did not fit the page before. A place stays as it is when it was used, since a page
 * may be asked for again; the oldest are forgotten, and then a walk begins again.
 */

const MAX_PLACES = 4_096;
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_CURSOR = 2 ** 52;

export class ScanPlaces<Place> {
  readonly #places = new Map<number, { readonly place: Place; readonly bytes: number }>();
  #bytes = 0;
  readonly #random: () => number;

  /** @param random numbers in [0, 1) */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  find(cursor: number): Place | undefined {
    return this.#places.get(cursor)?.place;
  }

  /**
   * @param bytes what it holds
   * @returns the cursor of a new place, 1…2^52
   */
  add(place: Place, bytes: number): number {
    const cursor = 1 + Math.floor(this.#random() * MAX_CURSOR);
    this.#places.set(cursor, { place, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes: held }] of this.#places) {
      if (this.#places.size <= MAX_PLACES && this.#bytes <= MAX_BYTES) break;
      if (oldest === cursor) break;
      this.#places.delete(oldest);
      this.#bytes -= held;
    }
    return cursor;
  }
}
