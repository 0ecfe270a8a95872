/** The make-up of a load: which keys, how many reads, how large the values. */

import type { Calls } from "../client.ts";
import { Zipf } from "./zipf.ts";

export interface Workload {
  /** What all keys begin with, 1 to 119 bytes; a number of nine digits follows. */
  readonly prefix: string;
  /** 1 to 10^9. */
  readonly keys: number;
  /** The share of reads in all requests, 0 to 1; the others are SETs. */
  readonly readShare: number;
  /** The exponent of Zipf's law, above 0; 0 if all keys are equally frequent. */
  readonly zipf: number;
  /** 0 to 863; 855 with a time to live. */
  readonly valueBytes: number;
  /** The time to live that SETs give keys, in milliseconds; undefined for none. */
  readonly ttlMs: number | undefined;
}

/** The outcome of one request: a GET that found its key, a GET that did not, or a SET. */
export type Kind = "hit" | "miss" | "set";

/** Digits of a key's number. */
export const KEY_DIGITS = 9;
const encoder = new TextEncoder();
const DIGIT_ZERO = 0x30;

/** Makes requests according to a workload. */
export class Requests {
  readonly #value: Uint8Array;
  readonly #nextKey: () => number;
  readonly #isRead: () => boolean;
  readonly #setOptions: { readonly overwrite: true; readonly ttl?: number };
  readonly #key: Uint8Array;

  /** @param random numbers in [0, 1) */
  constructor(workload: Workload, random: () => number = Math.random) {
    this.#key = encoder.encode(workload.prefix + "0".repeat(KEY_DIGITS));
    this.#value = new Uint8Array(workload.valueBytes).fill("v".charCodeAt(0));
    this.#setOptions = { overwrite: true, ttl: workload.ttlMs };
    const zipf = workload.zipf > 0 ? new Zipf(workload.keys, workload.zipf, random) : null;
    this.#nextKey = () => zipf === null ? Math.floor(random() * workload.keys) : zipf.next() - 1;
    this.#isRead = () => random() < workload.readShare;
  }

  /** Whether the next request is a read, by chance. */
  drawIsRead(): boolean {
    return this.#isRead();
  }

  /** A request of a key chosen by chance. */
  async perform(kv: Calls<true>, isRead: boolean): Promise<Kind> {
    const number = this.#nextKey();
    if (!isRead) return await this.set(kv, number);
    return await kv.get(this.#keyOf(number)) === undefined ? "miss" : "hit";
  }

  /** A SET of the key with a number, 0 to keys − 1. */
  async set(kv: Calls<true>, number: number): Promise<Kind> {
    await kv.set(this.#keyOf(number), this.#value, this.#setOptions);
    return "set";
  }

  /** All keys share one array: a call copies its key. */
  #keyOf(number: number): Uint8Array {
    let rest = number;
    const end = this.#key.length;
    for (let i = end - 1; i >= end - KEY_DIGITS; i--) {
      this.#key[i] = DIGIT_ZERO + rest % 10;
      rest = Math.floor(rest / 10);
    }
    return this.#key;
  }
}
