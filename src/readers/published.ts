/**
 * What the server's thread tells its readers: the epoch that replies carry, the keys, how long the
 * machine has slept, and that they are to stop. All words are atomic.
 */

import { copyBytes } from "../bytes.ts";
import type { SlottedKey } from "../keyring.ts";
import { EPOCH_BYTES } from "../protocol/epoch.ts";
import { KEY_BYTES } from "../protocol/keys.ts";
import { KEY_SLOTS } from "../statistics.ts";

/** Odd while the epoch changes (a sequence lock, of which all words are atomic). */
const VERSION_AT = 0;
const EPOCH_AT = 1;
const EPOCH_WORDS = EPOCH_BYTES / Int32Array.BYTES_PER_ELEMENT;
/** In ms; wraps after 49 days of sleep. */
const SLEPT_AT = EPOCH_AT + EPOCH_WORDS;
/** How often that was published. */
const LOOKS_AT = SLEPT_AT + 1;
const STOPS_AT = LOOKS_AT + 1;
/** As the epoch's version. */
const KEYS_VERSION_AT = STOPS_AT + 1;
const KEY_COUNT_AT = KEYS_VERSION_AT + 1;
const KEYS_AT = KEY_COUNT_AT + 1;
const KEY_WORDS = KEY_BYTES / Int32Array.BYTES_PER_ELEMENT;
/** The slot, and the key. */
const SLOTTED_KEY_WORDS = 1 + KEY_WORDS;
const WORDS = KEYS_AT + KEY_SLOTS * SLOTTED_KEY_WORDS;

/** Attempts to read an epoch that is changing; then the one before is told once more. */
const MAX_ATTEMPTS = 64;

export class Published {
  /** For another thread: an object there over the same words. */
  readonly words: Int32Array;
  readonly #epoch = new Uint8Array(EPOCH_BYTES);
  readonly #epochWords = new Int32Array(this.#epoch.buffer);
  readonly #read = new Int32Array(EPOCH_WORDS);
  #version = -1;

  constructor(
    words: Int32Array = new Int32Array(
      new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT),
    ),
  ) {
    this.words = words;
  }

  /** The server's side. @param epoch 16 bytes */
  setEpoch(epoch: Uint8Array): void {
    this.#epoch.set(epoch);
    Atomics.add(this.words, VERSION_AT, 1);
    for (let i = 0; i < EPOCH_WORDS; i++) {
      Atomics.store(this.words, EPOCH_AT + i, this.#epochWords[i]);
    }
    Atomics.add(this.words, VERSION_AT, 1);
  }

  /** @param keys in the order in which they are tried, at most 4 */
  setKeys(keys: readonly SlottedKey[]): void {
    Atomics.add(this.words, KEYS_VERSION_AT, 1);
    Atomics.store(this.words, KEY_COUNT_AT, keys.length);
    for (let i = 0; i < KEY_SLOTS; i++) {
      // A key that is gone leaves nothing.
      const { slot, key } = keys[i] ?? { slot: 0, key: new Uint8Array(KEY_BYTES) };
      const at = KEYS_AT + i * SLOTTED_KEY_WORDS;
      Atomics.store(this.words, at, slot);
      const words = new Int32Array(copyBytes(key).buffer);
      words.forEach((word, j) => Atomics.store(this.words, at + 1 + j, word));
    }
    Atomics.add(this.words, KEYS_VERSION_AT, 1);
  }

  setSlept(ms: number): void {
    Atomics.store(this.words, SLEPT_AT, ms | 0);
    Atomics.add(this.words, LOOKS_AT, 1);
  }

  stop(): void {
    Atomics.store(this.words, STOPS_AT, 1);
  }

  /** The readers' side. The array is overwritten by the next call. */
  epoch(): Uint8Array {
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const version = Atomics.load(this.words, VERSION_AT);
      if (version === this.#version) break;
      for (let i = 0; i < EPOCH_WORDS; i++) {
        this.#read[i] = Atomics.load(this.words, EPOCH_AT + i);
      }
      if ((version & 1) !== 0 || Atomics.load(this.words, VERSION_AT) !== version) continue;
      this.#epochWords.set(this.#read);
      this.#version = version;
    }
    return this.#epoch;
  }

  /** It changes with the keys, and is odd meanwhile. */
  get keysVersion(): number {
    return Atomics.load(this.words, KEYS_VERSION_AT);
  }

  /** The keys, of which there are none while they change. */
  keys(): SlottedKey[] {
    const version = this.keysVersion;
    const keys = Array.from({ length: Atomics.load(this.words, KEY_COUNT_AT) }, (_, i) => {
      const at = KEYS_AT + i * SLOTTED_KEY_WORDS;
      const words = Int32Array.from(
        { length: KEY_WORDS },
        (_, j) => Atomics.load(this.words, at + 1 + j),
      );
      return { slot: Atomics.load(this.words, at), key: new Uint8Array(words.buffer) };
    });
    return (version & 1) === 0 && this.keysVersion === version ? keys : [];
  }

  get sleptMs(): number {
    return Atomics.load(this.words, SLEPT_AT) >>> 0;
  }

  /** How often `setSlept` was called. */
  get looks(): number {
    return Atomics.load(this.words, LOOKS_AT);
  }

  get isStopping(): boolean {
    return Atomics.load(this.words, STOPS_AT) !== 0;
  }
}
