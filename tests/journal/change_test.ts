import { test } from "node:test";
import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { type Change, changeBytes, readChanges, writeChange } from "../../src/journal/change.ts";
import { spanOf } from "./journal_world.ts";

const anyChange: fc.Arbitrary<Change> = fc.record({
  key: fc.uint8Array({ minLength: 1, maxLength: 128 }),
  value: fc.option(fc.uint8Array({ maxLength: 2_000 })),
  expiresAtMs: fc.maxSafeNat(),
  isKept: fc.boolean(),
}, { noNullPrototype: true });

test("changes are read as they were written, one behind the other", () => {
  fc.assert(fc.property(fc.array(anyChange, { maxLength: 20 }), (changes) => {
    const spans = changes.map(({ key, value }) => [spanOf(key), value && spanOf(value)] as const);
    const length = spans.reduce((sum, [key, value]) => sum + changeBytes(key, value), 0);
    const bytes = new Uint8Array(length + 7).subarray(3, length + 3);
    let at = 0;
    changes.forEach(({ expiresAtMs, isKept }, i) => {
      const [key, value] = spans[i];
      writeChange(bytes, at, key, value, expiresAtMs, isKept);
      at += changeBytes(key, value);
    });
    const plain = [...readChanges(bytes)].map((change) => ({
      ...change,
      key: change.key.slice(),
      value: change.value?.slice() ?? null,
    }));
    assertEquals(plain, changes);
  }));
});
