/**
 * HalfSipHash-1-3 with a secret key, so that clients cannot choose keys that collide in the index.
 * Source: HalfSipHash, Aumasson's 32-bit variant of SipHash (Aumasson and Bernstein, 2012), with one
 * round per word and three at the end, as in the Linux kernel's lib/siphash.c (hsiphash, 32 bits).
 */

import { readU32 } from "../bytes.ts";

/**
 * The hash of a run of bytes as a signed 32-bit integer.
 * @param words little-endian; bytes after the last one in its word do not matter
 * @param at the number of the first word
 * @param length in bytes; the hash has its lowest 8 bits, as SipHash does
 */
export type Hash = (words: Int32Array, at: number, length: number) => number;

const FINAL_ROUNDS = 3;

export const HASH_KEY_BYTES = 8;

/** @param key the secret key, 8 bytes */
export function makeHash(key: Uint8Array): Hash {
  const [key0, key1] = [0, 4].map((at) => readU32(key, at) | 0);

  return (words, at, length) => {
    const whole = length >> 2;
    const last = (length << 24) | ((length & 3) === 0 ? 0 : words[at + whole] & tailMask(length));
    let v0 = key0;
    let v1 = key1;
    let v2 = key0 ^ 0x6c796765;
    let v3 = key1 ^ 0x74656462;
    for (let i = 0; i <= whole + FINAL_ROUNDS; i++) {
      const word = i < whole ? words[at + i] : i === whole ? last : 0;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
      if (i === whole) v2 ^= 0xff;
    }
    return v1 ^ v3;
  };
}

/** Masks the bytes in the last word of a run whose length does not fill that word. */
export const tailMask = (length: number): number => (1 << ((length & 3) << 3)) - 1;
