import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Calls } from "../../src/client.ts";
import { Measured } from "../../src/load/measured.ts";
import { OverloadedError } from "../../src/errors.ts";
import { closedLoop, fill, openLoop } from "../../src/load/loops.ts";
import { addSamples, SampleRecorder } from "../../src/load/samples.ts";
import { Requests } from "../../src/load/workload.ts";

const FOR_EVER = Number.POSITIVE_INFINITY;
const READS = { prefix: "load:", keys: 10, readShare: 1, zipf: 0, valueBytes: 1, ttlMs: undefined };

/** A client whose GETs do what the test wants. */
function clientOf(get: () => Promise<unknown>): Calls<true> {
  return { get, set: get } as unknown as Calls<true>;
}

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("a closed loop keeps the given number outstanding per client, and ends after the given count", async () => {
  const most = [0, 0];
  const clients = most.map((_, i) => {
    let outstanding = 0;
    return clientOf(async () => {
      most[i] = Math.max(most[i], ++outstanding);
      await after(1);
      outstanding--;
    });
  });
  const measured = new Measured();
  await closedLoop(new Requests(READS), 8, {
    clients,
    extent: { durationMs: FOR_EVER, count: 1_000 },
    recorder: measured,
  });
  assertEquals(measured.ended, 1_000);
  measured.end(60_000);
  assertEquals(measured.answered, 1_000);
  assertEquals(measured.hits, 0);
  assertEquals(measured.reads.latencyNs.count, 1_000);
  assertEquals(most, [8, 8]);
});

test("a closed loop ends after a time", async () => {
  const measured = new Measured();
  await closedLoop(new Requests(READS), 2, {
    clients: [clientOf(() => after(1))],
    extent: { durationMs: 50, count: FOR_EVER },
    recorder: measured,
  });
  assert(measured.ended > 0);
});

test("filling sets every key once", async () => {
  const keys = new Set<string>();
  const set = (key: Uint8Array) => {
    keys.add(new TextDecoder().decode(key));
    return Promise.resolve();
  };
  const clients = [{ set } as unknown as Calls<true>];
  const measured = new Measured();
  await fill(new Requests({ ...READS, keys: 500 }), { first: 0, end: 500 }, 16, {
    clients,
    recorder: measured,
  });
  measured.end(60_000);
  assertEquals([keys.size, measured.writes.answered], [500, 500]);
});

test("in an open loop a stall counts against every request that was due while it lasted", async () => {
  let endsAt: number | undefined;
  const stalled = clientOf(() => {
    // Counted from the first request, which does not begin before it is due.
    endsAt ??= performance.now() + 200;
    return after(Math.max(0, endsAt - performance.now()));
  });
  const measured = new Measured();
  await openLoop(new Requests(READS), { ratePerS: 1_000, offsetMs: 0 }, {
    clients: [stalled],
    extent: { durationMs: FOR_EVER, count: 100 },
    recorder: measured,
  });
  measured.end(60_000);
  assertEquals(measured.answered, 100);
  // 100 requests fall due within 100 ms; all are answered at 200 ms, so none in less than 100.
  assert(
    measured.reads.latencyNs.percentile(1) >= 95e6,
    `${measured.reads.latencyNs.percentile(1)} ns`,
  );
  assert(measured.reads.latencyNs.max >= 195e6);
});

test("an open loop sends the requests that are due, and no faster", async () => {
  let calls = 0;
  const measured = new Measured();
  const startedAt = performance.now();
  await openLoop(new Requests(READS), { ratePerS: 500, offsetMs: 0 }, {
    clients: [clientOf(() => Promise.resolve(calls++))],
    extent: { durationMs: 100, count: FOR_EVER },
    recorder: measured,
  });
  assertEquals(calls, 50);
  assert(performance.now() - startedAt >= 97);
});

test("open loops of two threads take turns, and last as long as they were asked to", async () => {
  const calls: number[] = [];
  const startedAt = performance.now();
  const loop = (offsetMs: number) =>
    openLoop(new Requests(READS), { ratePerS: 10, offsetMs }, {
      clients: [clientOf(() => Promise.resolve(calls.push(performance.now() - startedAt)))],
      extent: { durationMs: 200, count: FOR_EVER },
      recorder: new Measured(),
    });
  await Promise.all([loop(0), loop(50)]);
  assertEquals(calls.length, 4);
  for (const [i, atMs] of calls.entries()) assert(atMs >= i * 50 - 1, `${i} at ${atMs} ms`);
  assert(performance.now() - startedAt >= 199);
});

