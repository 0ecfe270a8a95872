import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { RoundTrip } from "../../src/protocol/round_trip.ts";

test("before the first sample the timeout is 20 ms", () => {
  assertEquals(new RoundTrip().timeoutMs, 20);
});

test("it follows RFC 6298: first sample R gives R + 4 (R / 2), and the margin is never below R / 2", () => {
  const roundTrip = new RoundTrip();
  roundTrip.sample(10);
  assertEquals(roundTrip.timeoutMs, 30);
  roundTrip.sample(10);
  // The deviation decays by a quarter: 5 to 3.75.
  assertEquals(roundTrip.timeoutMs, 25);
  for (let i = 0; i < 100; i++) roundTrip.sample(10);
  assertEquals(roundTrip.timeoutMs, 15);
});

test("with many samples per round trip each counts less", () => {
  const [few, many] = [new RoundTrip(), new RoundTrip()];
  for (let i = 0; i < 64; i++) few.sample(600);
  for (let i = 0; i < 64; i++) many.sample(600, 64);
  for (let i = 0; i < 64; i++) few.sample(300);
  for (let i = 0; i < 64; i++) many.sample(300, 64);
  assert(few.timeoutMs < 460 && many.timeoutMs > 800, `${few.timeoutMs} and ${many.timeoutMs}`);
});

test("the timeout is never below 2 ms nor above 1 s", () => {
  const roundTrip = new RoundTrip();
  for (let i = 0; i < 100; i++) roundTrip.sample(0.05);
  assertEquals(roundTrip.timeoutMs, 2);
  roundTrip.sample(3_600_000);
  assertEquals(roundTrip.timeoutMs, 1_000);
});

test("after eight repeats in a row, twice the shortest time that one took is the floor", () => {
  const roundTrip = new RoundTrip();
  for (let i = 0; i < 20; i++) roundTrip.sample(0.2);
  for (let i = 0; i < 7; i++) roundTrip.backOff(i === 3 ? 32 : 5_000);
  assertEquals(roundTrip.timeoutMs, 2, "that may be loss");
  roundTrip.backOff(5_000);
  assertEquals(roundTrip.timeoutMs, 64);
  roundTrip.backOff(5_000);
  assertEquals(roundTrip.timeoutMs, 64, "another row has begun");
  for (let i = 0; i < 7; i++) roundTrip.backOff(5_000);
  assertEquals(roundTrip.timeoutMs, 1_000);
  roundTrip.sample(0.2);
  assertEquals(roundTrip.timeoutMs, 2);
});

test("the timeout comes down again after one bad sample", () => {
  const roundTrip = new RoundTrip();
  for (let i = 0; i < 20; i++) roundTrip.sample(1);
  roundTrip.sample(500);
  for (let i = 0; i < 100; i++) roundTrip.sample(1);
  assert(roundTrip.timeoutMs < 5);
});
