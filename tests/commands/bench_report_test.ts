import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { reportJson } from "../../src/commands/bench_json.ts";
import { pageOf } from "../../src/commands/bench_page.ts";
import { reportText } from "../../src/commands/bench_report.ts";
import type { Result } from "../../src/commands/bench_result.ts";
import { svgOf } from "../../src/commands/bench_svg.ts";
import { DeadlineExceededError } from "../../src/errors.ts";
import { Measured } from "../../src/load/measured.ts";

const FOR_EVER = Number.POSITIVE_INFINITY;
const MAX_PICTURE_BYTES = 100 * 1_024;

/** @param measured is ended here, after two seconds or as the changes say */
function resultOf(measured: Measured, changes: Partial<Result> = {}): Result {
  measured.end(changes.elapsedMs ?? 2_000);
  return {
    plan: {
      workload: {
        prefix: "bench:7f3a9c2e:",
        keys: 1_000,
        readShare: 0.9,
        zipf: 0,
        valueBytes: 100,
        ttlMs: 600_000,
      },
      threads: 1,
      clients: 1,
      outstanding: 64,
      ratePerS: null,
      extent: { durationMs: 2_000, count: FOR_EVER },
      warmUpMs: 0,
      isFilled: true,
      isKept: false,
      timeoutMs: 1_000,
    },
    server: "127.0.0.1:4040",
    startedAt: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
    measured,
    elapsedMs: 2_000,
    retransmissions: 3,
    ownCpuShare: 0.5,
    interruptedBy: null,
    ...changes,
  };
}

/** 1,000 calls of 1 to 1,000 µs, the first half of them in the first second. */
function thousand(): Measured {
  const measured = new Measured();
  for (let i = 1; i <= 1_000; i++) {
    measured.note(i % 10 === 0 ? "set" : "hit", i / 1_000, 2 * i - 1);
  }
  return measured;
}

test("rates and percentiles of reads, writes and both", () => {
  const json = reportJson(resultOf(thousand()));
  const [reads, writes, total] = [json.reads, json.writes, json.total] as Record<string, number>[];
  assertEquals([json.answered, json.perSecond, total.perSecond], [1_000, 500, 500]);
  const { answered, perSecond, hits } = reads;
  assertEquals([answered, perSecond, hits, writes.answered], [900, 450, 900, 100]);
  assert(Math.abs(reads.p50Us - 500) < 3 && Math.abs(reads.p99Us - 990) < 3);
  assert(Math.abs(writes.p50Us - 500) < 11 && Math.abs(writes.maxUs - 1_000) < 3);
  assert(Math.abs(total.p99Us - 990) < 3);
  assertEquals([json.retransmissions, json.bottleneck], [3, undefined]);
});

test("JSON has each second, and what a reader of it must know", () => {
  const json = reportJson(resultOf(thousand(), { interruptedBy: "SIGINT" }));
  const spans = json.spans as { startS: number; reads: Record<string, number> }[];
  assertEquals(spans.map(({ startS, reads }) => [startS, reads.answered]), [[0, 450], [1, 450]]);
  assert(Math.abs(spans[0].reads.p99Us - 495) < 3);
  assertEquals([json.startedAt, json.interruptedBy], ["2026-01-02T03:04:05.000Z", "SIGINT"]);
  assertEquals([json.keyPrefix, json.kept, json.ttlMs], ["bench:7f3a9c2e:", false, 600_000]);
});

test("the bars are on one scale, none shorter than the one before, and labelled", () => {
  const text = reportText(resultOf(thousand()), 80);
  assertMatch(text, /bars: logarithmic, 0\.\d{3} to 1\.000 ms/);
  const lines = text.split("\n").filter((line) => /^ +(p\d|max)/.test(line));
  const lengths = lines.map((line) => /█+/.exec(line)?.[0].length ?? 0);
  assertEquals([lines.length, lengths[0]], [8, 1]);
  assertEquals(lengths, lengths.toSorted((a, b) => a - b));
  assert(text.split("\n").every((line) => line.length <= 80), text);
});

