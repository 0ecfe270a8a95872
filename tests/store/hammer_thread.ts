/** A thread of the hammer: reads keys by chance until it is to stop. */

import { parentPort, workerData } from "node:worker_threads";
import type { SharedStore } from "../../src/store/memory.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { type Found, NONE, Result, type Span } from "../../src/store/store.ts";
import { randomOf } from "../bytes.ts";
import { faultIn, keyBytes } from "./hammer_values.ts";

export interface HammerStart {
  readonly shared: SharedStore;
  readonly reader: number;
  readonly keys: number;
  /** By key: the least number that its value may have. */
  readonly numbers: Int32Array;
  /** Whether to stop, and the time in ms. */
  readonly control: Int32Array;
  /** Whether a key may be missing. */
  readonly mayMiss: boolean;
  /** Whether values are not checked. */
  readonly isTrusting: boolean;
}

export interface Hits {
  readonly reads: number;
  readonly found: number;
  /** Reads that were left to the writer. */
  readonly left: number;
  readonly repeats: number;
  readonly faults: readonly string[];
}

const ROOM_BYTES = 2 ** 12;
const READS_OF_TURN = 1_000;
const MAX_FAULTS = 10;

if (parentPort !== null) parentPort.postMessage(read(workerData as HammerStart));

function read(start: HammerStart): Hits {
  const { shared, reader, keys, numbers, control, mayMiss, isTrusting } = start;
  const store = new StoreReader(shared, reader);
  const random = randomOf(100 + reader);
  const key: Span = { bytes: new Uint8Array(16), start: 0, length: 0 };
  const bytes = new Uint8Array(ROOM_BYTES);
  const found: Found = { bytes, start: 0, room: ROOM_BYTES, length: NONE, expiresAtMs: 0 };
  const faults: string[] = [];
  let reads = 0;
  let hits = 0;
  let left = 0;
  while (Atomics.load(control, 0) === 0 && faults.length < MAX_FAULTS) {
    for (let i = 0; i < READS_OF_TURN; i++) {
      const number = Math.floor(random() * keys);
      keyBytes(key, number);
      const least = Atomics.load(numbers, number);
      const result = store.get(key, found, Atomics.load(control, 1));
      reads++;
      if (result === null) left++;
      else if (result === Result.DONE) {
        hits++;
        const fault = found.length > ROOM_BYTES || isTrusting
          ? null
          : faultIn(bytes, found.length, number, least);
        if (fault !== null) faults.push(fault);
      } else if (!mayMiss) faults.push(`key ${number} is missing`);
    }
  }
  return { reads, found: hits, left, repeats: store.repeats, faults };
}
