import { test } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_NUMBER_BYTES, parseNumber, writeNumber } from "../../src/store/number.ts";
import { text } from "../bytes.ts";

const parse = (value: string) => parseNumber(text(value), 0, text(value).length);

test("every signed 64-bit number comes back", () => {
  const bytes = new Uint8Array(MAX_NUMBER_BYTES + 2);
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (number) => {
      const length = writeNumber(number, bytes, 1);
      assertEquals(parseNumber(bytes, 1, length), number);
    }),
  );
  const safe = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
  fc.assert(
    fc.property(fc.integer(safe), (number) => {
      const length = writeNumber(BigInt(number), bytes, 1);
      assertEquals(new TextDecoder().decode(bytes.subarray(1, 1 + length)), String(number));
    }),
  );
  assertEquals(parse("-9223372036854775808"), -(2n ** 63n));
  assertEquals(parse("9223372036854775807"), 2n ** 63n - 1n);
});

test("anything else is not a number", () => {
  const bad = ["", "-", "-0", "00", "01", "-01", "+1", "1e3", "1.0", " 1", "1\n", "0x1", "١"];
  for (const value of bad) assertEquals(parse(value), null, JSON.stringify(value));
  assertEquals(parseNumber(text("-5"), 0, 0), null, "bytes after the end are not looked at");
  assertEquals(parse("9223372036854775808"), null);
  assertEquals(parse("-9223372036854775809"), null);
  assertEquals(parse("9".repeat(863)), null);
});
