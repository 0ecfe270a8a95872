import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Report, reportJson, reportText } from "../../src/commands/bench_report.ts";
import { DeadlineExceededError } from "../../src/errors.ts";
import { Measured } from "../../src/load/measured.ts";

const FOR_EVER = Number.POSITIVE_INFINITY;

function reportOf(measured: Measured, changes: Partial<Report> = {}): Report {
  return {
    plan: {
      workload: { keys: 1_000, readShare: 0.9, zipf: 0, valueBytes: 100, ttlMs: undefined },
      threads: 1,
      clients: 1,
      outstanding: 64,
      ratePerS: null,
      extent: { durationMs: 2_000, count: FOR_EVER },
      warmUpMs: 0,
      isFilled: true,
      timeoutMs: 1_000,
    },
    server: "127.0.0.1:4040",
    measured,
    elapsedMs: 2_000,
    retransmissions: 3,
    ownCpuShare: 0.5,
    ...changes,
  };
}

/** 1,000 calls of 1 to 1,000 µs. */
function thousand(): Measured {
  const measured = new Measured();
  for (let i = 1; i <= 1_000; i++) measured.note(i % 10 === 0 ? "set" : "hit", i / 1_000);
  return measured;
}

test("rates and percentiles", () => {
  const json = reportJson(reportOf(thousand()));
  const [reads, writes] = [json.reads, json.writes] as Record<string, number>[];
  assertEquals([json.answered, json.perSecond], [1_000, 500]);
  assertEquals([reads.answered, reads.perSecond, reads.hits, writes.answered], [
    900,
    450,
    900,
    100,
  ]);
  assert(Math.abs(reads.p50Us - 500) < 3 && Math.abs(reads.p99Us - 990) < 3);
  assert(Math.abs(writes.p50Us - 500) < 11 && Math.abs(writes.maxUs - 1_000) < 3);
  assertEquals(json.retransmissions, 3);
  assertEquals(json.bottleneck, undefined);
});

test("the plot has a bar for each percentile, none shorter than the one before", () => {
  const lines = reportText(reportOf(thousand())).split("\n").filter((line) => line.includes("█"));
  const lengths = lines.slice(0, 11).map((line) => line.split("█").length - 1);
  assertEquals(lines.length, 22);
  assertEquals(lengths, lengths.toSorted((a, b) => a - b));
  assertEquals([lengths[0], lengths.at(-1)], [1, 40]);
  assertMatch(lines[3], /p50 +0\.(499|500) ms/);
});

test("failed calls are reported, and their time counts", () => {
  const measured = new Measured();
  assertEquals((reportJson(reportOf(measured)).reads as Record<string, unknown>).p50Us, undefined);
  assertMatch(reportText(reportOf(measured)), /no call ended/);
  measured.noteFailure(true, new DeadlineExceededError({ operation: "GET" }, 10, null, ""), 10);
  const json = reportJson(reportOf(measured));
  assertMatch(reportText(reportOf(measured)), /failed +1 reads DEADLINE_EXCEEDED/);
  assertEquals([json.answered, json.failed], [0, 1]);
  assert((json.reads as Record<string, number>).p50Us >= 9_990);
});

test("the report notes when bench itself is the bottleneck", () => {
  assertMatch(reportText(reportOf(thousand(), { ownCpuShare: 0.97 })), /busy all the time/);
  const late = thousand();
  for (let i = 0; i < 100; i++) late.noteLateness(i < 99 ? 0 : 5);
  const { plan } = reportOf(late);
  const open = reportOf(late, { plan: { ...plan, ratePerS: 1_000 } });
  assertMatch(String(reportJson(open).bottleneck), /its own delays/);
});
