/** The log of a server: a line for each event, for people and for programs, without keys and values. */

import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { freshEnvironment, kg, startServer } from "./programs.ts";

/** What a server says from its start to its end, while it is used. */
async function logOf(args: readonly string[]): Promise<string[]> {
  const env = freshEnvironment();
  const server = await startServer(env, args);
  env.KG_SERVER = server.addresses[0];
  kg(env, ["set", "secret-key", "secret-value"]);
  kg(env, ["add", "secret-key"]);
  process.kill(server.process.pid ?? 0, "SIGHUP");
  const deadline = Date.now() + 30_000;
  while (!server.output().includes("SIGHUP") && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(await server.stop(), 0);
  return server.output().trimEnd().split("\n");
}

test("JSON has an object a line, with time, level, event and message", async () => {
  const lines = await logOf(["--log-format", "json", "--resp", "127.0.0.1:0"]);
  const events = lines.map((line) => JSON.parse(line));
  for (const { time, level, event, message } of events) {
    assertMatch(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert(["info", "warning", "error"].includes(level), level);
    assert(typeof event === "string" && typeof message === "string");
  }
  const named = (name: string) => events.find(({ event }) => event === name);
  assertMatch(named("listening").addresses, /^127\.0\.0\.1:\d+$/);
  assertMatch(named("doors").message, /^doors, not encrypted: resp at /);
  // The key of these tests is from KG_KEY, which can't be read again.
  assertEquals(named("reread").level, "error");
  assertEquals(named("stopped").signal, "SIGTERM");
  assert(!lines.join().includes("secret"), lines.join());
});

test("logfmt quotes what has spaces, and a level hides what is less important", async () => {
  const lines = await logOf(["--log-format", "logfmt"]);
  for (const line of lines) {
    assertMatch(line, /^time=\S+Z level=\w+ event=\w+ message="([^"\\]|\\.)*"( \w+=\S+)*$/);
  }
  assertEquals(await logOf(["--log-format", "text"]).then((all) => all.length > 3), true);
});

test("what keeps a server from starting is a line of the log as well", () => {
  const env = freshEnvironment();
  const { status, stderr } = kg(env, [
    ...["serve", "--log-format", "json", "--log-level", "error", "--listen", "127.0.0.1:0"],
    ...["--line", "unix:/nowhere/x.sock"],
  ]);
  assertEquals(status, 5);
  const { level, event, message } = JSON.parse(stderr);
  assertEquals([level, event], ["error", "failed"]);
  assertMatch(message, /^kg serve: can't listen at --line unix:\/nowhere\/x.sock/);
  assertMatch(kg(env, ["serve", "--log-format", "xml"]).stderr, /choose text or logfmt or json/);
});
