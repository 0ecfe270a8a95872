/** kg top, kg watch and kg stats, as they look at a server under a little load. */

import { test } from "node:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { meaningOf } from "../../src/figures/glossary.ts";
import { freshEnvironment, KG, kg, type RunningServer, startServer } from "./programs.ts";

const hasSqlite = process.getBuiltinModule?.("node:sqlite") !== undefined;

async function withServer(
  args: readonly string[],
  run: (env: NodeJS.ProcessEnv, server: RunningServer) => void | Promise<void>,
): Promise<void> {
  const env = freshEnvironment();
  const server = await startServer(env, args);
  env.KG_SERVER = server.addresses[0];
  try {
    await run(env, server);
  } finally {
    await server.stop();
  }
}

test("every line of every section has a meaning, and a terminal's units", async () => {
  const folder = join(mkdtempSync(join(tmpdir(), "kilogram-watching-")), "data");
  const durable = hasSqlite ? ["--data-dir", folder] : [];
  await withServer([...durable, "--resp", "127.0.0.1:0"], (env) => {
    kg(env, ["set", "color", "blue"]);
    for (let i = 0; i < 2; i++) kg(env, ["get", "color"]);
    const sections = JSON.parse(kg(env, ["stats", "--json"]).text);
    const names = Object.keys(sections);
    const expected = ["server", "process", "connections", "hotKeys", "readLatency"];
    for (const name of [...expected, ...hasSqlite ? ["journal"] : []]) {
      assert(names.includes(name), names.join());
    }
    let [section, lines] = ["", 0];
    for (const line of kg(env, ["stats"]).text.trimEnd().split("\n")) {
      const [, name] = /^ {2}(\S+)/.exec(line) ?? [];
      if (name === undefined) section = line;
      else assert(meaningOf(section, name) !== undefined, `${section}.${name} has no meaning`);
      lines++;
    }
    assert(lines > 60, `${lines} lines`);
    const explained = kg(env, ["stats", "--explain"]).text;
    assertMatch(explained, /get +2 +[\d.]+\/s +GET: read a value\n/);
    assertMatch(explained, /limit_bytes +268435456 +256 MiB +the most/);
    assertMatch(explained, /hit_ratio +100.0 %/);
    assert(!explained.includes("buckets"), explained);
    assertMatch(kg(env, ["stats", "hot_keys"]).text, /1 +100.0 "color"\n/);
    assertMatch(kg(env, ["stats", "read_latency"]).text, /requests +2\n/);
  });
});

test("kg top prints a line each time to a pipe, and ends by itself", async () => {
  await withServer([], (env) => {
    const { text, status } = kg(env, ["top", "--interval", "20ms", "--count", "2"]);
    assertEquals(status, 0);
    const [head, ...lines] = text.trimEnd().split("\n");
    assertMatch(head, /^time +ops\/s +reads\/s/);
    assertEquals(lines.length, 2);
    for (const line of lines) assertMatch(line, /^\d\d:\d\d:\d\d +0 +0 +0 +–/);
    const json = kg(env, ["top", "--interval", "20ms", "--count", "1", "--json"]).text;
    const { operationsPerSecond, limitBytes, hitRatio } = JSON.parse(json);
    assertEquals([operationsPerSecond, limitBytes, hitRatio], [0, 268_435_456, null]);
  });
});

test("kg top says at once that no server is there, and that an option makes no sense", () => {
  const env = { ...freshEnvironment(), KG_SERVER: "127.0.0.1:9" };
  assertEquals(kg(env, ["top", "--timeout", "100ms"]).status, 3);
  for (
    const wrong of [["--interval", "1ms"], ["--interval", "25d"], ["--count", "0"], [
      "--interval",
      "x",
    ]]
  ) {
    const { status, stderr } = kg(env, ["top", ...wrong]);
    assertEquals(status, 2);
    assertMatch(stderr, new RegExp(`^kg top: ${wrong[0]}`));
  }
});

test("kg watch prints a value now and after each change, escaped", async () => {
  await withServer([], async (env) => {
    const [file, ...args] = [...KG, "watch", "w", "--interval", "20ms", "--count", "3", "--json"];
    const child = spawn(file, args, { env });
    let text = "";
    child.stdout.on("data", (chunk) => text += chunk);
    const shows = async (count: number) => {
      const deadline = Date.now() + 30_000;
      while (text.split("\n").length <= count && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    await shows(1);
    kg(env, ["set", "w", "\u001b[31m"]);
    await shows(2);
    kg(env, ["delete", "w"]);
    const [status] = await once(child, "exit");
    assertEquals(status, 0);
    const seen = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(seen.map(({ found, value }) => [found, value]), [
      ...[[false, undefined], [true, "\u001b[31m"], [false, undefined]],
    ]);
    kg(env, ["set", "w", "\u001b[31m"]);
    assertMatch(kg(env, ["watch", "w", "--count", "1"]).text, /^\d\d:\d\d:\d\d {2}\\x1b\[31m\n$/);
    const ofBytes = kg(env, ["watch", "/wA=", "--key-base64", "--count", "1", "--json"]).text;
    assertMatch(ofBytes, /"keyBase64":"\/wA=","found":false/);
  });
});

test("kg top and kg watch end when their reader has gone", async () => {
  await withServer([], async (env) => {
    for (const command of [["top"], ["top", "--json"], ["watch", "w"], ["watch", "w", "--json"]]) {
      const [file, ...args] = [...KG, ...command, "--interval", "20ms"];
      const child = spawn(file, args, { env });
      const exit = once(child, "exit");
      await once(child.stdout, "data");
      child.stdout.destroy();
      // What watch is to notice.
      kg(env, ["set", "w", command.join(), "--overwrite"]);
      const [status] = await exit;
      assertEquals([command, status], [command, 0]);
    }
  });
});

test("kg top and kg watch end when nobody reads them any more, as head does", async () => {
  await withServer([], async (env) => {
    for (const command of [["top"], ["top", "--json"], ["watch", "n", "--json"]]) {
      const [file, ...args] = [...KG, ...command, "--interval", "10ms"];
      const child = spawn(file, args, { env });
      await once(child.stdout, "data");
      child.stdout.destroy();
      const ended = once(child, "exit");
      kg(env, ["add", "n"]);
      assertEquals((await ended)[0], 0, command.join(" "));
    }
  });
});
