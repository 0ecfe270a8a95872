import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { RoundTrip } from "../../src/protocol/round_trip.ts";

test("before the first sample it is 20 ms", () => {
  assertEquals(new RoundTrip().timeoutMs, 20);
});

test("it follows RFC 6298: first sample R gives R + 4 (R / 2)", () => {
  const roundTrip = new RoundTrip();
  roundTrip.sample(10);
  assertEquals(roundTrip.timeoutMs, 30);
  roundTrip.sample(10);
  // The deviation decays by a quarter: 5 to 3.75.
  assertEquals(roundTrip.timeoutMs, 25);
});

test("it is never below 2 ms nor above 1 s", () => {
  const roundTrip = new RoundTrip();
  for (let i = 0; i < 100; i++) roundTrip.sample(0.05);
  assertEquals(roundTrip.timeoutMs, 2);
  roundTrip.sample(3_600_000);
  assertEquals(roundTrip.timeoutMs, 1_000);
});

test("where eight in a row are repeated, twice the time that one took is the least", () => {
  const roundTrip = new RoundTrip();
  for (let i = 0; i < 20; i++) roundTrip.sample(0.2);
  for (let i = 0; i < 7; i++) roundTrip.backOff(32);
  assertEquals(roundTrip.timeoutMs, 2, "that may be loss");
  roundTrip.backOff(32);
  assertEquals(roundTrip.timeoutMs, 64);
  roundTrip.backOff(5_000);
  assertEquals(roundTrip.timeoutMs, 1_000);
  roundTrip.sample(0.2);
  assertEquals(roundTrip.timeoutMs, 2);
});

test("it comes down again after one bad sample", () => {
  const roundTrip = new RoundTrip();
  for (let i = 0; i < 20; i++) roundTrip.sample(1);
  roundTrip.sample(500);
  for (let i = 0; i < 100; i++) roundTrip.sample(1);
  assert(roundTrip.timeoutMs < 5);
});
