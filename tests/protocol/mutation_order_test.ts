import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { DATAGRAM_BYTES } from "../../src/protocol/datagram.ts";
import { MutationOrder } from "../../src/protocol/mutation_order.ts";
import { NonceStream, sequenceOf } from "../../src/protocol/nonces.ts";
import { fillRandomOf } from "../bytes.ts";

const NONE_WAITS = Number.POSITIVE_INFINITY;

function begin() {
  const order = new MutationOrder(NonceStream.forMutations(fillRandomOf(4)));
  const take = (oldestWaiting = NONE_WAITS) => {
    const sequence = order.next(oldestWaiting);
    if (sequence === null) throw new Error("it must wait");
    const datagram = new Uint8Array(DATAGRAM_BYTES);
    order.take(datagram, sequence);
    assertEquals(sequenceOf(datagram), sequence);
    return datagram;
  };
  return { order, take };
}

test("sequences count up while nothing is abandoned", () => {
  const { take } = begin();
  const first = sequenceOf(take());
  assertEquals([sequenceOf(take()), sequenceOf(take())], [first + 1, first + 2]);
});

test("after one is abandoned, the next is a window above it", () => {
  const { order, take } = begin();
  const abandoned = take();
  order.abandon(abandoned);
  assertEquals(sequenceOf(take()), sequenceOf(abandoned) + 1024);
  assertEquals(sequenceOf(take()), sequenceOf(abandoned) + 1025, "one jump is enough");
});

test("no mutation starts a full window above the oldest that waits", () => {
  const { order, take } = begin();
  const oldest = sequenceOf(take());
  for (let i = 1; i <= 1023; i++) take(oldest);
  assertEquals(order.next(oldest), null);
  assertEquals(order.next(oldest + 1), oldest + 1024);
});

test("the jump is held back by the oldest that waits, and made up for later", () => {
  const { order, take } = begin();
  const oldest = sequenceOf(take());
  const abandoned = take(oldest);
  order.abandon(abandoned);
  assertEquals(sequenceOf(take(oldest)), oldest + 1023);
  assertEquals(order.next(oldest), null);
  assertEquals(order.next(NONE_WAITS), sequenceOf(abandoned) + 1024);
});

test("a jump past the end of the sequences begins a new stream", () => {
  const { order, take } = begin();
  const first = take();
  const last = new Uint8Array(DATAGRAM_BYTES);
  order.take(last, 2 ** 32 - 10);
  order.abandon(last);
  const sequence = order.next(NONE_WAITS) ?? 0;
  const next = new Uint8Array(DATAGRAM_BYTES);
  order.take(next, sequence);
  assertEquals([order.owns(first), order.owns(next)], [false, true]);
  assertEquals(order.next(NONE_WAITS), sequenceOf(next) + 1, "and the jump is done");
  order.abandon(last);
  assertEquals(order.next(NONE_WAITS), sequenceOf(next) + 1, "the old stream no longer counts");
});
