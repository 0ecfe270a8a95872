import { test } from "node:test";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { copyBytes } from "../../src/bytes.ts";
import { DATAGRAM_BYTES } from "../../src/protocol/datagram.ts";
import { isMutationNonce, NonceStream, sequenceOf } from "../../src/protocol/nonces.ts";
import { fillRandomOf } from "../bytes.ts";

const SEQUENCE_END = 2 ** 32 - 1;

function take(stream: NonceStream): Uint8Array {
  const datagram = new Uint8Array(DATAGRAM_BYTES);
  stream.take(datagram);
  return datagram;
}

const idOf = (datagram: Uint8Array) => copyBytes(datagram, 0, 8);

test("the id is drawn when the first nonce is taken, not before", () => {
  let draws = 0;
  const stream = NonceStream.forQueries((bytes) => {
    draws++;
    bytes.fill(7);
  });
  assertEquals(draws, 0);
  take(stream);
  assert(draws > 0);
});

test("bit 0 of the id tells queries from mutations", () => {
  for (let seed = 0; seed < 50; seed++) {
    assert(!isMutationNonce(take(NonceStream.forQueries(fillRandomOf(seed)))));
    assert(isMutationNonce(take(NonceStream.forMutations(fillRandomOf(seed)))));
  }
});

test("a sequence starts below 2^31 and counts up under one id", () => {
  for (let seed = 0; seed < 50; seed++) {
    const stream = NonceStream.forReplies(fillRandomOf(seed));
    const first = take(stream);
    const second = take(stream);
    assert(sequenceOf(first) < 2 ** 31);
    assertEquals(sequenceOf(second), sequenceOf(first) + 1);
    assertEquals(idOf(second), idOf(first));
  }
});

test("at the end of the sequences a new id and a new start are drawn", () => {
  const stream = NonceStream.forMutations(fillRandomOf(1));
  const first = take(stream);
  stream.skipTo(SEQUENCE_END - 1);
  const last = take(stream);
  assertEquals(sequenceOf(last), SEQUENCE_END - 1);
  assert(stream.owns(first));
  const next = take(stream);
  assertNotEquals(idOf(next), idOf(first));
  assert(sequenceOf(next) < 2 ** 31);
  assert(stream.owns(next) && !stream.owns(first) && isMutationNonce(next));
});

test("skipping never goes back", () => {
  const stream = NonceStream.forQueries(fillRandomOf(2));
  const sequence = sequenceOf(take(stream));
  stream.skipTo(sequence - 5);
  assertEquals(stream.peek(), sequence + 1);
  stream.skipTo(sequence + 1000);
  assertEquals(sequenceOf(take(stream)), sequence + 1000);
});
