import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FRAME_BYTES } from "../../src/protocol/datagram.ts";
import { Operation, TTL_AT, writeHead } from "../../src/protocol/frame.ts";
import { faultOf, isMutation, OPERATION_NAMES } from "../../src/protocol/operations.ts";

interface Shape {
  operation: number;
  toggles?: number;
  keyLength?: number;
  valueLength?: number;
  ttl?: bigint;
  onMutationStream?: boolean;
}

function fault({ operation, toggles = 0, keyLength = 1, valueLength = 0, ...rest }: Shape) {
  const frame = new Uint8Array(FRAME_BYTES);
  writeHead(frame, operation, toggles, keyLength, valueLength);
  if (rest.ttl !== undefined) new DataView(frame.buffer).setBigUint64(TTL_AT, rest.ttl, true);
  return faultOf(frame, rest.onMutationStream ?? isMutation(operation));
}

const MUTATIONS: number[] = [Operation.SET, Operation.DELETE, Operation.ADD, Operation.TOUCH];
const TTL = 4;

test("the class of each operation is as on the wire", () => {
  for (const operation of Object.values(Operation)) {
    assertEquals(isMutation(operation), MUTATIONS.includes(operation), OPERATION_NAMES[operation]);
  }
  assertEquals(isMutation(8), false);
});

test("an operation on the wrong stream is refused", () => {
  for (const operation of Object.values(Operation)) {
    const keyLength = operation === Operation.PING ? 0 : 1;
    const onMutationStream = !isMutation(operation);
    assertMatch(String(fault({ operation, keyLength, onMutationStream })), /wrong stream/);
  }
});

test("an operation that does not exist is refused", () => {
  assertEquals(fault({ operation: 8 }), "operation 8 does not exist");
  assertEquals(fault({ operation: 255, onMutationStream: true }), "operation 255 does not exist");
});

test("a key of any length outside the allowed range is refused", () => {
  for (const operation of Object.values(Operation)) {
    for (let keyLength = 0; keyLength <= 255; keyLength++) {
      const isAllowed = operation === Operation.PING
        ? keyLength === 0
        : keyLength <= 128 && (keyLength > 0 || operation === Operation.STATS);
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
    assertEquals(isFine(863), takesValue);
    assert(!isFine(864));
    assert(!isFine(1023));
  }
});

test("toggles that an operation does not take are refused", () => {
  const taken: Record<number, number> = { 0: 7, 4: 4, 5: 4 };
  for (const operation of Object.values(Operation)) {
    const keyLength = operation === Operation.PING ? 0 : 1;
    for (let bit = 0; bit < 14; bit++) {
      const isTaken = ((taken[operation] ?? 0) & (1 << bit)) !== 0;
      const found = fault({ operation, keyLength, toggles: 1 << bit, ttl: 1n });
      assertEquals(found === null, isTaken, `${OPERATION_NAMES[operation]} bit ${bit}`);
    }
  }
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
