/** Numbers as the store keeps them: ASCII decimals of signed 64 bits. docs/WIRE.md, section 4. */

const FORM = /^(?:0|-?[1-9][0-9]{0,18})$/;
/** A minus sign and nineteen digits. */
export const MAX_NUMBER_BYTES = 20;

/** The number that stands in a run of bytes, or null when they are not one. */
export function parseNumber(bytes: Uint8Array, start: number, length: number): bigint | null {
  if (length > MAX_NUMBER_BYTES) return null;
  let text = "";
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[start + i]);
  if (!FORM.test(text)) return null;
  const number = BigInt(text);
  return fits64Bits(number) ? number : null;
}

export function fits64Bits(number: bigint): boolean {
  return BigInt.asIntN(64, number) === number;
}

/** Writes a number as text and returns its length, at most 20 bytes. */
export function writeNumber(number: bigint, bytes: Uint8Array, start: number): number {
  const text = String(number);
  for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i);
  return text.length;
}
