/**
 * MurmurHash3 with 32 bits and the seed 0, also of many texts that end alike: each prefix is hashed once,
 * and what the ending contributes is computed once for all prefixes of one length modulo 4.
 * Source: Austin Appleby, MurmurHash3.cpp (public domain), MurmurHash3_x86_32.
 */

import { readU32 } from "../bytes.ts";

const C1 = 0xcc9e2d51 | 0;
const C2 = 0x1b873593;
const C3 = 0xe6546b64 | 0;
const BLOCK_BYTES = 4;

function mixBlock(block: number): number {
  const k = Math.imul(block, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}

function mixInto(hash: number, mixed: number): number {
  const h = hash ^ mixed;
  return (Math.imul((h << 13) | (h >>> 19), 5) + C3) | 0;
}

function finish(hash: number, length: number): number {
  let h = hash ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The last bytes of a text, fewer than a block. */
function mixTail(bytes: Uint8Array, at: number): number {
  let tail = 0;
  for (let i = bytes.length - 1; i >= at; i--) tail = (tail << 8) | bytes[i];
  return mixBlock(tail);
}

/** The hash of a text, 0…2^32 − 1. */
export function murmur3(bytes: Uint8Array): number {
  const tail = mixTail(bytes, bytes.length - bytes.length % BLOCK_BYTES);
  return finish(hashBlocks(bytes) ^ tail, bytes.length);
}

/** Hashes the whole blocks of a text. */
function hashBlocks(bytes: Uint8Array): number {
  let hash = 0;
  for (let at = 0; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) {
    hash = mixInto(hash, mixBlock(readU32(bytes, at)));
  }
  return hash;
}

/** Prefixes that leave so many bytes over behind their last whole block. */
interface Alignment {
  readonly restBytes: number;
  /** For each prefix its place among all, its length, the hash of its blocks, and the rest. */
  readonly places: readonly number[];
  readonly lengths: Int32Array;
  readonly states: Int32Array;
  readonly rests: Int32Array;
  /** While an ending is hashed. */
  readonly hashes: Int32Array;
}

/** Hashes of prefix ‖ ending, for some prefixes and one ending after the other. */
export class PrefixedHashes {
  readonly #alignments: readonly Alignment[];

  constructor(prefixes: readonly Uint8Array[]) {
    this.#alignments = [0, 1, 2, 3].map((restBytes) => alignmentOf(prefixes, restBytes))
      .filter(({ places }) => places.length > 0);
  }

  /** @param hashes gets the hash for each prefix */
  hash(ending: Uint8Array, hashes: Uint32Array): void {
    for (const alignment of this.#alignments) hashBehind(alignment, ending, hashes);
  }
}

/** Goes from block to block with all prefixes: a processor works on several of them at a time. */
function hashBehind(alignment: Alignment, ending: Uint8Array, result: Uint32Array): void {
  const { restBytes, places, lengths, states, rests, hashes } = alignment;
  const count = places.length;
  const missing = BLOCK_BYTES - restBytes;
  const first = headOf(ending, missing) << (8 * restBytes);
  const isShort = ending.length < missing;
  for (let i = 0; i < count; i++) {
    const mixed = mixBlock(rests[i] | first);
    hashes[i] = isShort ? states[i] ^ mixed : mixInto(states[i], mixed);
  }
  let at = missing;
  for (; at + BLOCK_BYTES <= ending.length; at += BLOCK_BYTES) {
    const mixed = mixBlock(readU32(ending, at));
    for (let i = 0; i < count; i++) hashes[i] = mixInto(hashes[i], mixed);
  }
  const tail = isShort ? 0 : mixTail(ending, at);
  for (let i = 0; i < count; i++) {
    result[places[i]] = finish(hashes[i] ^ tail, lengths[i] + ending.length);
  }
}

/** The first bytes of a text as a number: at most a block. */
function headOf(bytes: Uint8Array, length: number): number {
  let head = 0;
  for (let i = Math.min(length, bytes.length) - 1; i >= 0; i--) head = (head << 8) | bytes[i];
  return head;
}

function alignmentOf(all: readonly Uint8Array[], restBytes: number): Alignment {
  const places = all.flatMap((bytes, i) => bytes.length % BLOCK_BYTES === restBytes ? [i] : []);
  const prefixes = places.map((place) => all[place]);
  return {
    restBytes,
    places,
    lengths: Int32Array.from(prefixes, ({ length }) => length),
    states: Int32Array.from(prefixes, hashBlocks),
    rests: Int32Array.from(
      prefixes,
      (bytes) => headOf(bytes.subarray(bytes.length - restBytes), 3),
    ),
    hashes: new Int32Array(places.length),
  };
}
