/** The keys and values of the hammer: all bytes of a value follow from its key and its number. */

import { readU32, writeU32 } from "../../src/bytes.ts";
import type { Span } from "../../src/store/store.ts";

/** Key, number, length. */
export const HEAD_BYTES = 12;

export function keyBytes(span: Span, key: number): void {
  writeU32(span.bytes, 0, key);
  writeU32(span.bytes, 4, Math.imul(key, 0x9e3779b1));
  // Keys have several lengths.
  span.length = 5 + (key % 4);
}

export function writeValue(bytes: Uint8Array, key: number, number: number, length: number): void {
  writeU32(bytes, 0, key);
  writeU32(bytes, 4, number);
  writeU32(bytes, 8, length);
  for (let i = HEAD_BYTES; i < length; i++) bytes[i] = byteAt(key, number, i);
}

/** What is wrong with the value that was read for a key, or null. @param least its least number */
export function faultIn(
  bytes: Uint8Array,
  length: number,
  key: number,
  least: number,
): string | null {
  const number = readU32(bytes, 4);
  if (readU32(bytes, 0) !== key) return `a foreign value: of key ${readU32(bytes, 0)}, not ${key}`;
  if (readU32(bytes, 8) !== length) return `a torn value of key ${key}: another length`;
  if (number < least) return `a stale value of key ${key}: number ${number}, not ${least}`;
  for (let i = HEAD_BYTES; i < length; i++) {
    if (bytes[i] !== byteAt(key, number, i)) return `a torn value of key ${key}: byte ${i}`;
  }
  return null;
}

const byteAt = (key: number, number: number, i: number): number =>
  (key + number * 31 + i * 7) & 255;
