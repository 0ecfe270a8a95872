/**
 * What the server's thread tells its readers: the epoch that replies carry, how long the machine
 * has slept, and that they are to stop. All words are atomic.
 */

import { EPOCH_BYTES } from "../protocol/epoch.ts";

/** Odd while the epoch changes (a sequence lock, of which all words are atomic). */
const VERSION_AT = 0;
const EPOCH_AT = 1;
const EPOCH_WORDS = EPOCH_BYTES / Int32Array.BYTES_PER_ELEMENT;
/** In ms; wraps after 49 days of sleep. */
const SLEPT_AT = EPOCH_AT + EPOCH_WORDS;
/** How often that was published. */
const LOOKS_AT = SLEPT_AT + 1;
const STOPS_AT = LOOKS_AT + 1;
const WORDS = STOPS_AT + 1;

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
