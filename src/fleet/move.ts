/**
 * Copies keys to where another list of servers has them: values and times to live, never over what is
 * there. Doing it again does no harm, so what ended early goes on by beginning anew.
 * Source: docs/FLEET.md, «Changing the list».
 */

import type { Calls } from "../client.ts";
import { sameBytes } from "../bytes.ts";
import { inParallel } from "../in_parallel.ts";
import { TooLargeError } from "../errors.ts";
import {
  EXPECTED_LENGTH_BYTES,
  MAX_VALUE_BYTES,
  MAX_VALUE_BYTES_WITH_TTL,
} from "../protocol/frame.ts";

/** A longer value can't be compared on the way. */
const MAX_COMPARED_BYTES = MAX_VALUE_BYTES - EXPECTED_LENGTH_BYTES;

/** Keys on their way at a time. */
const OUTSTANDING = 64;

/** How many keys have met with what. */
export interface MoveCounts {
  /** All keys that were seen. */
  seen: number;
  copied: number;
  /** Their new home has a value of its own, which stays. */
  there: number;
  /** Their home is the same in both lists. */
  staying: number;
  /** Gone before they were read: expired, deleted or evicted. */
  gone: number;
  /** On a server that is not their home by the first list: left alone, since they may be old. */
  astray: number;
  /** Too large for a datagram, through which a door once stored them. */
  tooLarge: number;
  /** Removed from their old home. */
  removed: number;
  /** Left at their old home too: too long to be compared on the way. */
  unremoved: number;
}

export interface MoveOptions {
  /** Remove a key from its old home once its new one has the same value. */
  readonly removes: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress: () => void;
}

export class Move {
  readonly counts: MoveCounts = {
    seen: 0,
    copied: 0,
    there: 0,
    staying: 0,
    gone: 0,
    astray: 0,
    tooLarge: 0,
    removed: 0,
    unremoved: 0,
  };
  readonly #from: Calls<true>;
  readonly #to: Calls<true>;
  readonly #options: MoveOptions;

  constructor(from: Calls<true>, to: Calls<true>, options: MoveOptions) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
  }

  /** @throws the first error of a call, once those under way have ended */
  async run(): Promise<void> {
    for (const { name, address } of this.#from.servers()) {
      const home = name ?? address;
      const server = this.#from.at(home);
      const keys = this.#keysToCopy(server, home);
      await inParallel(keys, OUTSTANDING, (key) => this.#copy(server, key));
    }
  }

  async *#keysToCopy(server: Calls<true>, home: string): AsyncGenerator<Uint8Array> {
    for await (const key of server.keys("", this.#limits)) {
      this.counts.seen++;
      this.#options.onProgress();
      if (this.#from.serverOf(key) !== home) this.counts.astray++;
      else if (this.#to.serverOf(key) === home) this.counts.staying++;
      else yield key;
    }
  }

  async #copy(server: Calls<true>, key: Uint8Array): Promise<void> {
    try {
      const item = await server.getItem(key, this.#limits);
      if (item === undefined) {
        this.counts.gone++;
        return;
      }
      const { value, ttl } = item;
      if (ttl !== undefined && value.length > MAX_VALUE_BYTES_WITH_TTL) {
        this.counts.tooLarge++;
        return;
      }
      const result = await this.#to.set(key, value, { ttl, ...this.#limits });
      if (result.stored) this.counts.copied++;
      else this.counts.there++;
      const hasIt = result.stored || isEqual(result.current, value);
      if (this.#options.removes && hasIt) await this.#remove(server, key, value);
    } catch (error) {
      // A door has stored a value that does not fit.
      if (!(error instanceof TooLargeError)) throw error;
      this.counts.tooLarge++;
    }
  }

  async #remove(server: Calls<true>, key: Uint8Array, value: Uint8Array): Promise<void> {
    if (value.length > MAX_COMPARED_BYTES) {
      this.counts.unremoved++;
      return;
    }
    const removed = await server.delete(key, { ifEqual: value, ...this.#limits });
    if (removed !== undefined) this.counts.removed++;
  }

  get #limits(): { readonly signal?: AbortSignal } {
    return { signal: this.#options.signal };
  }
}

function isEqual(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && sameBytes(one, other);
}
