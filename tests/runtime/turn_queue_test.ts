import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { DATAGRAM_BYTES } from "../../src/protocol/datagram.ts";
import { TurnQueue } from "../../src/runtime/channels/turn_queue.ts";

const turnEnds = () => new Promise((resolve) => setImmediate(resolve));
const DAMAGED = 255;

/** A queue whose sent datagrams are told apart by their first byte. */
function begin() {
  const sent: number[] = [];
  const firsts: number[] = [];
  const errors: unknown[] = [];
  const queue = new TurnQueue({
    send([byte], isFirst) {
      if (byte === DAMAGED) throw new Error("damaged");
      sent.push(byte);
      if (isFirst) firsts.push(byte);
    },
    onError: (error) => errors.push(error),
    close() {},
  });
  const datagram = new Uint8Array(DATAGRAM_BYTES);
  const add = (...bytes: number[]) => {
    for (const byte of bytes) queue.send(datagram.fill(byte));
    datagram.fill(0);
  };
  return { queue, sent, firsts, errors, add };
}

test("a lone datagram leaves at once, in every turn", async () => {
  const { sent, add } = begin();
  for (const byte of [1, 2, 3]) {
    add(byte);
    assertEquals(sent.at(-1), byte);
    await turnEnds();
  }
  assertEquals(sent, [1, 2, 3]);
});

test("the datagrams of a turn leave together, each as it was when it was added", async () => {
  const { sent, firsts, add } = begin();
  add(1, 2, 3);
  assertEquals(sent, [1]);
  await turnEnds();
  assertEquals(sent, [1, 2, 3]);
  assertEquals(firsts, [1, 2]);
});

test("while a client is busy, the first waits too", async () => {
  // A machine that stands still for 10 ms between two turns makes a client quiet.
  for (let attempt = 0; attempt < 20; attempt++) {
    const { sent, firsts, add } = begin();
    add(1, 2);
    await turnEnds();
    add(3, 4);
    const sentAtOnce = sent.includes(3);
    await turnEnds();
    assertEquals(sent, [1, 2, 3, 4]);
    if (sentAtOnce) continue;
    assertEquals(firsts, [1, 2, 3]);
    return;
  }
  assert(false, "the first never waited");
});

test("a client that was busy becomes quiet again", async () => {
  const { sent, add } = begin();
  add(1, 2);
  await turnEnds();
  await new Promise((resolve) => setTimeout(resolve, 30));
  add(3);
  assertEquals(sent, [1, 2, 3]);
});

test("an error in sending one is reported, and the others are sent", async () => {
  const { sent, errors, add } = begin();
  add(DAMAGED, 1, DAMAGED, 2);
  await turnEnds();
  add(3, 4);
  await turnEnds();
  assertEquals(sent, [1, 2, 3, 4]);
  assertEquals(errors.length, 2);
});

test("33 waiting datagrams leave at once, and closing sends the others", async () => {
  const { queue, sent, add } = begin();
  const all = Array.from({ length: 40 }, (_, i) => i);
  add(...all);
  assertEquals(sent, all.slice(0, 34));
  queue.close();
  assertEquals(sent, all);
  await turnEnds();
  assertEquals(sent, all);
});
