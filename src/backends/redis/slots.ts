/** The slots of a Cluster. Source: the Redis Cluster specification, «Key distribution model». */

import { assert } from "../../assert.ts";

export const SLOTS = 16_384;

const OPEN = "{".charCodeAt(0);
const CLOSE = "}".charCodeAt(0);
const POLYNOMIAL = 0x1021;

/** CRC-16/XMODEM of each byte. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ ((crc & 0x8000) !== 0 ? POLYNOMIAL : 0);
  return crc & 0xffff;
});

export function crc16(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0;
  for (let i = start; i < end; i++) {
    crc = ((crc << 8) & 0xffff) ^ TABLE[(crc >>> 8) ^ bytes[i]];
  }
  return crc;
}

assert(crc16(new TextEncoder().encode("123456789")) === 0x31c3, "the CRC is that of XMODEM");

/** The slot of a key: of what is between its first braces, if there is something. */
export function slotOf(bytes: Uint8Array, start: number, length: number): number {
  const end = start + length;
  const open = indexOf(bytes, OPEN, start, end);
  const close = open < 0 ? -1 : indexOf(bytes, CLOSE, open + 1, end);
  const hasTag = close > open + 1;
  return crc16(bytes, hasTag ? open + 1 : start, hasTag ? close : end) % SLOTS;
}

function indexOf(bytes: Uint8Array, byte: number, start: number, end: number): number {
  for (let i = start; i < end; i++) if (bytes[i] === byte) return i;
  return -1;
}
