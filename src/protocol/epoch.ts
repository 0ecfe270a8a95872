/**
 * The epoch: boot id ‖ generation. A mutation is sealed for an epoch. Every reply carries the
 * server's epoch, which only a holder of the key can read.
 * Source: docs/WIRE.md, sections 4 (reply meta) and 5.
 */

import { copyBytes, equalBytes, readU64, writeU64 } from "../bytes.ts";
import type { FillRandom } from "./nonces.ts";

const BOOT_ID_BYTES = 8;
const GENERATION_BYTES = 8;
export const EPOCH_BYTES = BOOT_ID_BYTES + GENERATION_BYTES;

export class Epoch {
  /** The 16 bytes that a mutation is authenticated with. */
  readonly bytes: Uint8Array;
  /** 0…2^53 − 1; NaN for a generation that no server reaches. */
  readonly generation: number;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.generation = readU64(bytes, BOOT_ID_BYTES);
  }

  /** The first epoch of a starting server. */
  static first(fillRandom: FillRandom): Epoch {
    const bytes = new Uint8Array(EPOCH_BYTES);
    fillRandom(bytes.subarray(0, BOOT_ID_BYTES));
    return new Epoch(bytes);
  }

  /** A copy of the epoch at an offset. */
  static read(bytes: Uint8Array, at: number): Epoch {
    return new Epoch(copyBytes(bytes, at, at + EPOCH_BYTES));
  }

  /** The next generation of the same boot. */
  next(): Epoch {
    const bytes = copyBytes(this.bytes);
    writeU64(bytes, BOOT_ID_BYTES, this.generation + 1);
    return new Epoch(bytes);
  }

  isBootOf(other: Epoch): boolean {
    return equalBytes(this.bytes, 0, other.bytes, 0, BOOT_ID_BYTES);
  }

  /** Whether the epoch at an offset equals this one. */
  equals(bytes: Uint8Array, at: number): boolean {
    return equalBytes(this.bytes, 0, bytes, at, EPOCH_BYTES);
  }
}
