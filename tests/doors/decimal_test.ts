import { test } from "node:test";
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { parseDecimal, sumOf } from "../../src/doors/resp/decimal.ts";

function sum(a: string, b: string): string | null {
  const [first, second] = [parseDecimal(a), parseDecimal(b)];
  return first === null || second === null ? null : sumOf(first, second);
}

test("sums are exact decimals, without zeros at the end", () => {
  assertEquals(sum("0.1", "0.2"), "0.3");
  assertEquals(sum("10.50", "0.1"), "10.6");
  assertEquals(sum("5.0e3", "-1E2"), "4900");
  assertEquals(sum(".5", "-.5"), "0");
  assertEquals(sum("-0.25", "0.5"), "0.25");
  assertEquals(sum("1e-17", "0"), "0.00000000000000001");
  assertEquals(sum("1e-18", "0"), "0", "17 digits behind the point");
  assertEquals(sum("-5e-18", "0"), "-0.00000000000000001", "rounded away from 0");
  assertEquals(sum("123456789012345678901234567890", "0.1"), "123456789012345678901234567890.1");
});

test("a sum is a number to add to", () => {
  for (const greatest of ["1e308", "-1e308", "9".repeat(308)]) {
    const first = sum(
      greatest,
      greatest.startsWith("-") ? "-1.00000000000000001" : "1.00000000000000001",
    );
    assert(sum(first ?? "", "1") !== null, `${first}`);
  }
});

test("what is no number is none", () => {
  for (const text of ["", " 1", "1 ", "x", "1e", "e5", ".", "--1", "0x10", "1e400", "nan", "1_0"]) {
    assertEquals(parseDecimal(text), null, text);
  }
});

test("whole numbers add up as bigints do", () => {
  fc.assert(fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
    assertEquals(sum(String(a), String(b)), String(a + b));
  }));
});
