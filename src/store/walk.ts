/** A walk over a segment's living items. It may stop anywhere and go on in a later operation. */

import type { Arena } from "./arena.ts";
import { NOWHERE } from "./lookup.ts";
import { isDead, wordsOf } from "./item.ts";
import type { Items } from "./items.ts";
import { type Log, NO_SEGMENT } from "./log.ts";

/** Most runs of dead words that are passed over in one go. */
const MAX_PASSED = 64;

export class Walk {
  readonly #arena: Arena;
  readonly #items: Items;
  readonly #log: Log;
  #segment = NO_SEGMENT;
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

  /** Where the walk is; NO_SEGMENT if it is at the end, or nothing lives there any more. */
  get segment(): number {
    const segment = this.#segment;
    if (segment === NO_SEGMENT || this.#log.births[segment] !== this.#birth) return NO_SEGMENT;
    return this.#offset < this.#log.ends[segment] ? segment : NO_SEGMENT;
  }

  get offset(): number {
    return this.#offset;
  }

  /** The address of the next living item; NOWHERE at the segment's end, or after many dead ones. */
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
