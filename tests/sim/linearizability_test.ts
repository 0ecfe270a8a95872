import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { fault, type Read, type Write } from "./linearizability.ts";

const write = (value: string, start: number, end: number): Write => ({ value, start, end });
const read = (value: string | null, start: number, end: number): Read => ({ value, start, end });

test("one after the other", () => {
  assertEquals(fault([write("a", 1, 2), write("b", 3, 4)], [read("b", 5, 6)]), null);
  assert(fault([write("a", 1, 2), write("b", 3, 4)], [read("a", 5, 6)]) !== null, "a stale read");
  assert(fault([write("a", 1, 2)], [read(null, 3, 4)]) !== null, "a lost write");
  assertEquals(fault([write("a", 5, 6)], [read(null, 3, 4)]), null);
});

test("overlapping operations may come in either order, but only in one", () => {
  const writes = [write("a", 1, 10), write("b", 2, 9)];
  assertEquals(fault(writes, [read("a", 11, 12)]), null);
  assertEquals(fault(writes, [read("b", 11, 12)]), null);
  assert(fault(writes, [read("a", 11, 12), read("b", 13, 14)]) !== null);
  assert(fault(writes, [read("b", 3, 4), read("a", 5, 6), read("b", 7, 8)]) !== null);
});

test("a write of unknown outcome may have happened or not, at any later time", () => {
  const writes = [write("a", 1, 2), write("lost", 3, Infinity)];
  assertEquals(fault(writes, [read("a", 5, 6), read("a", 7, 8)]), null);
  assertEquals(fault(writes, [read("a", 5, 6), read("lost", 7, 8)]), null);
  assert(fault(writes, [read("lost", 5, 6), read("a", 7, 8)]) !== null);
});

test("reads of values never written, or from the future", () => {
  assert(fault([], [read("x", 1, 2)]) !== null);
  assert(fault([write("a", 5, 6)], [read("a", 1, 2)]) !== null);
});

interface Op {
  write: string | null;
  value: string | null;
  start: number;
  end: number;
}

/** By definition: some order of all operations respects time and the register. */
function isLinearizable(ops: readonly Op[], state: string | null = null): boolean {
  if (ops.length === 0) return true;
  const firstEnd = Math.min(...ops.map(({ end }) => end));
  return ops.some((op, i) => {
    if (op.start > firstEnd) return false;
    const rest = ops.filter((_, j) => j !== i);
    if (op.write !== null) return isLinearizable(rest, op.write);
    return op.value === state && isLinearizable(rest, state);
  });
}

test("the check agrees with trying every order, on thousands of small histories", () => {
  const shape = fc.array(fc.tuple(fc.nat(40), fc.nat(12), fc.boolean(), fc.nat(4)), {
    minLength: 2,
    maxLength: 6,
  });
  let rejected = 0;
  fc.assert(
    fc.property(shape, (drawn) => {
      const isWrite = drawn.map(([, , write]) => write);
      const values = drawn.flatMap((_, i) => (isWrite[i] ? [`w${i}`] : []));
      const ops = drawn.map(([start, length, , pick], i) => ({
        write: isWrite[i] ? `w${i}` : null,
        value: [null, ...values][pick % (values.length + 1)],
        start: 1 + start * 100 + i,
        end: 1 + (start + length) * 100 + 50 + i,
      }));
      const writes = ops.flatMap(({ write: value, start, end }) =>
        value === null ? [] : [write(value, start, end)]
      );
      const reads = ops.filter((op) => op.write === null);
      const expected = isLinearizable(ops);
      if (!expected) rejected++;
      assertEquals(fault(writes, reads) === null, expected);
    }),
    { numRuns: 5_000 },
  );
  assert(rejected > 500, "both answers occur");
});
