/**
 * A second decoder, written from docs/WIRE.md and sharing no code with src/protocol, so that the
 * vectors can't merely agree with themselves.
 */

import { createDecipheriv, hkdfSync } from "node:crypto";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { vectors } from "../vectors/vectors.ts";

function decode(datagram: Buffer, direction: "request" | "reply", additionalData: Buffer) {
  assertEquals(datagram.length, 1024);
  const master = Buffer.from(vectors.masterKey, "hex");
  const key = Buffer.from(hkdfSync("sha256", master, "", `kilogram/1 ${direction}`, 32));
  const decipher = createDecipheriv("aes-256-gcm", key, datagram.subarray(0, 12), {
    authTagLength: 16,
  });
  decipher.setAAD(additionalData);
  decipher.setAuthTag(datagram.subarray(1008));
  const frame = Buffer.concat([decipher.update(datagram.subarray(12, 1008)), decipher.final()]);
  const flags = frame.readUInt32LE(1);
  const keyLength = (flags >>> 14) & 0xff;
  const valueLength = flags >>> 22;
  return {
    code: frame[0],
    toggles: flags & 0x3fff,
    key: frame.subarray(5, 5 + keyLength),
    value: frame.subarray(133, 133 + valueLength),
    restOfKey: frame.subarray(5 + keyLength, 133),
    ttl: frame.readBigUInt64LE(988),
  };
}

const bytes = (hex: string) => Buffer.from(hex, "hex");

test("every request vector says what its fields say", () => {
  for (const vector of vectors.requests) {
    const additionalData = bytes(vector.additionalData);
    const request = decode(bytes(vector.datagram), "request", additionalData);
    const hasTtl = (request.toggles & 4) !== 0;
    assertEquals(request.code, vector.operation, vector.name);
    assertEquals(request.toggles & ~4, vector.toggles);
    assertEquals(request.key, bytes(vector.key));
    assertEquals(request.value, bytes(vector.value));
    assertEquals(hasTtl ? request.ttl : 0n, BigInt(vector.ttlMs));
    assert(request.restOfKey.every((byte) => byte === 0));
    const isMutation = (bytes(vector.nonce)[0] & 1) === 1;
    assertEquals(isMutation, additionalData.length === 16, "a mutation is sealed for an epoch");
  }
});

test("the value of a request with IF_EQUAL is a length, the expected value and the new one", () => {
  const swaps = vectors.requests.filter(({ toggles }) => (toggles & 8) !== 0);
  assertEquals(swaps.length, 2);
  for (const vector of swaps) {
    const { code, value } = decode(bytes(vector.datagram), "request", bytes(vector.additionalData));
    const end = 2 + value.readUInt16LE(0);
    const [expected, rest] = [value.subarray(2, end), value.subarray(end)];
    assertEquals(expected.toString(), "the old value");
    assertEquals(rest.toString(), code === 0 ? "the new value" : "");
  }
});

test("a page of SCAN is a cursor, and keys with their lengths before them", () => {
  const vector = vectors.replies.find(({ name }) => name === "a page of keys");
  assert(vector !== undefined);
  const { value } = decode(bytes(vector.datagram), "reply", Buffer.alloc(0));
  assertEquals(value.readBigUInt64LE(0), 0x000a_bcde_1234_5678n);
  const keys: string[] = [];
  for (let at = 8; at < value.length;) {
    const end = at + 2 + value.readUInt16LE(at);
    keys.push(value.subarray(at + 2, end).toString());
    at = end;
  }
  assertEquals(keys, ["user:1", "ключ"]);
});

test("every reply vector says what its fields say", () => {
  for (const vector of vectors.replies) {
    const reply = decode(bytes(vector.datagram), "reply", Buffer.alloc(0));
    assertEquals(reply.code, vector.status, vector.name);
    assertEquals(reply.toggles, vector.toggles);
    assertEquals(reply.value, bytes(vector.value));
    assertEquals(reply.key.length, 36);
    assertEquals(reply.key.subarray(0, 12), bytes(vector.answers));
    assertEquals(reply.key.subarray(12, 28), bytes(vectors.epoch));
    assertEquals(reply.key.readBigUInt64LE(28), BigInt(vector.remainingMs));
  }
});
