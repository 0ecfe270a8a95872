import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { MasterKeyError } from "../../src/errors.ts";
import { decodeKey, encodeKey, generateKey } from "../../src/protocol/keys.ts";
import { fillRandomOf } from "../bytes.ts";

const key = generateKey(fillRandomOf(7));

test("a key comes back from both of its text forms, and from bytes", () => {
  const base64 = encodeKey(key);
  assertEquals(base64.length, 44);
  assertEquals(decodeKey(base64), key);
  assertEquals(decodeKey(`\n ${base64} \n`), key);
  const hex = Buffer.from(key).toString("hex");
  assertEquals(decodeKey(hex), key);
  assertEquals(decodeKey(hex.toUpperCase()), key);
  assertEquals(decodeKey(Buffer.from(key)), key);
});

test("bytes are copied: the caller may wipe its own", () => {
  const own = Buffer.from(key);
  const decoded = decodeKey(own);
  own.fill(0);
  assertEquals(decoded, key);
});

test("anything else is refused, and the message does not hold it", () => {
  const secret = "correct horse battery staple";
  const bad = [secret, "", "ab".repeat(31), encodeKey(key).slice(1), `${encodeKey(key)}=`];
  for (const text of bad) {
    const error = assertThrows(() => decodeKey(text), MasterKeyError, "kg keygen");
    assert(text === "" || !error.message.includes(text));
  }
  assertThrows(() => decodeKey(new Uint8Array(31)), MasterKeyError, "31 bytes, not 32");
  assertThrows(() => decodeKey(undefined as unknown as string), MasterKeyError);
});

test("two random keys differ", () => {
  const [one, other] = [generateKey(), generateKey()];
  assert(encodeKey(one) !== encodeKey(other));
});
