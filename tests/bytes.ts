/** Bytes for tests: from text and hex, random from a seed, and every byte value. */

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** Every byte value in turn, so that the last of 256 is NUL. */
export function everyByte(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 255 - (i % 256));
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A source of bytes from a seed, in place of the kernel's. */
export function fillRandomOf(seed: number): (bytes: Uint8Array) => void {
  const random = randomOf(seed);
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = random() * 256;
  };
}

/** Bytes from a seed. */
export function randomBytes(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  fillRandomOf(seed)(bytes);
  return bytes;
}
