/** The real store, which also reports to a ledger what was carried out. */

import { LogStore } from "../../src/store/log_store.ts";
import { type Found, Result, type Span } from "../../src/store/store.ts";
import { fillRandomOf } from "../bytes.ts";
import type { Ledger, Life } from "./ledger.ts";

/** Enough for what a seed stores: nothing is evicted. */
export const LIMIT_BYTES = 2 ** 20;

export class RecordingStore extends LogStore {
  readonly #ledger: Ledger;
  readonly life: Life;

  constructor(ledger: Ledger, now: () => number) {
    super({ limitBytes: LIMIT_BYTES, now, fillRandom: fillRandomOf(1), readers: 1 });
    this.#ledger = ledger;
    this.life = ledger.beginLife();
  }

  override set(
    key: Span,
    value: Span,
    expiresAtMs: number,
    overwrite: boolean,
    found: Found,
  ): Result {
    const result = super.set(key, value, expiresAtMs, overwrite, found);
    if (result === Result.DONE) {
      this.#ledger.noteStored(this.life, textOf(value.bytes, value.start, value.length));
    }
    return result;
  }

  override setIfEqual(
    key: Span,
    expected: Span,
    value: Span,
    expiresAtMs: number,
    found: Found,
  ): Result {
    const result = super.setIfEqual(key, expected, value, expiresAtMs, found);
    if (result === Result.DONE) {
      this.#ledger.noteStored(this.life, textOf(value.bytes, value.start, value.length));
      this.#ledger.noteSwap(this.life, textOf(expected.bytes, expected.start, expected.length));
    }
    return result;
  }

  override add(key: Span, delta: bigint, expiresAtMs: number, found: Found): Result {
    const result = super.add(key, delta, expiresAtMs, found);
    if (result === Result.DONE) {
      const name = textOf(key.bytes, key.start, key.length);
      if (name.startsWith("sum:")) {
        this.#ledger.noteApplied(this.life, name, delta);
        const sum = BigInt(textOf(found.bytes, found.start, found.length));
        this.life.sums.set(name, sum);
      }
    }
    return result;
  }
}

export function textOf(bytes: Uint8Array, start: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString();
}
