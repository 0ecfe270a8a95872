/**
 * A change as bytes: what a key is from now on. So a later change to the same key makes an earlier one
 * superfluous, and to carry one out twice does no harm.
 *
 *     key length u8 ‖ kind u8 ‖ value length u32 ‖ expiry u64 ‖ key ‖ value
 *
 * Little-endian; the expiry is in ms since 1970, 0 for never. A deleted key has no value.
 */

import { assert } from "../assert.ts";
import { copyRun } from "../store/copy.ts";
import { MAX_KEY_BYTES } from "../store/item.ts";
import type { Span } from "../store/store.ts";

const KEY_LENGTH_AT = 0;
const KIND_AT = KEY_LENGTH_AT + 1;
const VALUE_LENGTH_AT = KIND_AT + 1;
const EXPIRY_AT = VALUE_LENGTH_AT + 4;
const KEY_AT = EXPIRY_AT + 8;

assert(MAX_KEY_BYTES < 2 ** 8, "a key's length fits a byte");

/** Bits of a kind. */
const STORED = 1;
/** Nobody waits for it, so it can't be refused: it is written later if it can't be written now. */
const KEPT = 2;

const TWO_TO_THE_32 = 2 ** 32;

export interface Change {
  readonly key: Uint8Array;
  /** Null for a key that was deleted. */
  readonly value: Uint8Array | null;
  /** In ms since 1970; 0 for never. */
  readonly expiresAtMs: number;
  readonly isKept: boolean;
}

/** Bytes of a change. */
export function changeBytes(key: Span, value: Span | null): number {
  return KEY_AT + key.length + (value?.length ?? 0);
}

/** Writes a change, for which there is room. @param expiresAtMs a whole number */
export function writeChange(
  bytes: Uint8Array,
  at: number,
  key: Span,
  value: Span | null,
  expiresAtMs: number,
  isKept: boolean,
): void {
  bytes[at + KEY_LENGTH_AT] = key.length;
  bytes[at + KIND_AT] = (value === null ? 0 : STORED) | (isKept ? KEPT : 0);
  writeU32(bytes, at + VALUE_LENGTH_AT, value?.length ?? 0);
  writeU32(bytes, at + EXPIRY_AT, expiresAtMs % TWO_TO_THE_32);
  writeU32(bytes, at + EXPIRY_AT + 4, Math.floor(expiresAtMs / TWO_TO_THE_32));
  copyRun(key.bytes, key.start, bytes, at + KEY_AT, key.length);
  if (value !== null) {
    copyRun(value.bytes, value.start, bytes, at + KEY_AT + key.length, value.length);
  }
}

function writeU32(bytes: Uint8Array, at: number, number: number): void {
  bytes[at] = number;
  bytes[at + 1] = number >>> 8;
  bytes[at + 2] = number >>> 16;
  bytes[at + 3] = number >>> 24;
}

/** The changes in a run of bytes, whose arrays are parts of it. */
export function* readChanges(bytes: Uint8Array): Generator<Change> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const kind = view.getUint8(at + KIND_AT);
    const keyEnd = at + KEY_AT + view.getUint8(at + KEY_LENGTH_AT);
    const end = keyEnd + view.getUint32(at + VALUE_LENGTH_AT, true);
    const [low, high] = [EXPIRY_AT, EXPIRY_AT + 4].map((part) => view.getUint32(at + part, true));
    yield {
      key: bytes.subarray(at + KEY_AT, keyEnd),
      value: (kind & STORED) !== 0 ? bytes.subarray(keyEnd, end) : null,
      expiresAtMs: low + high * TWO_TO_THE_32,
      isKept: (kind & KEPT) !== 0,
    };
    at = end;
  }
}
