/**
 * The drops under way. A drop removes at once all keys that begin with a prefix, however many there
 * are: it is a note of the prefix and of the place where the log ended, and every item before that
 * place whose key has the prefix is gone from then on. The items' memory comes back a little at a
 * time (dropper.ts), and then the note goes.
 *
 * Why places tell what is older: new items come to the log's end, and what is moved there was
 * looked at first. An item that is rewritten in place keeps its place, but is not one that is gone,
 * since no operation finds those.
 *
 * Readers look too (reader.ts). The notes have a version of their own (versions.ts) for that.
 */

import { assert } from "../assert.ts";
import { type Arena, chunkOf, offsetOf } from "./arena.ts";
import { TWO_TO_THE_32 } from "../bytes.ts";
import { tailMask } from "./hash.ts";
import { isPiece, keyLengthOf, keyOffsetOf } from "./item.ts";
import type { Items } from "./items.ts";
import { DROP_NOTE_WORDS, DROPS_WORDS, MAX_DROPS, MAX_PREFIX_BYTES, WORD_BYTES } from "./layout.ts";
import type { LogEnd } from "./log.ts";
import type { StoreMemory } from "./memory.ts";
import type { Span } from "./store.ts";
import type { Versions } from "./versions.ts";

/** A note: where the log ended, and the prefix. */
const BIRTH = 0;
const OFFSET = BIRTH + 2;
const LENGTH = OFFSET + 1;
const PREFIX = LENGTH + 1;
assert(PREFIX + MAX_PREFIX_BYTES / WORD_BYTES === DROP_NOTE_WORDS, "a note has room for a prefix");
/** Before the notes: how many there are. */
const COUNT_AT = 0;
const NOTES_AT = 1;
assert(NOTES_AT + MAX_DROPS * DROP_NOTE_WORDS === DROPS_WORDS, "there is room for all notes");

export class Drops {
  readonly #arena: Arena;
  readonly #items: Items;
  readonly #births: Float64Array;
  readonly #words: Int32Array;

  constructor(arena: Arena, items: Items, memory: Pick<StoreMemory, "births" | "drops">) {
    this.#arena = arena;
    this.#items = items;
    this.#births = memory.births;
    this.#words = memory.drops;
  }

  get count(): number {
    return Atomics.load(this.#words, COUNT_AT);
  }

  /** Whether the item at an address is gone. Its pieces, if it has any, go with it. */
  cover(address: number, header = this.#items.header(address)): boolean {
    const count = this.count;
    if (count === 0) return false;
    const segment = this.#arena.segmentOf(address);
    const birth = this.#births[segment];
    const offset = (address - this.#arena.startOf(segment)) | 0;
    for (let i = 0; i < count; i++) {
      const note = NOTES_AT + i * DROP_NOTE_WORDS;
      if (this.#isBefore(birth, offset, note) && this.hasPrefix(address, header, note)) return true;
    }
    return false;
  }

  /** Whether the item at an address lies in the log before a place. */
  isBefore(address: number, { birth, offset }: LogEnd): boolean {
    const segment = this.#arena.segmentOf(address);
    const born = this.#births[segment];
    return born === birth ? ((address - this.#arena.startOf(segment)) | 0) < offset : born < birth;
  }

  /** Whether there is room for a note of this prefix, beside those that it would replace. */
  admits(prefix: Span): boolean {
    return this.#othersThan(prefix).length < MAX_DROPS;
  }

  /**
   * The writer's side: notes a drop of a prefix of 0 to 128 bytes, for which there is room. Drops of
   * longer prefixes that begin with it are part of it from now on.
   * @returns the numbers of the notes that stay, in their order; the new one is the last
   */
  add(prefix: Span, end: LogEnd, versions: Versions): number[] {
    assert(prefix.length <= MAX_PREFIX_BYTES, `a prefix has at most ${MAX_PREFIX_BYTES} bytes`);
    const kept = this.#othersThan(prefix);
    assert(kept.length < MAX_DROPS, "there is room for another drop");
    this.#change(versions, () => {
      const count = this.#keep(kept);
      this.#write(NOTES_AT + count * DROP_NOTE_WORDS, prefix, end);
      return count + 1;
    });
    return kept;
  }

  /** The writer's side: keeps only the notes with these numbers, which rise. */
  keep(numbers: readonly number[], versions: Versions): void {
    this.#change(versions, () => this.#keep(numbers));
  }

  #change(versions: Versions, change: () => number): void {
    const begins = versions.begin(versions.ofDrops);
    Atomics.store(this.#words, COUNT_AT, change());
    if (begins) versions.end(versions.ofDrops);
  }

  #keep(numbers: readonly number[]): number {
    for (const [i, number] of numbers.entries()) {
      const from = NOTES_AT + number * DROP_NOTE_WORDS;
      this.#words.copyWithin(NOTES_AT + i * DROP_NOTE_WORDS, from, from + DROP_NOTE_WORDS);
    }
    return numbers.length;
  }

  #write(note: number, { bytes, start, length }: Span, { birth, offset }: LogEnd): void {
    const words = this.#words;
    words[note + BIRTH] = birth | 0;
    words[note + BIRTH + 1] = Math.floor(birth / TWO_TO_THE_32);
    words[note + OFFSET] = offset;
    words[note + LENGTH] = length;
    words.fill(0, note + PREFIX, note + DROP_NOTE_WORDS);
    for (let i = 0; i < length; i++) {
      words[note + PREFIX + (i >> 2)] |= bytes[start + i] << ((i & 3) << 3);
    }
  }

  /** The notes whose prefix does not begin with this one. */
  #othersThan({ bytes, start, length }: Span): number[] {
    const others: number[] = [];
    for (let number = 0; number < this.count; number++) {
      const note = NOTES_AT + number * DROP_NOTE_WORDS;
      let isPart = this.#words[note + LENGTH] >= length;
      for (let i = 0; isPart && i < length; i++) {
        const word = this.#words[note + PREFIX + (i >> 2)];
        isPart = ((word >>> ((i & 3) << 3)) & 0xff) === bytes[start + i];
      }
      if (!isPart) others.push(number);
    }
    return others;
  }

  #isBefore(birth: number, offset: number, note: number): boolean {
    const words = this.#words;
    const noted = (words[note + BIRTH] >>> 0) + words[note + BIRTH + 1] * TWO_TO_THE_32;
    return birth === noted ? offset < words[note + OFFSET] : birth < noted;
  }

  /** Whether an item's key has the prefix of the note that begins at a word. */
  hasPrefix(address: number, header: number, note: number): boolean {
    const length = this.#words[note + LENGTH];
    if (isPiece(header) || keyLengthOf(header) < length) return false;
    const words = this.#arena.words[chunkOf(address)];
    const at = offsetOf(address) + keyOffsetOf(header);
    const whole = length >> 2;
    for (let i = 0; i < whole; i++) {
      if (words[at + i] !== this.#words[note + PREFIX + i]) return false;
    }
    if ((length & 3) === 0) return true;
    return ((words[at + whole] ^ this.#words[note + PREFIX + whole]) & tailMask(length)) === 0;
  }
}
