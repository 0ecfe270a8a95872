/** A walk over the living items of a segment, which may stop anywhere and go on in a later operation. */

import type { Arena } from "./arena.ts";
import { NOWHERE } from "./hash_index.ts";
import { isDead, wordsOf } from "./item.ts";
import type { Items } from "./items.ts";
import { type Log, NONE } from "./log.ts";

/** Runs of dead words that are passed over in one go. */
const MAX_PASSED = 64;

export class Walk {
  readonly #arena: Arena;
  readonly #items: Items;
  readonly #log: Log;
  #segment = NONE;
  #birth = 0;
  /** Words passed over so far: as long as the walk lasts, an item or dead words begin here. */
  #offset = 0;

  constructor(arena: Arena, items: Items, log: Log) {
    this.#arena = arena;
    this.#items = items;
    this.#log = log;
  }

  begin(segment: number): void {
    this.#segment = segment;
    this.#birth = this.#log.births[segment];
    this.#offset = 0;
  }

  /** Where the walk is, or NONE: then it is at the end, or nothing lived there any more. */
  get segment(): number {
    const segment = this.#segment;
    if (segment === NONE || this.#log.births[segment] !== this.#birth) return NONE;
    return this.#offset < this.#log.ends[segment] ? segment : NONE;
  }

  get offset(): number {
    return this.#offset;
  }

  /** The address of the next living item; NOWHERE at the segment's end, or behind many dead ones. */
  next(): number {
    const start = this.#arena.startOf(this.#segment);
    const end = this.#log.ends[this.#segment];
    for (let passed = 0; passed < MAX_PASSED && this.#offset < end; passed++) {
      const address = start + this.#offset;
      const header = this.#items.header(address);
      this.#offset += wordsOf(header);
      if (!isDead(header)) return address;
    }
    return NOWHERE;
  }
}
