/**
 * Hints of the items that a reader has read and that are not marked READ yet: a ring of hashes and
 * addresses, from one reader to the writer, which marks them. When the ring is full a hint is lost;
 * then an item may be evicted sooner.
 */

/** What the writer has taken, and what the reader has put, in entries; each on its own cache line. */
const TAKEN_AT = 0;
const PUT_AT = 16;
const ENTRIES_AT = 32;
const ENTRY_WORDS = 2;
/** Entries: all that a reader at full speed reads for the first time in some 20 ms. */
const CAPACITY = 4_096;
/** Most entries that are taken at a time: some 100 µs. */
const MAX_TAKEN = 512;
export const HINT_RING_WORDS = ENTRIES_AT + CAPACITY * ENTRY_WORDS;

const placeOf = (entry: number): number => ENTRIES_AT + (entry & (CAPACITY - 1)) * ENTRY_WORDS;

export class HintRing {
  readonly #words: Int32Array;

  /** @param words HINT_RING_WORDS, shared */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** The reader's side. */
  put(hash: number, address: number): void {
    const words = this.#words;
    const put = words[PUT_AT];
    if (((put - Atomics.load(words, TAKEN_AT)) | 0) >= CAPACITY) return;
    const at = placeOf(put);
    words[at] = hash;
    words[at + 1] = address;
    Atomics.store(words, PUT_AT, put + 1);
  }

  /** How many the writer has taken. */
  get taken(): number {
    return Atomics.load(this.#words, TAKEN_AT);
  }

  /** The writer's side: passes on what is there, at most MAX_TAKEN. @returns whether there are more */
  take(onHint: (hash: number, address: number) => void): boolean {
    const words = this.#words;
    const put = Atomics.load(words, PUT_AT);
    let taken = words[TAKEN_AT];
    for (let left = MAX_TAKEN; left > 0 && taken !== put; left--) {
      const at = placeOf(taken);
      onHint(words[at], words[at + 1]);
      taken = (taken + 1) | 0;
    }
    Atomics.store(words, TAKEN_AT, taken);
    return taken !== put;
  }
}
