/** What the threads of a server share: the ring of datagrams, the hints, the counts, the epoch. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Reader } from "../../src/readers/reader.ts";
import { Handoff, HANDOFF_BYTES } from "../../src/readers/handoff.ts";
import { Published } from "../../src/readers/published.ts";
import { ReaderClock } from "../../src/readers/reader_clock.ts";
import { publish, Tally, TALLY_WORDS } from "../../src/readers/tallies.ts";
import { Counters } from "../../src/statistics.ts";
import { HINT_RING_WORDS, HintRing } from "../../src/store/hints.ts";
import { everyByte } from "../bytes.ts";

const V4 = everyByte(16);
const V6 = everyByte(28);

function ends(): { reader: Handoff; server: Handoff; takeAll: () => string[] } {
  const memory = new SharedArrayBuffer(HANDOFF_BYTES);
  const server = new Handoff(memory);
  const takeAll = () => {
    const taken: string[] = [];
    server.takeAll((arrivals, listener) => {
      for (let i = 0; i < arrivals.count; i++) {
        const peer = arrivals.peer(i) as Uint8Array;
        taken.push(`${listener} ${arrivals.datagram(i)[0]} ${peer.length} ${arrivals.count}`);
      }
    });
    return taken;
  };
  return { reader: new Handoff(memory), server, takeAll };
}

const datagram = (first: number) => new Uint8Array(1024).fill(first);

test("datagrams are handed on in order, in batches of one listener, with their peers", () => {
  const { reader, takeAll } = ends();
  for (const [first, peer, listener] of [[1, V4, 0], [2, V4, 0], [3, V6, 1], [4, V4, 0]] as const) {
    assert(reader.put(datagram(first), peer, listener));
  }
  assertEquals(takeAll(), ["0 1 16 2", "0 2 16 2", "1 3 28 1", "0 4 16 1"]);
  assertEquals(takeAll(), []);
});

test("a full ring refuses, and takes again when there is room", () => {
  const { reader, takeAll } = ends();
  let put = 0;
  while (reader.put(datagram(put), V4, 0)) put++;
  assertEquals(put, 256);
  assertEquals(takeAll().length, 256);
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 100; i++) assert(reader.put(datagram(i), V4, 0));
    assertEquals(takeAll().map((each) => Number(each.split(" ")[1])), [...Array(100).keys()]);
  }
});

test("the server is called once for all that is put until it takes", () => {
  const { reader, takeAll } = ends();
  reader.put(datagram(1), V4, 0);
  assertEquals([reader.mustCall(), reader.mustCall()], [true, false]);
  takeAll();
  assertEquals(reader.mustCall(), true);
});

test("a hint that has no room is lost, and nothing else", () => {
  const words = new Int32Array(HINT_RING_WORDS);
  const [reader, writer] = [new HintRing(words), new HintRing(words)];
  const taken = () => {
    const hints: number[] = [];
    while (writer.take((hash, address) => hints.push(hash, address)));
    return hints;
  };
  for (let i = 0; i < 5_000; i++) reader.put(-i, i);
  let first = 0;
  assert(writer.take(() => first++), "there are more");
  assertEquals([first, reader.taken], [512, 512]);
  const hints = taken();
  assertEquals(hints.length, 2 * (4_096 - 512));
  assertEquals(hints.slice(-2), [-4_095, 4_095]);
  reader.put(7, 8);
  assertEquals(taken(), [7, 8]);
  assertEquals(taken(), []);
});

test("a reader whose machine slept does not know the time until the server has looked twice", () => {
  let [monotonicMs, wallMs] = [100, 1e12];
  const server = new Published();
  const clock = new ReaderClock(new Published(server.words), {
    monotonicMs: () => monotonicMs,
    wallMs: () => wallMs,
  });
  assertEquals(clock.now(), 100);
  [monotonicMs, wallMs] = [200, wallMs + 1_100];
  assertEquals(clock.now(), 200);
  [monotonicMs, wallMs] = [300, wallMs + 3_600_000];
  assertEquals(clock.now(), Number.NaN);
  server.setSlept(0);
  assertEquals(clock.now(), Number.NaN);
  server.setSlept(3_599_900);
  assertEquals(clock.now(), 3_600_200);
});

test("an epoch is read whole, and as it was before while it changes", () => {
  const server = new Published();
  const reader = new Published(server.words);
  server.setEpoch(everyByte(16));
  assertEquals(reader.epoch(), everyByte(16));
  // As if the server had lost its processor in the middle.
  Atomics.add(server.words, 0, 1);
  assertEquals(reader.epoch(), everyByte(16));
  Atomics.sub(server.words, 0, 1);
  server.setEpoch(new Uint8Array(16).fill(9));
  assertEquals(reader.epoch(), new Uint8Array(16).fill(9));
});

test("time slept and the end are told", () => {
  const server = new Published();
  const reader = new Published(server.words);
  assertEquals([reader.sleptMs, reader.isStopping], [0, false]);
  server.setSlept(3_000_000_000);
  server.stop();
  assertEquals([reader.sleptMs, reader.isStopping], [3_000_000_000, true]);
});

test("counts are added once, also where their low 32 bits wrap around", () => {
  const words = new Int32Array(TALLY_WORDS);
  const tally = new Tally(words);
  const counters = new Counters();
  const sums = new Counters();
  const reader = { counters, received: 5, handedOn: 2, repeats: 3 } as Reader;
  counters.hits = 10;
  counters.operations[1] = 12;
  counters.bytesSent = 2 ** 32 - 1_024;
  counters.byKey[1] = 3;
  publish(words, reader, 4);
  tally.collect(sums, 7);
  tally.collect(sums, 7);
  assertEquals([sums.hits, sums.operations[1], sums.bytesSent], [10, 12, 2 ** 32 - 1_024]);
  counters.bytesSent += 2_048;
  publish(words, reader, 4);
  tally.collect(sums, 7);
  assertEquals(sums.bytesSent, 2 ** 32 + 1_024);
  assertEquals([...sums.byKey, ...sums.keyUsedAtMs], [0, 3, 0, 0, NaN, 7, NaN, NaN]);
  const { received, handedOn, repeats, polls } = tally.activity;
  assertEquals([received, handedOn, repeats, polls], [5, 2, 3, 4]);
});
