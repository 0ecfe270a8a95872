import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  AbortedError,
  DeadlineExceededError,
  InvalidArgumentError,
  KilogramError,
  NotJsonError,
  RequestError,
  SomeFailedError,
} from "../src/errors.ts";
import { keyText } from "../src/key_text.ts";
import { everyByte, text } from "./bytes.ts";
import { makeFleetClient, makeServers } from "./fleet/fleet_world.ts";
import { makeLink, oneClient, outcome, WorldClock } from "./world.ts";

test("a key in a message is one line of text that can be read", () => {
  assertEquals(keyText("session:42"), "session:42");
  assertEquals(keyText(text("ключ 🔑")), "ключ 🔑");
  assertEquals(keyText('a"b\\'), 'a\\"b\\\\');
  assertEquals(keyText("\u0000\n\x1b[31m\x7f\x9b"), "\\u{0}\\u{a}\\u{1b}[31m\\u{7f}\\u{9b}");
  assertEquals(keyText("\u202egpj\u2028\ufeff"), "\\u{202e}gpj\\u{2028}\\u{feff}");
  assertEquals(keyText("\ud800"), "\\u{d800}");
  assertEquals(keyText(new Uint8Array([0x61, 0xff, 0x00, 0x22])), 'a\\xff\\x00\\"');
  assertEquals(keyText("x".repeat(128)), `${"x".repeat(100)}…`);
  const longest = everyByte(128).map((byte) => byte | 0x80);
  assertEquals(keyText(longest).length, 101);
});

test("an error names the key and the server", async () => {
  const { kv, client, run, link } = await oneClient();
  await run(kv.set("a\nb", "seven"));
  const refused = await assertRejects(() => run(kv.add("a\nb", 1)), RequestError);
  assertEquals([refused.key, refused.server], ["a\\u{a}b", undefined]);
  assertMatch(
    refused.message,
    /^The server refused ADD of "a\\u\{a\}b": the value is not a decimal/,
  );
  link.onRequest = () => 0;
  const late = await assertRejects(() => run(client.ping({ timeout: 5 })), DeadlineExceededError);
  assertEquals("key" in late, false);
  const abort = AbortSignal.abort("why");
  const aborted = await assertRejects(() => kv.get("k", { signal: abort }), AbortedError);
  assertMatch(aborted.message, /^GET of "k" was aborted/);
});

test("an error of one of several servers has its name, and its message the address too", async () => {
  const clock = new WorldClock();
  const servers = await makeServers(clock, ["cache-1"]);
  const link = makeLink(servers.get("cache-1") ?? null);
  const { client } = await makeFleetClient(clock, ["cache-1"], () => link);
  link.onRequest = () => 0;
  const call = client.get("k", { timeout: 50 });
  const error = await assertRejects(() => outcome(clock, call), DeadlineExceededError);
  assertEquals([error.key, error.server], ["k", "cache-1"]);
  assertMatch(
    error.message,
    /^GET of "k" had no answer from cache-1 \(cache-1:4040\) after 50 ms: /,
  );
  client.close();
});

test("a loader that returns no value is told, with the key", async () => {
  const { kv, run } = await oneClient();
  for (const nothing of [undefined, null, 7]) {
    const call = run(kv.remember("page:7", () => nothing as unknown as string));
    const type = nothing === null ? "null" : typeof nothing;
    await assertRejects(() => call, InvalidArgumentError, `loader of "page:7" returned ${type}`);
  }
  const json = run(kv.rememberJson("page:7", () => undefined));
  await assertRejects(() => json, InvalidArgumentError, '"page:7"');
  assertEquals(await run(kv.exists("lease:page:7")), undefined, "the lease is given back");
});

test("a value that is not JSON is not told, but its key is", async () => {
  const { kv, run } = await oneClient();
  await run(kv.set("config", "secret"));
  const error = await assertRejects(() => run(kv.getJson("config")), NotJsonError, '"config"');
  assertEquals(error.key, "config");
  assert(!`${error.message}${error.stack}${String(error.cause)}`.includes("secret"));
  const cached = () => run(kv.rememberJson("config", () => 1));
  await assertRejects(cached, NotJsonError, '"config"');
});

test("what failed of many keys is named, the first eight of them", () => {
  const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
  const errors = new Map(keys.map((key) => [key, new KilogramError("X", `no ${key}`)]));
  const error = new SomeFailedError("setMany: 12 of 12 keys", errors, new Map(), true);
  assertEquals(
    error.message,
    'setMany: 12 of 12 keys failed: "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7" and 4 more; ' +
      "the first: no k0",
  );
});
