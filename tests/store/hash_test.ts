import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { HASH_KEY_BYTES, makeHash } from "../../src/store/hash.ts";
import { everyByte, randomBytes } from "../bytes.ts";

/**
 * Hashes of the bytes 0, 1, 2 … of each length, under the key 0, 1 … 7.
 * Source: the Linux kernel's tests of siphash, HalfSipHash-1-3 (lib/tests/siphash_kunit.c).
 */
const VECTORS = [
  ...[0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65],
  ...[0x9d38d9d6, 0x577999b1, 0xc839caed, 0xe4fa32cf, 0x959246ee, 0x6b28096c, 0x66dd9cd6],
  ...[0x16658a7c, 0xd0257b04, 0x8b31d501, 0x2b1cd04b, 0x06712339, 0x522aca67, 0x911bb605],
  ...[0x90a65f0e, 0xf826ef7b, 0x62512deb, 0x57150ad7, 0x5d473507, 0x1ec47442, 0xab64afd3],
  ...[0x0a4100d0, 0x6d2ce652, 0x2331b6a3, 0x08d8791a, 0xbc6dda8d, 0xe0f6c934, 0xb0652033],
];

test("it is HalfSipHash-1-3", () => {
  const hash = makeHash(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7));
  for (const [length, vector] of VECTORS.entries()) {
    const words = new Int32Array(40);
    new Uint8Array(words.buffer).set(Uint8Array.from({ length }, (_, i) => i), 8);
    assertEquals(hash(words, 2, length) >>> 0, vector, `${length} bytes`);
    // The bits after the bytes in their last word do not matter.
    if (length % 4 > 0) words[2 + (length >> 2)] |= -1 << ((length % 4) * 8);
    assertEquals(hash(words, 2, length) >>> 0, vector, `${length} bytes and others after`);
  }
});

test("another key gives other hashes, and every bit of them is used", () => {
  const words = new Int32Array(everyByte(16).buffer);
  let ones = 0;
  let zeros = 0;
  const seen = new Set<number>();
  for (let seed = 0; seed < 200; seed++) {
    const hash = makeHash(randomBytes(seed, HASH_KEY_BYTES))(words, 0, 16);
    ones |= hash;
    zeros |= ~hash;
    seen.add(hash);
  }
  assertEquals([ones, zeros], [-1, -1]);
  assert(seen.size > 195);
});
