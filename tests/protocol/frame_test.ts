import { test } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { copyBytes, readU64, writeU64 } from "../../src/bytes.ts";
import { FRAME_BYTES } from "../../src/protocol/datagram.ts";
import {
  codeOf,
  KEY_AT,
  keyLengthOf,
  Operation,
  type Request,
  RequestToggle,
  requestTtlOf,
  togglesOf,
  VALUE_AT,
  valueLengthOf,
  writeHead,
  writeRequest,
} from "../../src/protocol/frame.ts";

const anyTtlMs = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));

test("every request that fits comes back from its frame", () => {
  const anyRequest = anyTtlMs.chain((ttlMs) =>
    fc.record({
      operation: fc.constantFrom(...Object.values(Operation)),
      toggles: fc.constantFrom(0, 1, 2, 3),
      key: fc.uint8Array({ maxLength: 128 }),
      value: fc.uint8Array({ maxLength: ttlMs > 0 ? 855 : 863 }),
      ttlMs: fc.constant(ttlMs),
    })
  );
  const frame = new Uint8Array(FRAME_BYTES);
  fc.assert(
    fc.property(anyRequest, (request: Request) => {
      writeRequest(frame, request);
      const hasTtl = request.ttlMs > 0;
      assertEquals(codeOf(frame), request.operation);
      assertEquals(togglesOf(frame), request.toggles | (hasTtl ? RequestToggle.TTL : 0));
      assertEquals(copyBytes(frame, KEY_AT, KEY_AT + keyLengthOf(frame)), request.key);
      assertEquals(copyBytes(frame, VALUE_AT, VALUE_AT + valueLengthOf(frame)), request.value);
      if (hasTtl) assertEquals(requestTtlOf(frame), request.ttlMs);
    }),
  );
});

test("the head holds the largest values of all its fields at once", () => {
  const frame = new Uint8Array(FRAME_BYTES);
  writeHead(frame, 255, 2 ** 14 - 1, 255, 1023);
  assertEquals(
    [codeOf(frame), togglesOf(frame), keyLengthOf(frame), valueLengthOf(frame)],
    [255, 2 ** 14 - 1, 255, 1023],
  );
});

test("a u64 up to 2^53 - 1 comes back, and one above is not a number", () => {
  const bytes = new Uint8Array(8);
  for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    writeU64(bytes, 0, value);
    assertEquals(readU64(bytes, 0), value);
  }
  for (const above of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    new DataView(bytes.buffer).setBigUint64(0, above, true);
    assertEquals(readU64(bytes, 0), Number.NaN);
  }
});
