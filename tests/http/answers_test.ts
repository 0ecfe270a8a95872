/** What the door for HTTP answers, and to whom. */

import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Section, Snapshot } from "../../src/figures/snapshot.ts";
import { Answers } from "../../src/http/answers.ts";
import { FIGURE_NAMES, HISTORY, History } from "../../src/http/history.ts";
import { isOwnHost } from "../../src/http/host.ts";
import { makePage } from "../../src/http/page.ts";

const SECRET = "session:secret";

const sectionsAt = (gets: number, uptimeMs: number): Record<string, Section> => ({
  server: { version: "0.1.0", runtime: "bun", aead: "OpenSSL", name: 'a"b', uptime_ms: uptimeMs },
  operations: { get: gets, set: 5, hits: gets, misses: 0, errors: 0 },
  store: { keys: 3, used_bytes: 2_048, limit_bytes: 4_096, evictions: 0, expirations: 0 },
  read_latency: { requests: gets, sum_us: 1_500, buckets: "1:2 49:1" },
  write_latency: { requests: 0 },
  hot_keys: { 1: `40.0 "${SECRET}"`, 2: `20.0 "${SECRET}2"` },
});

const snapshotOf = (atMs: number, sections: Record<string, Section>): Snapshot => ({
  atMs,
  sections: new Map(Object.entries(sections)),
});

function makeWorld(extra: Record<string, Section> = {}) {
  let now = snapshotOf(0, sectionsAt(0, 1_000));
  const history = new History();
  let isStopping = false;
  const answers = new Answers({
    isStopping: () => isStopping,
    ...{ page: makePage(), history, hosts: ["cache-1"], startedAtMs: 1_700_000_000_000 },
    snapshot: () => now,
  });
  return {
    history,
    stop: () => isStopping = true,
    pass(seconds: number, gets: number) {
      now = snapshotOf(seconds * 1_000, { ...sectionsAt(gets, seconds * 1_000), ...extra });
      history.add(now, 1e12 + seconds * 1_000);
    },
    ask: (url: string, method = "GET", host: string | undefined = "127.0.0.1:9464") =>
      answers.answer({ method, url, host }),
  };
}

test("addresses, localhost and allowed names are hosts; other names are not", () => {
  const allowed = ["cache-1"];
  for (
    const host of [
      ...["127.0.0.1", "127.0.0.1:9464", "[::1]:9464", "[::1]", "10.0.0.7:80", "localhost"],
      ...["LocalHost:9464", "localhost.", "cache-1:9464", "Cache-1"],
    ]
  ) assert(isOwnHost(host, allowed), host);
  for (
    const host of [
      ...["evil.example", "evil.example:9464", "127.0.0.1.evil.example", "localhost.evil"],
      ...["", "cache-2", "[evil]", "1.2.3", "2130706433", "::1", "127.0.0.1:9464:80"],
    ]
  ) assert(!isOwnHost(host, allowed), host);
  assert(!isOwnHost(undefined, allowed));
});

test("a foreign host, a POST and another path are refused, and are told nothing", () => {
  const { ask } = makeWorld();
  for (const url of ["/", "/metrics", "/healthz", "/readyz", "/figures.json"]) {
    const foreign = ask(url, "GET", "evil.example");
    assertEquals(foreign.status, 421);
    assert(!foreign.body.includes("kilogram"));
    for (const method of ["POST", "HEAD", "OPTIONS", "PUT", ""]) {
      const { status, headers } = ask(url, method);
      assertEquals([status, headers.allow], [405, "GET"]);
    }
    assertEquals(ask(url).status, 200);
  }
  for (const url of ["/nothing", "/metrics/", "//", "*", "http://127.0.0.1/", ""]) {
    assertEquals(ask(url).status, 404, url);
  }
});

