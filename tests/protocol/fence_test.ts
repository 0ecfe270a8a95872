import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Epoch } from "../../src/protocol/epoch.ts";
import { Fence, Verdict } from "../../src/protocol/fence.ts";
import { fillRandomOf } from "../bytes.ts";

const LIMITS = { maxStreams: 3, generationMs: 60_000, keptBytes: 4096 };
const { CARRY_OUT, REPEAT, FENCE, IGNORE } = Verdict;

const makeFence = () => new Fence(fillRandomOf(1), 0, LIMITS);

function mutation(stream: number, sequence: number): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce[0] = 1;
  nonce[1] = stream;
  new DataView(nonce.buffer).setUint32(8, sequence, true);
  return nonce;
}

function previousOf(fence: Fence): Epoch {
  const epoch = fence.previousEpoch;
  assert(epoch !== null);
  return epoch;
}

test("a mutation is carried out once, and its reply repeated after that", () => {
  const fence = makeFence();
  assertEquals(fence.admit(mutation(1, 500), fence.epoch, 0), CARRY_OUT);
  assertEquals(fence.admit(mutation(1, 500), fence.epoch, 0), REPEAT);
  assertEquals(fence.admit(mutation(1, 499), fence.epoch, 0), CARRY_OUT);
});

test("a mutation behind the window is ignored", () => {
  const fence = makeFence();
  fence.admit(mutation(1, 5000), fence.epoch, 0);
  assertEquals(fence.admit(mutation(1, 5000 - 1023), fence.epoch, 0), CARRY_OUT);
  assertEquals(fence.admit(mutation(1, 5000 - 1024), fence.epoch, 0), IGNORE);
});

test("a stream that meets a full table turns the generation and is fenced", () => {
  const fence = makeFence();
  const old = fence.epoch;
  for (let stream = 1; stream <= 3; stream++) fence.admit(mutation(stream, 9), old, 0);
  assertEquals(fence.streams, 3);
  assertEquals(fence.admit(mutation(4, 9), old, 0), FENCE);
  assertEquals(fence.epoch.generation, old.generation + 1);
  assertEquals(fence.streams, 0);
  assertEquals(fence.previousEpoch, old);
  assertEquals(fence.admit(mutation(4, 9), old, 0), FENCE, "its retransmission too");
  assertEquals(fence.admit(mutation(4, 10), fence.epoch, 0), CARRY_OUT);
});

test("previous generation: repeated if carried out, ignored if behind, otherwise fenced", () => {
  const fence = makeFence();
  fence.admit(mutation(1, 5000), fence.epoch, 0);
  fence.admit(mutation(9, 1), fence.epoch, 60_000);
  const previous = previousOf(fence);
  assertEquals(fence.admit(mutation(1, 5000), previous, 60_001), REPEAT);
  assertEquals(fence.admit(mutation(1, 5001), previous, 60_001), FENCE);
  assertEquals(fence.admit(mutation(1, 5001), previous, 60_001), FENCE, "and not marked");
  assertEquals(fence.admit(mutation(1, 3000), previous, 60_001), IGNORE);
  assertEquals(fence.admit(mutation(7, 1), previous, 60_001), FENCE);
  assertEquals(fence.streams, 0, "nothing is written anywhere");
});

test("a mutation that comes 60 s after the last turn turns the generation", () => {
  const fence = makeFence();
  const old = fence.epoch;
  assertEquals(fence.admit(mutation(1, 1), old, 59_999), CARRY_OUT);
  assertEquals(fence.admit(mutation(1, 2), old, 60_000), FENCE);
  assertEquals(fence.epoch.generation, 1);
  assertEquals(fence.admit(mutation(1, 1), old, 60_000), REPEAT, "carried out before the turn");
  assertEquals(fence.admit(mutation(1, 3), fence.epoch, 60_001), CARRY_OUT);
});

test("a mutation of the previous generation does not turn it again, however late", () => {
  const fence = makeFence();
  fence.admit(mutation(1, 1), fence.epoch, 60_000);
  assertEquals(fence.admit(mutation(1, 2), previousOf(fence), 200_000), FENCE);
  assertEquals(fence.epoch.generation, 1);
});

test("an epoch that was turned away while a datagram was being opened is too old", () => {
  const fence = makeFence();
  const old = fence.epoch;
  fence.admit(mutation(1, 1), fence.epoch, 60_000);
  fence.admit(mutation(1, 2), fence.epoch, 120_000);
  assertEquals(fence.epoch.generation, 2);
  assertEquals(fence.admit(mutation(1, 3), old, 120_001), IGNORE);
});

test("the epoch is the boot id, drawn at the start, and the generation", () => {
  const fence = makeFence();
  const first = fence.epoch;
  fence.admit(mutation(1, 1), first, 60_000);
  assert(fence.epoch.isBootOf(first));
  assert(!new Fence(fillRandomOf(2), 0, LIMITS).epoch.isBootOf(first));
  assertEquals(fence.epoch.bytes[8], 1);
});
