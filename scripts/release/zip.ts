/** Makes a .zip. Source: APPNOTE.TXT of PKWARE, 4.3 and 4.4. */

import { crc32, deflateRawSync } from "node:zlib";
import { inOrder, type MakeArchive, modeOf } from "./archive.ts";

const VERSION = 20;
/** Made on Unix, so that the mode counts. */
const MADE_BY = (3 << 8) | VERSION;
const DEFLATED = 8;
const UTF8_NAMES = 1 << 11;
const REGULAR_FILE = 0o100000;

export const zip: MakeArchive = (files, timeS) => {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const file of inOrder(files)) {
    const name = Buffer.from(file.path);
    const data = deflateRawSync(file.bytes);
    const sizes = [crc32(file.bytes), data.length, file.bytes.length];
    const [date, time] = dosTime(timeS);
    const common = [u16(VERSION, UTF8_NAMES, DEFLATED, time, date), u32(...sizes)];
    const entry = [u32(0x04034b50), ...common, u16(name.length, 0), name, data];
    const mode = (REGULAR_FILE | modeOf(file)) * 2 ** 16;
    central.push(u32(0x02014b50), u16(MADE_BY), ...common, u16(name.length, 0, 0, 0, 0));
    central.push(u32(mode, at), name);
    local.push(...entry);
    at += bytesOf(entry);
  }
  const end = [u32(0x06054b50), u16(0, 0, files.length, files.length)];
  return Buffer.concat([...local, ...central, ...end, u32(bytesOf(central), at), u16(0)]);
};

function bytesOf(parts: readonly Buffer[]): number {
  return parts.reduce((total, { length }) => total + length, 0);
}

function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => bytes.writeUInt16LE(value, 2 * i));
  return bytes;
}

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
  return bytes;
}

/** In UTC, in steps of two seconds. */
function dosTime(timeS: number): [date: number, time: number] {
  const at = new Date(timeS * 1_000);
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) |
    at.getUTCDate();
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  return [date, time];
}
