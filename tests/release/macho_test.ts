import { createHash } from "node:crypto";
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { signAdHoc } from "../../scripts/release/macho.ts";

const PAGE_BYTES = 4_096;
const CODE_BYTES = 5 * PAGE_BYTES + 1_000;

/** A header and the three load commands that count, code, and a signature that is wrong. */
function program(): Buffer {
  const bytes = Buffer.alloc(CODE_BYTES + 500, 0xaa);
  bytes.fill(0, 0, 32 + 72 + 72 + 16);
  bytes.writeUInt32LE(0xfeedfacf, 0);
  bytes.writeUInt32LE(3, 16);
  segment(bytes, 32, "__TEXT", 0, 2 * PAGE_BYTES);
  segment(bytes, 104, "__LINKEDIT", 4 * PAGE_BYTES, CODE_BYTES + 500 - 4 * PAGE_BYTES);
  [0x1d, 16, CODE_BYTES, 500].forEach((word, i) => bytes.writeUInt32LE(word, 176 + 4 * i));
  return bytes;
}

function segment(bytes: Buffer, at: number, name: string, from: number, length: number): void {
  bytes.writeUInt32LE(0x19, at);
  bytes.writeUInt32LE(72, at + 4);
  bytes.write(name, at + 8);
  bytes.writeBigUInt64LE(BigInt(from), at + 40);
  bytes.writeBigUInt64LE(BigInt(length), at + 48);
}

test("each page of a signed program has its hash, and the last segment ends with the file", () => {
  const signed = Buffer.from(signAdHoc(program()));
  assertEquals(signed.readUInt32LE(176 + 8), CODE_BYTES);
  assertEquals(CODE_BYTES + signed.readUInt32LE(176 + 12), signed.length);
  assertEquals(4 * PAGE_BYTES + Number(signed.readBigUInt64LE(104 + 48)), signed.length);

  const signature = signed.subarray(CODE_BYTES);
  assertEquals([0, 1, 2, 3, 4].map((i) => signature.readUInt32BE(4 * i)), [
    ...[0xfade0cc0, signature.length, 1, 0, 20],
  ]);
  const directory = signature.subarray(20);
  const [magic, length, , , hashesAt, nameAt, , pages, limit] = Array.from(
    { length: 9 },
    (_, i) => directory.readUInt32BE(4 * i),
  );
  assertEquals([magic, length, pages, limit], [0xfade0c02, directory.length, 6, CODE_BYTES]);
  assertEquals(directory.toString("latin1", nameAt, hashesAt), "kg\0");
  for (let page = 0; page < pages; page++) {
    const end = Math.min((page + 1) * PAGE_BYTES, CODE_BYTES);
    const hash = createHash("sha256").update(signed.subarray(page * PAGE_BYTES, end)).digest("hex");
    assertEquals(directory.toString("hex", hashesAt + 32 * page, hashesAt + 32 * page + 32), hash);
  }
});

test("the code stays as it was, and signing again changes nothing", () => {
  const code = program().subarray(192, CODE_BYTES);
  const signed = signAdHoc(program());
  assertEquals(Buffer.compare(code, signed.subarray(192, CODE_BYTES)), 0);
  assertEquals(Buffer.compare(signed, signAdHoc(signed)), 0);
});

test("what is no signed program of macOS is refused", () => {
  assertThrows(() => signAdHoc(new Uint8Array(100)), Error, "no program of macOS");
  const unsigned = program();
  unsigned.writeUInt32LE(2, 16);
  assertThrows(() => signAdHoc(unsigned), Error, "no signed program");
});
