import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { writeU16 } from "../../src/bytes.ts";
import { FRAME_BYTES } from "../../src/protocol/datagram.ts";
import { Operation, TTL_AT, VALUE_AT, writeHead } from "../../src/protocol/frame.ts";
import { faultOf, isMutation, OPERATION_NAMES } from "../../src/protocol/operations.ts";

interface Shape {
  operation: number;
  toggles?: number;
  keyLength?: number;
  valueLength?: number;
  ttl?: bigint;
  /** The length of the expected value, as the value field begins. */
  expected?: number;
  onMutationStream?: boolean;
}

function fault({ operation, toggles = 0, keyLength = 1, valueLength = 0, ...rest }: Shape) {
  const frame = new Uint8Array(FRAME_BYTES);
  writeHead(frame, operation, toggles, keyLength, valueLength);
  if (rest.ttl !== undefined) new DataView(frame.buffer).setBigUint64(TTL_AT, rest.ttl, true);
  if (rest.expected !== undefined) writeU16(frame, VALUE_AT, rest.expected);
  return faultOf(frame, rest.onMutationStream ?? isMutation(operation));
}

const { SET, DELETE, ADD, TOUCH, STATS, SCAN, DROP } = Operation;
const MUTATIONS: number[] = [SET, DELETE, ADD, TOUCH, DROP];
const [OVERWRITE, OLD, TTL, IF_EQUAL] = [1, 2, 4, 8];

test("the class of each operation is as on the wire", () => {
  for (const operation of Object.values(Operation)) {
    assertEquals(isMutation(operation), MUTATIONS.includes(operation), OPERATION_NAMES[operation]);
  }
  assertEquals(isMutation(10), false);
});

test("an operation on the wrong stream is refused", () => {
  for (const operation of Object.values(Operation)) {
    const keyLength = operation === Operation.PING ? 0 : 1;
    const onMutationStream = !isMutation(operation);
    assertMatch(String(fault({ operation, keyLength, onMutationStream })), /wrong stream/);
  }
});

test("an operation that does not exist is refused", () => {
  assertEquals(fault({ operation: 10 }), "operation 10 does not exist");
  assertEquals(fault({ operation: 255, onMutationStream: true }), "operation 255 does not exist");
});

test("a key of any length outside the allowed range is refused", () => {
  const takesEmptyKey: number[] = [STATS, SCAN, DROP];
  for (const operation of Object.values(Operation)) {
    for (let keyLength = 0; keyLength <= 255; keyLength++) {
      const isAllowed = operation === Operation.PING
        ? keyLength === 0
        : keyLength <= 128 && (keyLength > 0 || takesEmptyKey.includes(operation));
      assertEquals(
        fault({ operation, keyLength }) === null,
        isAllowed,
        `${operation} ${keyLength}`,
      );
    }
  }
});

test("a value is refused where none belongs, and when it is too long", () => {
  for (const operation of Object.values(Operation)) {
    const takesValue = operation === Operation.SET || operation === Operation.ADD;
    const keyLength = operation === Operation.PING ? 0 : 1;
    const isFine = (valueLength: number) => fault({ operation, keyLength, valueLength }) === null;
    assert(isFine(0));
    assertEquals(isFine(1), takesValue);
    assertEquals(isFine(8), takesValue || operation === SCAN);
    assertEquals(isFine(863), takesValue);
    assert(!isFine(864));
    assert(!isFine(1023));
  }
});

test("toggles that an operation does not take are refused", () => {
  const taken: Record<number, number> = {
    [SET]: OVERWRITE | OLD | TTL | IF_EQUAL,
    [DELETE]: IF_EQUAL,
    [ADD]: TTL,
    [TOUCH]: TTL,
  };
  for (const operation of Object.values(Operation)) {
    const keyLength = operation === Operation.PING ? 0 : 1;
    for (let bit = 0; bit < 14; bit++) {
      const isTaken = ((taken[operation] ?? 0) & (1 << bit)) !== 0;
      const valueLength = 1 << bit === IF_EQUAL ? 2 : 0;
      const found = fault({ operation, keyLength, toggles: 1 << bit, ttl: 1n, valueLength });
      assertEquals(found === null, isTaken, `${OPERATION_NAMES[operation]} bit ${bit}`);
    }
  }
});

test("an expected value is whole, is all of a DELETE's value, and goes with no OVERWRITE or OLD", () => {
  const set = { operation: SET, toggles: IF_EQUAL };
  for (const expected of [0, 1, 400, 861]) {
    assertEquals(fault({ ...set, expected, valueLength: 2 + expected }), null);
    assertMatch(String(fault({ ...set, expected, valueLength: 1 + expected })), /cut short/);
    const removal = { operation: DELETE, toggles: IF_EQUAL, expected };
    assertEquals(fault({ ...removal, valueLength: 2 + expected }), null);
    assertMatch(
      String(fault({ ...removal, valueLength: 3 + expected })),
      /nothing behind|over 863/,
    );
  }
  assertMatch(String(fault({ ...set, valueLength: 0 })), /cut short/);
  assertMatch(String(fault({ ...set, expected: 65_535, valueLength: 863 })), /cut short/);
  for (const toggle of [OVERWRITE, OLD]) {
    const toggles = IF_EQUAL | toggle;
    assertMatch(String(fault({ operation: SET, toggles, valueLength: 2 })), /neither/);
  }
  const timed = { operation: SET, toggles: IF_EQUAL | TTL, ttl: 1n };
  assertEquals(fault({ ...timed, expected: 853, valueLength: 855 }), null);
  assertMatch(String(fault({ ...timed, expected: 854, valueLength: 856 })), /over 855/);
});

test("a time to live is 1 to 2^53 - 1, and takes its room from the value", () => {
  const set = { operation: Operation.SET, toggles: TTL };
  assertEquals(fault({ ...set, ttl: 1n, valueLength: 855 }), null);
  assertEquals(fault({ ...set, ttl: 2n ** 53n - 1n }), null);
  assertMatch(String(fault({ ...set, ttl: 1n, valueLength: 856 })), /over 855/);
  for (const ttl of [0n, 2n ** 53n, 2n ** 64n - 1n]) {
    assertMatch(String(fault({ ...set, ttl })), /time to live/);
  }
});
