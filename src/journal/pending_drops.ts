/** Drops that are not durable yet: they have no effect in memory, and changes of their keys wait. */

import { copyBytes, equalBytes } from "../bytes.ts";
import { SETTLED, type Settlement } from "../execute/executor.ts";
import { MAX_DROPS } from "../store/layout.ts";
import { type Span, spanOf } from "../store/store.ts";

export interface PendingDrop {
  readonly prefix: Span;
  readonly settlement: Settlement;
}

export class PendingDrops {
  #drops: readonly PendingDrop[] = [];

  /** The batch with which the last of them settles. */
  get newest(): Settlement {
    return this.#drops.at(-1)?.settlement ?? SETTLED;
  }

  /** Whether memory will have room for one more. @param underWay how many drops it notes already */
  admit({ length }: Span, underWay: number): boolean {
    // A drop of everything takes the place of all others.
    return length === 0 || this.#drops.length + underWay < MAX_DROPS;
  }

  /** Whether a key will be removed by one of them. */
  cover({ bytes, start, length }: Span): boolean {
    return this.#drops.some(({ prefix }) =>
      prefix.length <= length && equalBytes(bytes, start, prefix.bytes, 0, prefix.length)
    );
  }

  add({ bytes, start, length }: Span, settlement: Settlement): PendingDrop {
    const drop = { prefix: spanOf(copyBytes(bytes, start, start + length)), settlement };
    this.#drops = [...this.#drops, drop];
    return drop;
  }

  end(drop: PendingDrop): void {
    this.#drops = this.#drops.filter((each) => each !== drop);
  }
}
