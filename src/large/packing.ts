/** Compression and checksums of large values: raw DEFLATE (RFC 1951), and half of SHA-256. */

import { equalBytes } from "../bytes.ts";
import { MAX_LARGE_BYTES, SUM_BYTES } from "./head.ts";

/** Loaded when the first value needs them. */
const zlib = () => import("node:zlib");
const hashes = () => import("node:crypto");

/** @returns null if that would not be shorter */
export async function deflated(value: Uint8Array): Promise<Uint8Array | null> {
  const { deflateRawSync } = await zlib();
  const packed = deflateRawSync(value);
  return packed.length < value.length ? new Uint8Array(packed) : null;
}

/** @returns null if it is no DEFLATE, or becomes larger than a value may be */
export async function inflated(packed: Uint8Array): Promise<Uint8Array | null> {
  const { inflateRawSync } = await zlib();
  try {
    return new Uint8Array(inflateRawSync(packed, { maxOutputLength: MAX_LARGE_BYTES }));
  } catch {
    return null;
  }
}

export async function sumOf(value: Uint8Array): Promise<Uint8Array> {
  // Not Web Crypto, which hands 10 KB to a thread for longer than they take.
  const { createHash } = await hashes();
  return createHash("sha256").update(value).digest().subarray(0, SUM_BYTES);
}

export async function hasSum(value: Uint8Array, sum: Uint8Array): Promise<boolean> {
  return equalBytes(await sumOf(value), 0, sum, 0, SUM_BYTES);
}
