/** Samples stand for all requests; the hottest keys are found among many; times are told in buckets. */

import { test } from "node:test";
import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import { Action, Job } from "../../src/execute/executor.ts";
import { MemoryExecutor } from "../../src/execute/memory.ts";
import { HOT_KEYS, HotKeys } from "../../src/sampling/hot_keys.ts";
import { boundUs, BUCKETS, Latencies } from "../../src/sampling/latencies.ts";
import { SAMPLE_RING_BYTES, SampleRing } from "../../src/sampling/sample_ring.ts";
import { SampledExecutor } from "../../src/sampling/sampled_executor.ts";
import { Sampler } from "../../src/sampling/sampler.ts";
import { type Sample, Samples } from "../../src/sampling/samples.ts";
import { MAX_VALUE_BYTES } from "../../src/protocol/frame.ts";
import { encodeLines } from "../../src/section.ts";
import { LogStore } from "../../src/store/log_store.ts";
import { Result, spanOf } from "../../src/store/store.ts";
import { fillRandomOf, text } from "../bytes.ts";

/** Numbers from 0 to below 1, the same in each run (a linear congruential generator). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);
}

function sampleAll(requests: number, everyMs: number) {
  let nowMs = 0;
  const sampler = new Sampler(() => nowMs, randomOf(1));
  let [samples, weight] = [0, 0];
  for (let i = 0; i < requests; i++) {
    nowMs = i * everyMs;
    const next = sampler.next();
    weight += next;
    if (next > 0) samples++;
  }
  return { samples, weight };
}

test("few requests are all samples; of many about a thousand a second are, and stand for all", () => {
  assertEquals(sampleAll(1_000, 10), { samples: 1_000, weight: 1_000 });
  // 100,000 a second for ten seconds.
  const { samples, weight } = sampleAll(1_000_000, 0.01);
  assert(samples > 2_000 && samples < 12_000, `${samples} samples`);
  assertNear(weight, 1_000_000, 50_000);
});

test("the first requests after a quiet time are samples again", () => {
  let nowMs = 0;
  const sampler = new Sampler(() => nowMs, randomOf(2));
  for (let i = 0; i < 10_000; i++) sampler.next();
  let samples = 0;
  for (let i = 0; i < 1_000; i++) {
    nowMs += 10;
    if (sampler.next() > 0) samples++;
  }
  assert(samples > 400, `${samples} samples`);
});

test("hot keys are found among a hundred thousand others, with their share", () => {
  const random = randomOf(3);
  const hot = new HotKeys();
  for (let i = 0; i < 100_000; i++) {
    const x = random();
    hot.note(x < 0.2 ? "first" : x < 0.3 ? "second" : `other ${i}`, 3, i / 10);
  }
  const [first, second, ...others] = hot.hottest(10_000);
  assertEquals([first.key, second.key], ["first", "second"]);
  assertNear(first.share, 0.2, 0.02);
  assertNear(second.share, 0.1, 0.02);
  // A key that came once is not hot, whatever Space-Saving has to assume.
  assertEquals(others, []);
});

test("a key with a hundredth of the requests is told, whatever the others are", () => {
  const hot = new HotKeys();
  for (let i = 0; i < 30_000; i++) hot.note(i % 100 === 99 ? "hot" : `other ${i}`, 1, 0);
  assertEquals(hot.hottest(0).map(({ key }) => key), ["hot"]);
});

test("at most sixteen keys are told, and none from more than a minute ago", () => {
  const hot = new HotKeys();
  for (let i = 0; i < 1_000; i++) hot.note(`key ${i % 40}`, 1, 0);
  assertEquals(hot.hottest(0).length, HOT_KEYS);
  hot.note("new", 1, 40_000);
  hot.note("new", 1, 40_000);
  assertEquals(hot.hottest(40_000)[0].key, "key 0");
  hot.note("new", 1, 70_000);
  assertEquals(hot.hottest(70_000).map(({ key, share }) => [key, share]), [["new", 1]]);
  assertEquals(hot.hottest(200_000), []);
});

test("percentiles are those of the times, to within a bucket", () => {
  const latencies = new Latencies();
  assert(Number.isNaN(latencies.percentileUs(0.5)));
  for (let us = 1; us <= 1_000; us++) latencies.note(us, 2);
  assertEquals(latencies.total, 2_000);
  assertEquals(latencies.sumUs, 1_001_000);
  for (const share of [0.5, 0.9, 0.99]) {
    const us = latencies.percentileUs(share);
    assert(us >= share * 1_000 && us <= share * 1_000 * Math.SQRT2 * 1.001, `${share}: ${us}`);
  }
  latencies.note(0, 1);
  latencies.note(1e12, 1);
  assertEquals(latencies.counts[0], 3);
  assertEquals(latencies.counts[BUCKETS - 1], 1);
  assertEquals(boundUs(BUCKETS - 1), Number.POSITIVE_INFINITY);
});

test("a histogram survives its text, and two states have a difference", () => {
  const latencies = new Latencies();
  latencies.note(5, 10);
  const before = Latencies.parse(latencies.text);
  latencies.note(700, 4);
  const since = Latencies.parse(latencies.text).since(before);
  assertEquals(since.total, 4);
  assertEquals(Latencies.parse("999:1 x 3:").total, 0);
});

test("a ring passes samples on in order, and loses what it has no room for", () => {
  const memory = new SharedArrayBuffer(SAMPLE_RING_BYTES);
  const [reader, server] = [new SampleRing(memory), new SampleRing(memory)];
  const taken: Sample[] = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 200; i++) reader.put(spanOf(text(`k${i}`)), i + 0.4, 7);
    server.takeAll((sample) => taken.push(sample));
  }
  assertEquals(taken.length, 600);
  assertEquals(taken[201], { isRead: true, key: "k1", us: 1, weight: 7 });
  for (let i = 0; i < 2_000; i++) reader.put(spanOf(text("x".repeat(128))), 1, 1);
  taken.length = 0;
  server.takeAll((sample) => taken.push(sample));
  assertEquals(taken.length, 1_024);
  assertEquals(taken[1_023].key.length, 128);
});

function sampledStore() {
  let nowMs = 0;
  const now = () => nowMs;
  const store = new LogStore({ limitBytes: 2 ** 20, now, fillRandom: fillRandomOf(1) });
  const samples = new Samples(now);
  const executor = new SampledExecutor(new MemoryExecutor(store), samples, now);
  const job = new Job();
  const run = (action: Action, key: string) => {
    job.action = action;
    Object.assign(job.key, spanOf(text(key)));
    Object.assign(job.value, spanOf(text("v")));
    assert(executor.execute(job, () => {}));
    return job.result;
  };
  const lines = (name: string) => executor.sections.get(name)?.().map((line) => line.join(" "));
  return { executor, samples, run, lines, pass: (ms: number) => nowMs += ms };
}

test("an executor's jobs are counted by class and key, from the arrival of their datagram on", () => {
  const { executor, run, lines, pass } = sampledStore();
  assertEquals(run(Action.SET, "a"), Result.DONE);
  pass(10);
  executor.arrive(1);
  pass(2);
  assertEquals(run(Action.GET, "a"), Result.DONE);
  executor.handled();
  pass(10);
  // A page of keys is no use of a key.
  run(Action.SCAN, "");
  assertEquals(lines("write_latency"), [
    ...["requests 1", "sum_us 0", "p50_us 1", "p90_us 1", "p99_us 1", "p999_us 1", "buckets 0:1"],
  ]);
  assertEquals(lines("read_latency")?.slice(0, 3), ["requests 1", "sum_us 2000", "p50_us 2050"]);
  assertEquals(lines("hot_keys"), ['1 100.0 "a"']);
});

test("hot keys of any bytes and of any length are told in printable lines that fit a reply", () => {
  const { run, lines, pass } = sampledStore();
  const keys = ["tab\there", '"quoted"', "\u001b[31mred", "ключ", "x".repeat(128)];
  for (const key of keys) {
    for (let i = 0; i < 5; i++) {
      pass(10);
      run(Action.GET, key);
    }
  }
  const told = lines("hot_keys") ?? [];
  assertEquals(told.length, keys.length);
  for (const line of told) {
    assert(/^\d+ [\d.]+ "[\x20-\x7e\u0400-\u04ff…]+$/.test(line), line);
    assert(line.length <= 52, line);
  }
});

test("sixteen hot keys fit a reply, whatever they are written in", () => {
  for (const char of ["a", "я", "漢", "😀", "\x07", "\xff"]) {
    const samples = new Samples(() => 0);
    for (let i = 0; i < 2 * HOT_KEYS; i++) {
      const text = String(i % HOT_KEYS) + char.repeat(60);
      const bytes = char === "\xff" ? Buffer.from(text, "latin1") : Buffer.from(text);
      samples.note({ isRead: true, key: bytes.toString("latin1"), us: 1, weight: 1 });
    }
    const lines = samples.sections.get("hot_keys")?.() ?? [];
    const fitting = new TextDecoder("utf-8", { fatal: true }).decode(
      encodeLines(lines, MAX_VALUE_BYTES),
    );
    assertEquals(fitting.trimEnd().split("\n").length, HOT_KEYS, fitting);
    assert(!fitting.includes("\ufffd"), fitting);
  }
});

test("keys that are not UTF-8 are told in hexadecimal", () => {
  const samples = new Samples(() => 0);
  for (let i = 0; i < 2; i++) samples.note({ isRead: true, key: "\xff\x00", us: 1, weight: 1 });
  assertEquals(samples.sections.get("hot_keys")?.(), [["1", "100.0 0xff00"]]);
});
