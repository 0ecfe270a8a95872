/** Makes a .tar.gz. Source: "ustar Interchange Format" in POSIX, pax(1). */

import { gzipSync } from "node:zlib";
import { type ArchivedFile, inOrder, type MakeArchive, modeOf } from "./archive.ts";

const BLOCK_BYTES = 512;
const MAX_PATH_BYTES = 100;
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;

export const tarGz: MakeArchive = (files, timeS) => {
  const blocks = inOrder(files).flatMap((file) => [header(file, timeS), file.bytes, padding(file)]);
  const end = Buffer.alloc(2 * BLOCK_BYTES);
  return gzipSync(Buffer.concat([...blocks, end]));
};

function header(file: ArchivedFile, timeS: number): Buffer {
  if (Buffer.byteLength(file.path) > MAX_PATH_BYTES) throw new Error(`too long: ${file.path}`);
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(file.path, 0);
  block.write(octal(modeOf(file), 8), 100);
  block.write(octal(0, 8), 108); // user
  block.write(octal(0, 8), 116); // group
  block.write(octal(file.bytes.length, 12), 124);
  block.write(octal(timeS, 12), 136);
  block.fill(" ", CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_BYTES);
  block.write("0", 156); // a file
  block.write("ustar\0" + "00", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 7)} `, CHECKSUM_AT);
  return block;
}

/** Digits that end with a NUL, in a field of so many bytes. */
function octal(value: number, bytes: number): string {
  return `${value.toString(8).padStart(bytes - 1, "0")}\0`;
}

function padding({ bytes }: ArchivedFile): Buffer {
  return Buffer.alloc((BLOCK_BYTES - bytes.length % BLOCK_BYTES) % BLOCK_BYTES);
}
