/**
 * What a reader counts, in shared memory, and how the server adds it to its own counts. A count is
 * the low 32 bits: the server looks often enough to see every difference.
 */

import { OPERATION_NAMES } from "../protocol/operations.ts";
import { type Counters, KEY_SLOTS } from "../statistics.ts";
import type { Reader } from "./reader.ts";

/** The counts of a server that a reader has a part in. */
const SUMMED = [
  "hits",
  "misses",
  "skvs",
  "errors",
  "datagramsReceived",
  "datagramsSent",
  "bytesReceived",
  "bytesSent",
  "droppedForSize",
  "droppedForAuthentication",
  "droppedForLoad",
] as const satisfies readonly (keyof Counters)[];
/** Operations by code follow, and requests by key; then the counts of the reader itself. */
const OPERATIONS_AT = SUMMED.length;
const OPERATIONS = OPERATION_NAMES.length;
const BY_KEY_AT = OPERATIONS_AT + OPERATIONS;
const OWN_AT = BY_KEY_AT + KEY_SLOTS;
const OWN_END = OWN_AT + 5;
/** Sixteen words more, so that no two readers write to one cache line. */
export const TALLY_WORDS = OWN_END + 16;

/** What STATS tells of a reader. */
export interface Activity {
  readonly received: number;
  readonly answered: number;
  readonly handedOn: number;
  readonly repeats: number;
  readonly polls: number;
}

/** The reader's side: publishes its counts. */
export function publish(words: Int32Array, reader: Reader, polls: number): void {
  const { counters } = reader;
  for (let i = 0; i < SUMMED.length; i++) words[i] = counters[SUMMED[i]];
  for (let i = 0; i < OPERATIONS; i++) words[OPERATIONS_AT + i] = counters.operations[i];
  for (let i = 0; i < KEY_SLOTS; i++) words[BY_KEY_AT + i] = counters.byKey[i];
  words[OWN_AT] = reader.received;
  words[OWN_AT + 1] = counters.datagramsSent;
  words[OWN_AT + 2] = reader.handedOn;
  words[OWN_AT + 3] = reader.repeats;
  words[OWN_AT + 4] = polls;
}

/** The server's side, for one reader. */
export class Tally {
  readonly #words: Int32Array;
  readonly #seen: Int32Array;
  readonly #sums: Float64Array;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#seen = new Int32Array(words.length);
    this.#sums = new Float64Array(words.length);
  }

  /** Adds what has been counted since the last time. @param nowMs on the store's clock */
  collect(counters: Counters, nowMs: number): void {
    for (let i = 0; i < SUMMED.length; i++) counters[SUMMED[i]] += this.#difference(i);
    for (let i = 0; i < OPERATIONS; i++) {
      counters.operations[i] += this.#difference(OPERATIONS_AT + i);
    }
    for (let i = 0; i < KEY_SLOTS; i++) {
      const requests = this.#difference(BY_KEY_AT + i);
      counters.byKey[i] += requests;
      if (requests > 0) counters.keyUsedAtMs[i] = nowMs;
    }
    for (let i = OWN_AT; i < OWN_END; i++) this.#sums[i] += this.#difference(i);
  }

  /** As last collected. */
  get activity(): Activity {
    const [received, answered, handedOn, repeats, polls] = this.#sums.subarray(OWN_AT);
    return { received, answered, handedOn, repeats, polls };
  }

  #difference(i: number): number {
    const count = Atomics.load(this.#words, i);
    const difference = (count - this.#seen[i]) >>> 0;
    this.#seen[i] = count;
    return difference;
  }
}