test("no answer shows a key, and none may be kept, framed or guessed", () => {
  const { ask, pass } = makeWorld();
  pass(1, 10);
  pass(2, 30);
  for (const url of ["/", "/metrics", "/figures.json", "/readyz"]) {
    const { body, headers } = ask(url);
    assert(!body.includes(SECRET), url);
    assertEquals(headers["cache-control"], "no-store");
    assertEquals(headers["x-content-type-options"], "nosniff");
    assertMatch(headers["content-security-policy"], /^default-src 'none'.*frame-ancestors 'none'/);
    assert(!headers["content-security-policy"].includes("unsafe"), url);
  }
  assertMatch(ask("/metrics").body, /^kilogram_hottest_key_ratio 0.4$/m);
});

test("metrics have names, help and types, escaped labels and a whole histogram", () => {
  const { ask, pass } = makeWorld();
  pass(1, 3);
  const { body, headers } = ask("/metrics");
  assertEquals(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  assertMatch(
    body,
    /^kilogram_build_info\{version="0.1.0",runtime="bun",aead="OpenSSL",name="a\\"b"\} 1$/m,
  );
  assertMatch(body, /^kilogram_operations_total\{operation="get"\} 3$/m);
  assertMatch(body, /^process_start_time_seconds 1700000000.000$/m);
  assertMatch(body, /_bucket\{class="read",le="0.000001"\} 0\n/);
  assertMatch(body, /_bucket\{class="read",le="0.000002"\} 2\n/);
  assertMatch(body, /_bucket\{class="read",le="\+Inf"\} 3\n/);
  assertMatch(body, /_sum\{class="read"\} 0.0015\n/);
  assertMatch(body, /_count\{class="write"\} 0\n/);
  // A server without a folder has no metrics of one.
  assert(!body.includes("journal"));
  for (const line of body.trimEnd().split("\n")) {
    assertMatch(
      line,
      /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="([^"\\]|\\.)*"(,\w+="([^"\\]|\\.)*")*\})? [\d.e+-]+)$/,
    );
  }
});

test("a server that can't do its work is alive, and not ready, and says why", () => {
  const broken = { journal: { problem: "the disk is full" } };
  const { ask, pass } = makeWorld(broken);
  pass(1, 0);
  assertEquals(ask("/healthz").body, "ok\n");
  const { status, body } = ask("/readyz");
  assertEquals([status, body], [
    503,
    "Not ready: changes can't be made durable: the disk is full.\n",
  ]);
  assertMatch(ask("/metrics").body, /^kilogram_ready 0$/m);
  const outage = makeWorld({ backend: { outage: "nobody listens" } });
  outage.pass(1, 0);
  assertMatch(outage.ask("/readyz").body, /the backend can't be used: nobody listens/);
  const stopping = makeWorld();
  stopping.pass(1, 0);
  assertEquals(stopping.ask("/readyz").status, 200);
  stopping.stop();
  assertEquals(stopping.ask("/readyz").body, "Not ready: it is stopping.\n");
  assertEquals(stopping.ask("/healthz").status, 200);
});

test("the page's figures are those after the last that it has, and those of this moment", () => {
  const { ask, pass, history } = makeWorld();
  const figures = (after: number | string) => JSON.parse(ask(`/figures.json?after=${after}`).body);
  assertEquals([figures(0).points, figures(0).latest, figures(0).names], [[], null, [
    ...FIGURE_NAMES,
  ]]);
  pass(1, 10);
  pass(2, 30);
  pass(3, 60);
  const { points, names, server, latest } = figures(1);
  assertEquals(points.map(({ number }: { number: number }) => number), [2]);
  assertEquals(points[0].figures[names.indexOf("reads")], 30);
  assertEquals(latest[names.indexOf("reads")], 30);
  assertEquals(server.uptimeMs, 3_000);
  for (const nonsense of ["x", "-1", "", "1e999"]) assert(Array.isArray(figures(nonsense).points));
  for (let i = 4; i < 500; i++) pass(i, i * 10);
  assertEquals(history.after(0).length, HISTORY);
  // Page and history are what a browser loads.
  const bytes = ask("/").body.length + ask("/figures.json?after=0").body.length;
  assert(bytes < 50 * 1_024, `${bytes} bytes`);
});
