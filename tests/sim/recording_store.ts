/** The real store, which also tells a ledger what was carried out. */

import { LogStore } from "../../src/store/log_store.ts";
import { type Found, NONE, Result, type Span } from "../../src/store/store.ts";
import { fillRandomOf } from "../bytes.ts";
import type { Ledger, Life } from "./ledger.ts";

/** Enough for what a seed stores: nothing is evicted. */
const LIMIT_BYTES = 2 ** 20;

export class RecordingStore extends LogStore {
  readonly #ledger: Ledger;
  readonly life: Life;

  constructor(ledger: Ledger, now: () => number) {
    super({ limitBytes: LIMIT_BYTES, now, fillRandom: fillRandomOf(1) });
    this.#ledger = ledger;
    this.life = ledger.beginLife();
  }

  /** The value of a key as text; null for none. */
  read(key: string): string | null {
    const bytes = new TextEncoder().encode(key);
    const found = { bytes: new Uint8Array(64), start: 0, room: 64, length: NONE, expiresAtMs: 0 };
    const result = this.get({ bytes, start: 0, length: bytes.length }, found);
    return result === Result.DONE ? textOf(found.bytes, 0, found.length) : null;
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

function textOf(bytes: Uint8Array, start: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString();
}
