/** Numbers as the store keeps them: ASCII decimals of signed 64 bits. docs/WIRE.md, section 4. */

const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** The digits of 2^63 − 1. */
const MAX_DIGITS = 19;
/** A minus sign and the digits. */
export const MAX_NUMBER_BYTES = 1 + MAX_DIGITS;
/** This many digits are read as a JavaScript number without loss; few numbers have more. */
const EXACT_DIGITS = 15;

/** The number in a run of bytes, or null if the bytes are not a number. */
export function parseNumber(bytes: Uint8Array, start: number, length: number): bigint | null {
  const exact = parseExact(bytes, start, length);
  if (!Number.isNaN(exact)) return BigInt(exact);
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  const split = first + EXACT_DIGITS;
  const rest = start + length - split;
  if (rest < 1 || rest > MAX_DIGITS - EXACT_DIGITS || bytes[first] === ZERO) return null;
  const [head, tail] = [parseDigits(bytes, first, split), parseDigits(bytes, split, split + rest)];
  if (Number.isNaN(head + tail)) return null;
  const magnitude = BigInt(head) * 10n ** BigInt(rest) + BigInt(tail);
  const number = isNegative ? -magnitude : magnitude;
  return fits64Bits(number) ? number : null;
}

/** As parseNumber, for a number of at most 15 digits; NaN for any other. */
export function parseExact(bytes: Uint8Array, start: number, length: number): number {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  const end = start + length;
  if (end <= first || end - first > EXACT_DIGITS) return Number.NaN;
  if (bytes[first] === ZERO) return length === 1 ? 0 : Number.NaN;
  const magnitude = parseDigits(bytes, first, end);
  return isNegative ? -magnitude : magnitude;
}

/** Parses at most 15 digits; NaN if a byte is not a digit. */
function parseDigits(bytes: Uint8Array, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte < ZERO || byte > NINE) return Number.NaN;
    number = number * 10 + byte - ZERO;
  }
  return number;
}

export function fits64Bits(number: bigint): boolean {
  return BigInt.asIntN(64, number) === number;
}

/** Writes a number as text and returns its length, at most 20 bytes. */
export function writeNumber(number: bigint | number, bytes: Uint8Array, start: number): number {
  const text = String(number);
  for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i);
  return text.length;
}
