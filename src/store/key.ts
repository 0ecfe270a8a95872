/** The key of the current operation, read once into words to hash, compare and write. */

import { assert } from "../assert.ts";
import { type Hash, tailMask } from "./hash.ts";
import { keyMarksOf, Mark, MAX_KEY_BYTES } from "./item.ts";
import type { Span } from "./store.ts";
import { WORD_BYTES } from "./layout.ts";

/** A piece's key: the hash of the value's key, the value's id, the piece's number. */
export const PIECE_KEY_BYTES = 12;

export class Key {
  /** Zero-padded to a whole word. */
  readonly words = new Int32Array(MAX_KEY_BYTES / WORD_BYTES);
  length = 0;
  hash = 0;
  /** The bits that this key sets in an item's header. */
  marks = 0;
  readonly #hash: Hash;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  /** @param key 1 to 1,024 bytes */
  read({ bytes, start, length }: Span): void {
    assert(length >= 1 && length <= MAX_KEY_BYTES, `a key has 1 to ${MAX_KEY_BYTES} bytes`);
    const { words } = this;
    const whole = length >> 2;
    let at = start;
    for (let i = 0; i < whole; i++, at += WORD_BYTES) {
      words[i] = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    }
    if (at < start + length) {
      let tail = 0;
      for (let shift = 0; at < start + length; at++, shift += 8) tail |= bytes[at] << shift;
      words[whole] = tail;
    }
    this.#finish(length, 0);
  }

  readPiece(headHash: number, id: number, number: number): void {
    this.words[0] = headHash;
    this.words[1] = id;
    this.words[2] = number;
    this.#finish(PIECE_KEY_BYTES, Mark.PIECE);
  }

  #finish(length: number, mark: number): void {
    this.length = length;
    this.marks = keyMarksOf(length) | mark;
    this.hash = this.#hash(this.words, 0, length);
  }

  /** Whether the same bytes begin at the given word. */
  equals(words: Int32Array, at: number): boolean {
    const whole = this.length >> 2;
    for (let i = 0; i < whole; i++) {
      if (words[at + i] !== this.words[i]) return false;
    }
    if ((this.length & 3) === 0) return true;
    return ((words[at + whole] ^ this.words[whole]) & tailMask(this.length)) === 0;
  }
}
