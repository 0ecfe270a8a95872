/**
 * A change as bytes: the new state of a key, or only its new expiry, or the end of all keys with a
 * prefix. Carrying out the same run of changes twice does no harm: a later change of a key supersedes
 * an earlier one.
 *
 *     key length, lower byte ‖ kind u8 ‖ value length u24 ‖ key length, upper byte ‖ expiry u64 ‖ key ‖ value
 *
 * Little-endian; the expiry is in ms since 1970, 0 for never. Only a stored key has a value. (Keys had at
 * most 128 bytes before, and the upper byte was the highest of a value's length, so 0.)
 */

import { assert } from "../assert.ts";
import { readU32, readU64, writeU32, writeU64 } from "../bytes.ts";
import { copyRun } from "../store/copy.ts";
import { MAX_KEY_BYTES } from "../store/item.ts";
import { MAX_STORED_BYTES, type Span } from "../store/store.ts";

const KEY_LENGTH_AT = 0;
const KIND_AT = KEY_LENGTH_AT + 1;
const VALUE_LENGTH_AT = KIND_AT + 1;
const EXPIRY_AT = VALUE_LENGTH_AT + 4;
const KEY_AT = EXPIRY_AT + 8;

const VALUE_LENGTH_MASK = 2 ** 24 - 1;
assert(MAX_KEY_BYTES < 2 ** 16, "a key's length fits two bytes");
assert(MAX_STORED_BYTES <= VALUE_LENGTH_MASK, "a value's length fits three bytes");

/** What a change does to its key. */
export const Kind = {
  /** The key no longer exists. */
  DELETED: 0,
  /** The key has this value and this expiry. */
  STORED: 1,
  /** The key keeps its value, and has this expiry. */
  TOUCHED: 4,
  /** No key that begins with this one exists any longer; it may be empty. */
  DROPPED: 5,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

const KIND_MASK = Kind.STORED | Kind.TOUCHED | Kind.DROPPED;
/** Nobody waits for it, so it is never refused: if it can't be written now, it is written later. */
const UNAWAITED = 2;

export interface Change {
  readonly kind: Kind;
  /** The key, or the prefix of those that were dropped. */
  readonly key: Uint8Array;
  /** Empty unless the key is stored. */
  readonly value: Uint8Array;
  /** In ms since 1970; 0 for never. */
  readonly expiresAtMs: number;
  readonly isAwaited: boolean;
}

/** A change to write. */
export interface NewChange {
  readonly kind: Kind;
  readonly key: Span;
  /** Given only for a stored key. */
  readonly value: Span | null;
  /** In ms since 1970, a whole number; 0 for never. */
  readonly expiresAtMs: number;
}

/** The end of a key, and of all keys with a prefix. */
export const deletionOf = (key: Span): NewChange => changeWithoutValue(Kind.DELETED, key);
export const dropOf = (prefix: Span): NewChange => changeWithoutValue(Kind.DROPPED, prefix);

const changeWithoutValue = (kind: Kind, key: Span): NewChange => ({
  kind,
  key,
  value: null,
  expiresAtMs: 0,
});

/** Bytes of a change. */
export function changeBytes({ key, value }: NewChange): number {
  return KEY_AT + key.length + (value?.length ?? 0);
}

/** Writes a change. There must be room for it. */
export function writeChange(
  bytes: Uint8Array,
  at: number,
  { kind, key, value, expiresAtMs }: NewChange,
  isAwaited: boolean,
): void {
  assert((kind === Kind.STORED) === (value !== null), "a stored key has a value");
  bytes[at + KEY_LENGTH_AT] = key.length & 0xff;
  bytes[at + KIND_AT] = kind | (isAwaited ? 0 : UNAWAITED);
  writeU32(bytes, at + VALUE_LENGTH_AT, (value?.length ?? 0) | ((key.length >> 8) << 24));
  writeU64(bytes, at + EXPIRY_AT, expiresAtMs);
  copyRun(key.bytes, key.start, bytes, at + KEY_AT, key.length);
  if (value !== null) {
    copyRun(value.bytes, value.start, bytes, at + KEY_AT + key.length, value.length);
  }
}

/** The changes in a run of bytes. Their arrays are views of it. */
export function* readChanges(bytes: Uint8Array): Generator<Change> {
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at + KIND_AT];
    const lengths = readU32(bytes, at + VALUE_LENGTH_AT);
    const keyEnd = at + KEY_AT + (bytes[at + KEY_LENGTH_AT] | ((lengths >>> 24) << 8));
    const end = keyEnd + (lengths & VALUE_LENGTH_MASK);
    yield {
      kind: (kind & KIND_MASK) as Kind,
      key: bytes.subarray(at + KEY_AT, keyEnd),
      value: bytes.subarray(keyEnd, end),
      expiresAtMs: readU64(bytes, at + EXPIRY_AT),
      isAwaited: (kind & UNAWAITED) === 0,
    };
    at = end;
  }
}
