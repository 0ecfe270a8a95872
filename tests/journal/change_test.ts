import { test } from "node:test";
import fc from "fast-check";
import { assertEquals } from "@std/assert";
import {
  type Change,
  changeBytes,
  Kind,
  readChanges,
  writeChange,
} from "../../src/journal/change.ts";
import { MAX_KEY_BYTES } from "../../src/store/item.ts";
import { spanOf } from "./journal_world.ts";

const anyChange: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(Kind.DELETED, Kind.STORED, Kind.TOUCHED, Kind.DROPPED),
  key: fc.uint8Array({ maxLength: MAX_KEY_BYTES, size: "max" }),
  value: fc.uint8Array({ maxLength: 2_000 }),
  expiresAtMs: fc.maxSafeNat(),
  isAwaited: fc.boolean(),
}, { noNullPrototype: true }).map((change) => ({
  ...change,
  value: change.kind === Kind.STORED ? change.value : new Uint8Array(0),
}));

test("changes are read as they were written, one after another", () => {
  fc.assert(fc.property(fc.array(anyChange, { maxLength: 20 }), (changes) => {
    const written = changes.map(({ kind, key, value, expiresAtMs }) => ({
      kind,
      key: spanOf(key),
      value: kind === Kind.STORED ? spanOf(value) : null,
      expiresAtMs,
    }));
    const length = written.reduce((sum, change) => sum + changeBytes(change), 0);
    const bytes = new Uint8Array(length + 7).subarray(3, length + 3);
    let at = 0;
    changes.forEach(({ isAwaited }, i) => {
      writeChange(bytes, at, written[i], isAwaited);
      at += changeBytes(written[i]);
    });
    const plain = [...readChanges(bytes)].map((change) => ({
      ...change,
      key: change.key.slice(),
      value: change.value.slice(),
    }));
    assertEquals(plain, changes);
  }));
});
