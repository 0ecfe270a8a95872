/** Numbers from a server's statistics, and what people are shown of them. */

import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { GLOSSARY, meaningOf } from "../../src/figures/glossary.ts";
import { figuresOf, isRestarted, type Section, type Snapshot } from "../../src/figures/snapshot.ts";
import {
  spelledBytes,
  spelledMs,
  spelledNumber,
  spelledShare,
  spelledUs,
} from "../../src/figures/spelled.ts";
import { type Look, screenOf, sparkline } from "../../src/commands/top_screen.ts";
import { cut } from "../../src/commands/cut.ts";
import { tableHead, tableRow } from "../../src/commands/top_table.ts";

const at = (atMs: number, sections: Record<string, Section>): Snapshot => ({
  atMs,
  sections: new Map(Object.entries(sections)),
});

const before = at(1_000, {
  server: { version: "0.1.0", runtime: "bun", aead: "OpenSSL", uptime_ms: 10_000 },
  process: { resident_bytes: 50 * 2 ** 20, cpu_ms: 1_000 },
  operations: { get: 100, exists: 0, set: 10, hits: 90, misses: 10, resp: 0, errors: 0 },
  datagrams: { dropped_load: 0, dropped_by_kernel: 0 },
  store: { keys: 5, used_bytes: 2_048, limit_bytes: 2 ** 20, evictions: 0, expirations: 0 },
  read_latency: { requests: 100, buckets: "0:100" },
  write_latency: { requests: 0 },
  threads: { columns: "received answered", reader_0: "100 90" },
});

const after = at(3_000, {
  server: { version: "0.1.0", runtime: "bun", aead: "OpenSSL", uptime_ms: 12_000 },
  process: { resident_bytes: 60 * 2 ** 20, cpu_ms: 2_000 },
  operations: { get: 1_100, exists: 0, set: 30, hits: 840, misses: 260, resp: 50, errors: 2 },
  datagrams: { dropped_load: 4, dropped_by_kernel: 0 },
  store: { keys: 7, used_bytes: 4_096, limit_bytes: 2 ** 20, evictions: 8, expirations: 0 },
  read_latency: { requests: 1_100, buckets: "0:100 10:990 20:10" },
  write_latency: { requests: 20, buckets: "22:20" },
  threads: { columns: "received answered", reader_0: "1100 1090" },
  hot_keys: { 1: '12.5 "session:42"', 2: '3.0 "b"' },
});

const figures = figuresOf(before, after);
const look: Look = {
  ...{ server: "cache-1", before, now: after, figures },
  history: [0, 100, 535],
};

test("rates, hit ratio and latencies are those of the time between two snapshots", () => {
  const { readsPerSecond, writesPerSecond, doorsPerSecond, operationsPerSecond } = figures;
  assertEquals([readsPerSecond, writesPerSecond, doorsPerSecond], [500, 10, 25]);
  assertEquals(operationsPerSecond, 535);
  assertEquals(figures.hitRatio, 0.75);
  assertEquals([figures.errorsPerSecond, figures.dropsPerSecond], [1, 2]);
  assertEquals(figures.evictionsPerSecond, 4);
  assertEquals(figures.reads.p50Us, 32);
  assertEquals(figures.reads.p99Us, 32);
  assertEquals(figures.writes.p99Us, 2_048);
  assertEquals(figures.processors, 0.5);
  assert(!isRestarted(before, after) && isRestarted(after, before));
});

test("what a server does not tell is not known, and nothing asked is no hit ratio", () => {
  const nothing = figuresOf(at(0, {}), at(1_000, {}));
  assertEquals(nothing.operationsPerSecond, 0);
  assert(Number.isNaN(nothing.hitRatio) && Number.isNaN(nothing.residentBytes));
  assertMatch(tableRow(nothing), /^ +0 +0 +0 +– +–/);
  assertEquals(tableRow(nothing).length, tableHead.length);
});

test("a screen has what a server does, and fits any terminal", () => {
  const screen = screenOf(look, 80, 24).join("\n");
  assertMatch(screen, /^cache-1, up 12 s, kg 0.1.0 on bun, OpenSSL\n/);
  assertMatch(screen, /operations +535\/s {2}▁▂█\n/);
  assertMatch(screen, /reads +500\/s {2}p50 {3}32 µs {2}p99 {3}32 µs {2}hits 75.0 %\n/);
  assertMatch(screen, /keys +7 {2}4 KiB of 1 MiB \(0.4 %\)\n/);
  assertMatch(screen, /readers +500\/s\n/);
  assertMatch(screen, / 12.5 % {2}"session:42"\n/);
  for (const [width, height] of [[20, 5], [40, 10], [80, 24], [200, 60]]) {
    const lines = screenOf(look, width, height);
    assert(lines.length <= height, `${lines.length} lines of ${height}`);
    for (const line of lines) assert([...line].length <= width, line);
  }
});

test("bars and cut lines", () => {
  assertEquals(sparkline([0, 1, 2, 4], 3), "▃▅█");
  assertEquals(sparkline([], 3), "");
  assertEquals(sparkline([1], -5), "");
  assertEquals(cut("abcdef", 4), "abc…");
});

test("numbers are spelled as people read them", () => {
  assertEquals([0, 1.234, 12.34, 1_234.5, 2_000_000].map(spelledNumber), [
    ...["0", "1.23", "12.3", "1,235", "2,000,000"],
  ]);
  assertEquals([0, 1_023, 2_048, 300 * 2 ** 20].map(spelledBytes), [
    ...["0 B", "1023 B", "2 KiB", "300 MiB"],
  ]);
  assertEquals([0.5, 181, 2_050, 1.5e6].map(spelledUs), ["0.5 µs", "181 µs", "2.05 ms", "1.5 s"]);
  assertEquals([250, 12_000, 125_000, 3 * 3_600_000, 90 * 3_600_000].map(spelledMs), [
    ...["250 ms", "12 s", "2m 5s", "3h 0m", "3d 18h"],
  ]);
  assertEquals([spelledShare(0.5), spelledShare(Number.NaN)], ["50.0 %", "–"]);
});

test("meanings are a line, and lines with a number in their name have one", () => {
  const meanings = Object.values(GLOSSARY).flatMap((section) => Object.values(section));
  for (const { text } of meanings) assert(text.length <= 72 && !text.endsWith("."), text);
  assertEquals(meaningOf("threads_8", "reader_9")?.kind, "fact");
  assertEquals(meaningOf("keys", "skvs_key_1_requests")?.kind, "count");
  assertEquals(meaningOf("server", "toString"), undefined);
  assertEquals(meaningOf("nonsense", "x"), undefined);
});
