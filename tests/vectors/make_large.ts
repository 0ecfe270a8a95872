/**
 * Makes the vectors of docs/WIRE.md, section 8. They were made once, and change only with that section:
 *
 *     bun tests/vectors/make_large.ts > tests/vectors/large1.json
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { deflateRawSync } from "node:zlib";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const MAGIC = Buffer.from("006b674c", "hex");
const PIECE_BYTES = 855;

const u16 = (value: number) => Buffer.from([value & 255, value >>> 8]);
const u32 = (value: number) => Buffer.concat([u16(value & 65_535), u16(value >>> 16)]);

/** Items in the order in which they are stored: the pieces, and then the head. */
function pieces(key: Buffer, value: Buffer, isDeflated: boolean, id: Buffer): [string, string][] {
  const stored = isDeflated ? deflateRawSync(value) : value;
  const items: [string, string][] = [];
  for (let number = 0; number * PIECE_BYTES < stored.length; number++) {
    const piece = stored.subarray(number * PIECE_BYTES, (number + 1) * PIECE_BYTES);
    items.push([hex(Buffer.concat([key, Buffer.of(0), id, u16(number)])), hex(piece)]);
  }
  const sum = createHash("sha256").update(value).digest().subarray(0, 16);
  const form = Buffer.of(isDeflated ? 3 : 2);
  const head = Buffer.concat([MAGIC, form, id, u32(stored.length), u32(value.length), sum]);
  return [...items, [hex(key), hex(head)]];
}

const bytes = (length: number, step: number) =>
  Buffer.from(Array.from({ length }, (_, i) => (i * step + (i >>> 8)) & 255));
const page = Buffer.from("<p>a line of a page</p>\n".repeat(100));
const rows = Buffer.from(
  Array.from({ length: 400 }, (_, i) => `row ${(i * 2_654_435_761) >>> 0}\n`).join(""),
);
const key = Buffer.from("page:7");
const id = Buffer.from("0102030405060708", "hex");

const vectors = {
  about:
    "Vectors of docs/WIRE.md, section 8, in hex: what is stored for a value, the last item being the head.",
  stored: [
    {
      form: "as it is",
      value: Buffer.from("short"),
      items: [[hex(key), hex(Buffer.from("short"))]],
    },
    {
      form: "0: plain, since it begins like a head",
      value: Buffer.concat([MAGIC, Buffer.of(9)]),
      items: [[hex(key), hex(Buffer.concat([MAGIC, Buffer.of(0), MAGIC, Buffer.of(9)]))]],
    },
    {
      form: "1: deflated",
      value: page,
      items: [[hex(key), hex(Buffer.concat([MAGIC, Buffer.of(1), deflateRawSync(page)]))]],
    },
    { form: "2: pieces", value: bytes(2_000, 7), items: pieces(key, bytes(2_000, 7), false, id) },
    {
      form: "2: whole pieces",
      value: bytes(1_710, 3),
      items: pieces(key, bytes(1_710, 3), false, id),
    },
    { form: "3: deflated pieces", value: rows, items: pieces(key, rows, true, id) },
  ].map(({ form, value, items }) => ({ form, key: hex(key), value: hex(value), items })),
};
console.log(JSON.stringify(vectors, null, 1));
