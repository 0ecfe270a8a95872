/** Operations on bytes in place: little-endian integers (docs/WIRE.md, section 1), comparison. */

export const TWO_TO_THE_32 = 2 ** 32;

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Reads a u64 of at most 2^53 − 1; NaN if it is greater. */
export function readU64(bytes: Uint8Array, at: number): number {
  const value = readU32(bytes, at) + readU32(bytes, at + 4) * TWO_TO_THE_32;
  return value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN;
}

/** Writes a whole number of 0…2^53 − 1 as a u64. */
export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, value % TWO_TO_THE_32);
  writeU32(bytes, at + 4, Math.floor(value / TWO_TO_THE_32));
}

/**
 * A copy of a run of bytes, in memory of its own. Not `slice`: a Buffer, as node:crypto and the
 * sockets return, shares its memory with its slices.
 */
export function copyBytes(bytes: Uint8Array, from = 0, to = bytes.length): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from));
}

/** Whether two arrays have the same bytes. Not for secrets, as below. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && equalBytes(a, 0, b, 0, a.length);
}

/** Compares two runs of bytes. Not for secrets: it stops at the first difference. */
export function equalBytes(
  a: Uint8Array,
  aAt: number,
  b: Uint8Array,
  bAt: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) {
    if (a[aAt + i] !== b[bAt + i]) return false;
  }
  return true;
}