test("a narrow terminal gets the tables without bars", () => {
  const text = reportText(resultOf(thousand()), 40);
  const tables = text.slice(text.indexOf("answered"));
  assert(!tables.includes("█") && tables.split("\n").every((line) => line.length <= 40), tables);
});

test("a long run has few rows, with the worst second of each", () => {
  const measured = new Measured();
  for (let second = 0; second < 100; second++) {
    if (second !== 42) measured.note("hit", second === 77 ? 900 : 1, second * 1_000);
  }
  const text = reportText(resultOf(measured, { elapsedMs: 100_000 }), 80);
  const rows = text.slice(text.indexOf("Every 9 seconds")).trimEnd().split("\n").slice(2);
  assertEquals(rows.length, 12);
  assertMatch(rows[4], /^ +36 s +1 +0 +/);
  assertMatch(rows[8], /^ +72 s +1 +1 +900/);
});

test("failed calls are reported, and their time counts", () => {
  const empty = resultOf(new Measured());
  assertEquals((reportJson(empty).reads as Record<string, unknown>).p50Us, undefined);
  assertMatch(reportText(empty), /no call ended/);
  const measured = new Measured();
  measured.noteFailure(
    true,
    new DeadlineExceededError({ operation: "GET" }, 10, null, ""),
    10,
    500,
  );
  const result = resultOf(measured);
  const json = reportJson(result);
  assertMatch(reportText(result), /failed +1 reads DEADLINE_EXCEEDED/);
  assertEquals([json.answered, json.failed], [0, 1]);
  assert((json.reads as Record<string, number>).p50Us >= 9_990);
});

test("the report notes when bench itself is the bottleneck, and how punctual it was", () => {
  assertMatch(reportText(resultOf(thousand(), { ownCpuShare: 0.97 })), /busy all the time/);
  const late = thousand();
  for (let i = 0; i < 1_000; i++) late.noteLateness(i < 990 ? 0.5 : 5);
  const { plan } = resultOf(new Measured());
  const open = resultOf(late, { plan: { ...plan, ratePerS: 1_000 } });
  assertMatch(String(reportJson(open).bottleneck), /its own delays/);
  assertMatch(reportText(open), /begun +0\.500 ms late at the median, 99 % within 0\.500 ms/);
});

test("the pictures have the facts and nothing from elsewhere, and are small after a long run", () => {
  const measured = new Measured();
  for (let ms = 0; ms < 1_200_000; ms += 200) {
    measured.note(ms % 1_000 === 0 ? "set" : "hit", 0.1 + Math.sin(ms) ** 2, ms);
  }
  const result = resultOf(measured, { elapsedMs: 1_200_000 });
  for (const picture of [pageOf(result, "kg bench <&>"), svgOf(result, "kg bench <&>")]) {
    assert(picture.length < MAX_PICTURE_BYTES, `${picture.length} bytes`);
    assert(!/NaN|undefined|Infinity|null/.test(picture));
    assert(!/(?:src|href)=|url\(|@import/.test(picture));
    assertEquals(picture.replaceAll("http://www.w3.org/2000/svg", "").includes("http"), false);
    const facts = [
      "kg bench &lt;&amp;&gt;",
      "2026-01-02 03:04 UTC",
      "127.0.0.1:4040",
      "logarithmic",
    ];
    const axis = "minutes from the start; the worst of 5 s each";
    for (const part of [...facts, axis, "prefers-color-scheme: dark"]) {
      assert(picture.includes(part), part);
    }
  }
});

test("a picture of a run without an answer says so", () => {
  const result = resultOf(new Measured());
  assert(pageOf(result, "kg bench").includes("No call ended"));
  for (const picture of [pageOf(result, "kg bench"), svgOf(result, "kg bench")]) {
    assert(!/NaN|undefined|Infinity/.test(picture));
  }
});
