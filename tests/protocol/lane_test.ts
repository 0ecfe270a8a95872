import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { DATAGRAM_BYTES } from "../../src/protocol/datagram.ts";
import { Lane } from "../../src/protocol/lane.ts";
import { Transmission } from "../../src/protocol/transmission.ts";

/** A lane that knows a round trip of 0.5 ms, and requests sent at 0 ms. */
function begin(count: number) {
  const lane = new Lane(false);
  for (let i = 0; i < 30; i++) lane.roundTrip.sample(0.5);
  const sent = Array.from({ length: count }, (_, i) => {
    const transmission = new Transmission(new Uint8Array(DATAGRAM_BYTES), null);
    transmission.begin(i + 1, 0, lane.roundTrip.timeoutMs);
    return transmission;
  });
  return { lane, sent };
}

test("each reply postpones the copies of the requests behind its own", () => {
  const { lane, sent: [first, second, third] } = begin(3);
  assertEquals([first, second, third].map((each) => lane.dueAtMs(each)), [2, 2, 2]);
  lane.noteReply(first, 1.5);
  assertEquals(lane.dueAtMs(third), 3.5);
  lane.noteReply(second, 3);
  assertEquals(lane.dueAtMs(third), 5);
});

test("a reply to a later request postpones nothing", () => {
  const { lane, sent: [first, , third] } = begin(3);
  lane.noteReply(third, 1.5);
  assertEquals(lane.dueAtMs(first), 2);
});

test("replies that come late, after a pause of the client, do not make the wait longer", () => {
  const { lane, sent } = begin(64);
  for (const each of sent.slice(0, -1)) lane.noteReply(each, 300);
  assert(lane.roundTrip.timeoutMs > 100);
  assertEquals(lane.dueAtMs(sent[63]), 302);
});
