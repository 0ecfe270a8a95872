/**
 * The memory that the threads of a store have in common: one thread writes, others may read. Without
 * readers it is the writer's own.
 */

import { HINT_RING_WORDS } from "./hints.ts";
import { HOLDS } from "./holds.ts";
import { CHUNK_WORDS, DROPS_WORDS, type Layout, ROW_WORDS } from "./layout.ts";
import { LINE_WORDS } from "./versions.ts";

export interface StoreMemory {
  /** The words of the arena, by chunk. */
  readonly chunks: readonly Int32Array[];
  /** The rows of the index (index_pages.ts). */
  readonly rows: Int32Array;
  /** By segment: when it became the head of the log, counted from 1; 0 if it is not in the log. */
  readonly births: Float64Array;
  /** The drops under way (drops.ts). */
  readonly drops: Int32Array;
  /** A version for each partition of the index, and one more (versions.ts); none without readers. */
  readonly versions: Int32Array;
  /** A cache line for each reader (versions.ts). */
  readonly lines: Int32Array;
  /** Keys that readers must not answer for (holds.ts). */
  readonly holds: Int32Array;
  /** By reader: the items that it has read (hints.ts); none in a store that refuses. */
  readonly hints: readonly Int32Array[];
}

/** Everything by which other threads read a store. It may be posted to them. */
export interface SharedStore {
  readonly memory: StoreMemory;
  readonly limitBytes: number;
  /** The secret key of the hash. */
  readonly hashKey: Uint8Array;
}

/**
 * @param takesHints whether it matters what was read
 * @throws RangeError if the system does not provide that much memory
 */
export function allocate(layout: Layout, readers: number, takesHints: boolean): StoreMemory {
  const buffer = (bytes: number) =>
    readers > 0 ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  const words = (count: number) => new Int32Array(buffer(count * Int32Array.BYTES_PER_ELEMENT));
  const partitions = 2 ** layout.partitionBits;
  const chunks: Int32Array[] = [];
  for (let left = layout.segmentCount * layout.segmentWords; left > 0; left -= CHUNK_WORDS) {
    chunks.push(words(Math.min(left, CHUNK_WORDS)));
  }
  return {
    chunks,
    rows: words(partitions * ROW_WORDS),
    births: new Float64Array(buffer(layout.segmentCount * Float64Array.BYTES_PER_ELEMENT)),
    drops: words(DROPS_WORDS),
    versions: words(readers > 0 ? partitions + 1 : 0),
    lines: words(readers * LINE_WORDS),
    holds: words(readers > 0 ? HOLDS : 0),
    hints: Array.from({ length: takesHints ? readers : 0 }, () => words(HINT_RING_WORDS)),
  };
}