test("an open loop that is late still lets replies have their turn", async () => {
  let most = 0;
  let outstanding = 0;
  const measured = new Measured();
  await openLoop(new Requests(READS), { ratePerS: 1e6, offsetMs: 0 }, {
    clients: [clientOf(async () => {
      most = Math.max(most, ++outstanding);
      await new Promise((resolve) => setImmediate(resolve));
      outstanding--;
    })],
    extent: { durationMs: FOR_EVER, count: 10_000 },
    recorder: measured,
  });
  assertEquals(measured.ended, 10_000);
  assert(most < 1_000, `${most} at once`);
});

test("a failed call is counted by its code, and its time counts with the others", async () => {
  const measured = new Measured();
  await closedLoop(new Requests(READS), 1, {
    clients: [clientOf(() => Promise.reject(new OverloadedError({ operation: "GET" }, 1)))],
    extent: { durationMs: FOR_EVER, count: 3 },
    recorder: measured,
  });
  measured.end(60_000);
  assertEquals([measured.answered, measured.failed, measured.ended], [0, 3, 3]);
  assertEquals([...measured.reads.failures], [["OVERLOADED", 3]]);
  assertEquals(measured.reads.latencyNs.count, 3);
});

test("what a thread measured arrives whole, and in arrays of bounded length", () => {
  const measured = new Measured();
  let arrays = 0;
  const recorder = new SampleRecorder((samples) => {
    arrays++;
    addSamples(measured, structuredClone(samples));
  });
  for (let i = 0; i < 20_000; i++) recorder.note(i % 4 === 0 ? "set" : "hit", i / 1_000, i);
  recorder.note("miss", 1, 20_100);
  recorder.noteFailure(true, new OverloadedError({ operation: "GET" }, 1), 2, 20_101);
  recorder.noteFailure(false, new OverloadedError({ operation: "SET" }, 1), 3, 20_102);
  recorder.noteLateness(4);
  recorder.flush();
  recorder.flush();
  measured.end(20_103);
  const { reads, writes, hits } = measured;
  assertEquals([reads.answered, writes.answered, hits, arrays], [15_001, 5_000, 15_000, 3]);
  assertEquals([...reads.failures, ...writes.failures], [["OVERLOADED", 1], ["OVERLOADED", 1]]);
  assertEquals([reads.latencyNs.count, Math.round(measured.latenessMs(50) ?? 0)], [15_002, 4]);
  assertEquals(measured.spans.map(({ total }) => total.answered), [
    ...Array(19).fill(1_000),
    1_001,
  ]);
  assertThrows(() => recorder.noteFailure(true, new TypeError("a bug"), 1, 1), TypeError);
});

test("an open loop may wait for replies instead of keeping a processor busy", async () => {
  const measured = new Measured();
  const waits: number[] = [];
  await openLoop(new Requests(READS), { ratePerS: 2_000, offsetMs: 0 }, {
    clients: [clientOf(() => Promise.resolve())],
    extent: { durationMs: FOR_EVER, count: 50 },
    recorder: measured,
    awaitReply: (ms) => void waits.push(ms),
  });
  assertEquals(measured.ended, 50);
  assert(waits.length > 0 && waits.every((ms) => ms > 0 && ms <= 2), `${waits.length} waits`);
});

test("a stopped loop begins nothing more, and waits for what is under way", async () => {
  for (const run of ["closed", "open"] as const) {
    const stop = new AbortController();
    let [begun, ended] = [0, 0];
    const clients = [clientOf(async () => {
      if (++begun === 20) stop.abort();
      await after(5);
      ended++;
    })];
    const extent = { durationMs: 60_000, count: FOR_EVER };
    const measured = new Measured();
    const loop = { clients, extent, recorder: measured, stop: stop.signal };
    if (run === "closed") await closedLoop(new Requests(READS), 4, loop);
    else await openLoop(new Requests(READS), { ratePerS: 1_000, offsetMs: 0 }, loop);
    assertEquals([begun, ended, measured.ended], [20, 20, 20], run);
  }
});
