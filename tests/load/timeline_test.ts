import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { DeadlineExceededError } from "../../src/errors.ts";
import { Measured } from "../../src/load/measured.ts";
import { inRows, type Span } from "../../src/load/span.ts";
import { MAX_SPANS } from "../../src/load/timeline.ts";

const answeredOf = (spans: readonly Span[]) => spans.map(({ total }) => total.answered);
const near = (ms: number | null, expected: number) => Math.abs((ms ?? 0) / expected - 1) < 0.002;

test("a call counts in the second in which it ended; a stall shows", () => {
  const seconds: Span[] = [];
  const measured = new Measured((span) => seconds.push(span));
  for (let i = 0; i < 100; i++) measured.note(i % 10 === 0 ? "set" : "hit", 1, i * 10);
  measured.advance(1_499);
  assertEquals(seconds.length, 0);
  measured.advance(1_500);
  assertEquals([seconds.length, measured.answered], [1, 100]);
  measured.advance(3_600);
  measured.note("hit", 2_500, 3_500);
  measured.noteFailure(
    false,
    new DeadlineExceededError({ operation: "SET" }, 10, null, ""),
    1_000,
    3_600,
  );
  measured.end(4_000);
  const { spans } = measured;
  assertEquals(spans, seconds);
  assertEquals(spans.map(({ startS, lengthS }) => [startS, lengthS]), [
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
  assertEquals([spans[0].reads.answered, spans[0].writes.perS], [90, 10]);
  assertEquals([answeredOf(spans), spans[1].reads.p99Ms], [[100, 0, 0, 1], null]);
  assert(near(spans[0].writes.p99Ms, 1) && near(spans[3].reads.maxMs, 2_500));
  assert(near(spans[3].writes.p99Ms, 1_000) && near(spans[3].total.p99Ms, 2_500));
  assertEquals([spans[3].writes.failed, measured.failed, measured.total.ended], [1, 1, 102]);
});

test("what follows the last whole second belongs to it, unless it is half a second or more", () => {
  const ending = (elapsedMs: number) => {
    const measured = new Measured();
    for (let ms = 0; ms < elapsedMs; ms += 100) measured.note("hit", 1, ms);
    measured.end(elapsedMs);
    return measured.spans.map(({ lengthS, total }) => [Math.round(lengthS * 1e3), total.answered]);
  };
  assertEquals(ending(2_400), [[1_000, 10], [1_400, 14]]);
  assertEquals(ending(2_600), [[1_000, 10], [1_000, 10], [600, 6]]);
  assertEquals(ending(300), [[300, 3]]);
  assertEquals(new Measured().spans, []);
});

test("a call that a thread tells too late is counted all the same", () => {
  const measured = new Measured();
  measured.note("hit", 1, 9_000);
  measured.note("hit", 1, 100);
  measured.end(10_000);
  assertEquals(measured.answered, 2);
  assertEquals(answeredOf(measured.spans), [0, 0, 0, 0, 0, 0, 1, 0, 0, 1]);
});

test("a long run has at most so many spans, each with its worst second", () => {
  const measured = new Measured();
  const seconds = MAX_SPANS + 101;
  for (let second = 0; second < seconds; second++) {
    if (second === 1_001) continue;
    const latencyMs = second === 2_003 ? 700 : 1;
    for (let i = 0; i < 2; i++) measured.note("hit", latencyMs, second * 1_000 + i);
  }
  measured.end(seconds * 1_000);
  const { spans } = measured;
  assertEquals([spans.length, measured.answered], [MAX_SPANS / 2 + 51, (seconds - 1) * 2]);
  const [stalled, slow] = [spans[500], spans[1_001]];
  assertEquals([stalled.startS, stalled.lengthS, stalled.total.perS], [1_000, 2, 1]);
  assertEquals(stalled.total.leastPerS, 0);
  assert(near(slow.reads.p99Ms, 700) && near(spans[1_002].reads.p99Ms, 1));
  const rows = inRows(spans, 12);
  assertEquals([rows.length, answeredOf(rows).reduce((sum, each) => sum + each)], [
    12,
    2 * (seconds - 1),
  ]);
  assert(rows.some(({ total }) => total.leastPerS === 0));
});
