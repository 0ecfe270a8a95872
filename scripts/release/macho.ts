/**
 * Signs a program for macOS, without an identity. Bun puts Kilogram into its own program, whose signature is
 * then wrong, and signs it anew for arm64 alone; macOS kills a program whose signature is wrong.
 * Source: loader.h and kern/cs_blobs.h of xnu, Apple's kernel.
 */

import { createHash } from "node:crypto";

const MAGIC_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
const CODE_DIRECTORY_VERSION = 0x20400;
const CODE_DIRECTORY_BYTES = 88;
/** Made by a linker, for nobody: `codesign` may put another in its place. */
const AD_HOC = 0x20002;
const MAIN_BINARY = 1n;
const SHA256 = 2;
const HASH_BYTES = 32;
const PAGE_BITS = 12;
const PAGE_BYTES = 1 << PAGE_BITS;
/** Segments begin and end at pages of this size, which arm64 has. */
const SEGMENT_PAGE_BYTES = 16_384n;
const IDENTIFIER = "kg\0";

interface Segment {
  /** Where its load command is. */
  readonly at: number;
  readonly fileOffset: bigint;
  readonly fileBytes: bigint;
}

/** @returns the program with a signature in the place of the one that it has @throws {Error} if it has none */
export function signAdHoc(program: Uint8Array): Uint8Array {
  const old = Buffer.from(program);
  const { signatureAt, segments } = loadCommands(old);
  const text = segments.get("__TEXT");
  const linkEdit = segments.get("__LINKEDIT");
  if (signatureAt === undefined || text === undefined || linkEdit === undefined) {
    throw new Error("this is no signed program of macOS");
  }
  // The signature is the end of the file, and of the last segment.
  const codeBytes = old.readUInt32LE(signatureAt + 8);
  const pages = Math.ceil(codeBytes / PAGE_BYTES);
  const hashesAt = CODE_DIRECTORY_BYTES + IDENTIFIER.length;
  const directoryBytes = hashesAt + pages * HASH_BYTES;
  const blobHeader = u32(SUPER_BLOB, 20 + directoryBytes, 1, 0, 20);
  const signatureBytes = blobHeader.length + directoryBytes;

  const code = old.subarray(0, codeBytes);
  code.writeUInt32LE(signatureBytes, signatureAt + 12);
  const linkEditBytes = BigInt(codeBytes + signatureBytes) - linkEdit.fileOffset;
  const inMemory = (linkEditBytes + SEGMENT_PAGE_BYTES - 1n) / SEGMENT_PAGE_BYTES;
  code.writeBigUInt64LE(inMemory * SEGMENT_PAGE_BYTES, linkEdit.at + 32);
  code.writeBigUInt64LE(linkEditBytes, linkEdit.at + 48);

  const directory = Buffer.concat([
    u32(CODE_DIRECTORY, directoryBytes, CODE_DIRECTORY_VERSION, AD_HOC),
    u32(hashesAt, CODE_DIRECTORY_BYTES, 0, pages, codeBytes),
    Buffer.of(HASH_BYTES, SHA256, 0, PAGE_BITS),
    u32(0, 0, 0, 0), // no more pages, scatter, team; nor the upper half …
    u64(0n), // … of the number of bytes
    u64(text.fileOffset, text.fileBytes, MAIN_BINARY),
    Buffer.from(IDENTIFIER),
  ]);
  const hashes = Array.from({ length: pages }, (_, page) => {
    const bytes = code.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    return createHash("sha256").update(bytes).digest();
  });
  return Buffer.concat([code, blobHeader, directory, ...hashes]);
}

function loadCommands(program: Buffer) {
  if (program.readUInt32LE(0) !== MAGIC_64) throw new Error("this is no program of macOS");
  const segments = new Map<string, Segment>();
  let signatureAt: number | undefined;
  let at = HEADER_BYTES;
  for (let left = program.readUInt32LE(16); left > 0; left--) {
    const command = program.readUInt32LE(at);
    if (command === LC_CODE_SIGNATURE) signatureAt = at;
    if (command === LC_SEGMENT_64) {
      const name = program.toString("latin1", at + 8, at + 24).replace(/\0.*$/, "");
      const fileOffset = program.readBigUInt64LE(at + 40);
      segments.set(name, { at, fileOffset, fileBytes: program.readBigUInt64LE(at + 48) });
    }
    at += program.readUInt32LE(at + 4);
  }
  return { signatureAt, segments };
}

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}

function u64(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => bytes.writeBigUInt64BE(value, 8 * i));
  return bytes;
}
