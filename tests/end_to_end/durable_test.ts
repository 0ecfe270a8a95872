/** A data folder as its owner sees it: restarts, exports, imports, and what goes wrong. */

import { test } from "node:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { openSqlite } from "../../src/runtime/sqlite/sqlite.ts";
import { freshEnvironment, KG, kg, type RunningServer, startServer } from "./programs.ts";

const hasSqlite = process.getBuiltinModule?.("node:sqlite") !== undefined;
const skip = hasSqlite ? false : "this runtime has no SQLite";

const freshFolder = () => mkdtempSync(join(tmpdir(), "kilogram-durable-"));

/** A server on a folder, and commands for it. */
async function openServer(folder: string, args: readonly string[] = [], program = KG) {
  const env = freshEnvironment();
  const server: RunningServer = await startServer(env, ["--data-dir", folder, ...args], program);
  env.KG_SERVER = server.addresses[0];
  return { env, server, run: (...words: string[]) => kg(env, words) };
}

test(
  "stored values outlive a restart; without a folder that is asked for by mistake",
  { skip },
  async () => {
    const folder = join(freshFolder(), "made");
    const first = await openServer(folder);
    assertMatch(first.server.output(), /loaded 0 keys from .*made in [\d.]+ s\n/);
    assertMatch(first.server.output(), /durable: every change before it is confirmed, in .*made\n/);
    assertMatch(first.server.output(), /memory: 256 MiB, refuses when full/);
    first.run("set", "color", "blue");
    first.run("set", "gone", "x");
    first.run("delete", "gone");
    first.run("add", "hits", "41");
    first.run("set", "short", "x", "--ttl", "1s");
    first.run("set", "long", "x", "--ttl", "1h");
    assertEquals(await first.server.stop(), 0);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const second = await openServer(folder, ["--durability", "relaxed", "--sync-interval", "50ms"]);
    assertMatch(second.server.output(), /relaxed, a crash loses the last 50 ms and what/);
    assertEquals(second.run("get", "color").text, "blue");
    assertEquals(second.run("add", "hits").text, "42\n");
    assertEquals(second.run("get", "gone").status, 1);
    assertEquals(second.run("get", "short").status, 1);
    const { ttlMs } = JSON.parse(second.run("exists", "long", "--json").text);
    assert(ttlMs > 3_000_000 && ttlMs < 3_599_000, String(ttlMs));
    assertMatch(second.run("stats", "journal").text, /durability +relaxed\n/);
    assertEquals(await second.server.stop(), 0);
  },
);

test(
  "a second server on the same folder, and one that does not fit, fail with one line",
  { skip },
  async () => {
    const folder = freshFolder();
    const { env, server, run } = await openServer(folder, ["--memory", "4MiB"]);
    const lines = Array.from(
      { length: 4_000 },
      (_, i) => `{"key":"k${i}","value":"${"v".repeat(500)}"}`,
    );
    assertEquals(kg(env, ["import"], { input: lines.join("\n") }).stderr, "imported 4000 keys\n");
    const other = kg(env, ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder]);
    assertEquals(other.status, 5);
    assertMatch(other.stderr, /^kg serve: the data folder .* is in use by another kg; stop .*\n$/);
    assertMatch(kg(env, ["import", "--data-dir", folder]).stderr, /in use by another kg/);
    // An export of durable data is not affected.
    assertEquals(run("export", "--data-dir", folder).text.split("\n").length, 4_001);
    await server.stop("SIGKILL");
    for (const onFull of ["refuse", "evict"]) {
      const args = ["--data-dir", folder, "--memory", "1MiB", "--on-full", onFull];
      const small = kg(env, ["serve", "--listen", "127.0.0.1:0", ...args]);
      assertEquals(small.status, 2);
      assertMatch(
        small.stderr,
        /^kg serve: --memory 1 MiB is too little: of 4000 keys .* nothing was changed\.\n$/,
      );
    }
    assertEquals(run("export", "--data-dir", folder).text.split("\n").length, 4_001);
  },
);

test("an export comes back as it was, by the folder and by a server", { skip }, async () => {
  const folder = freshFolder();
  const env = freshEnvironment();
  const later = Date.now() + 3_600_000;
  const lines = [
    '{"key":"color","value":"blue"}',
    `{"key":"timed","value":"","expiresAtMs":${later}}`,
    '{"keyBase64":"/wA=","valueBase64":"gAB+"}',
    '{"key":"\\"\\n\\u0001","value":"é😀\\u2028"}',
  ];
  const input = `${lines.join("\r\n")}\n\n{"key":"old","value":"x","expiresAtMs":1000}`;
  const imported = kg(env, ["import", "--data-dir", folder, "-"], { input });
  assertEquals([imported.status, imported.stderr], [0, "imported 4 keys\n"]);
  const file = join(folder, "export.jsonl");
  assertEquals(kg(env, ["export", "--data-dir", folder, file]).status, 0);
  const exported = readFileSync(file, "utf8");
  const parsed = (text: string) => text.trim().split("\n").map((line) => JSON.parse(line));
  const byKey = (items: Record<string, unknown>[]) =>
    items.map((item) => JSON.stringify(Object.entries(item).sort())).sort();
  assertEquals(byKey(parsed(exported)), byKey(parsed(lines.join("\n"))));
  assertEquals(exported, kg(env, ["export", "--data-dir", folder]).text);

  const other = freshFolder();
  const { server, run } = await openServer(other);
  assertEquals(run("import", file).stderr, "imported 4 keys\n");
  assertEquals(run("get", "color").text, "blue");
  await server.stop();
  const again = kg(env, ["export", "--data-dir", other]).text;
  const withoutTime = (text: string) => byKey(parsed(text.replace(/"expiresAtMs":\d+/, '"e":0')));
  assertEquals(withoutTime(again), withoutTime(exported));
});

test("the lines in the documentation come back unchanged", { skip }, () => {
  const folder = freshFolder();
  const env = freshEnvironment();
  const [, lines] = /```json\n([^]*?)```/.exec(readFileSync("docs/DURABILITY.md", "utf8")) ?? [];
  const imported = kg(env, ["import", "--data-dir", folder, "--json"], { input: lines });
  assertEquals(imported.text, '{"imported":3}\n');
  const exported = kg(env, ["export", "--data-dir", folder]).text;
  const sorted = (text: string) => text.replaceAll(/(?<=[:,]) /g, "").trim().split("\n").sort();
  assertEquals(sorted(exported), sorted(lines));
});

test("a wrong line is named, and nothing of its file goes into a folder", { skip }, () => {
  const folder = freshFolder();
  const env = freshEnvironment();
  kg(env, ["import", "--data-dir", folder], { input: '{"key":"a","value":"1"}\n' });
  const wrong: [line: string, problem: RegExp][] = [
    ["nonsense", /line 2: this is not a JSON object/],
    ["[1]", /line 2: this is not a JSON object/],
    ['{"value":"x"}', /line 2: it needs "key" or "keyBase64"/],
    [
      '{"key":"b","value":"x","ttl":60}',
      /line 2: "ttl" is no member .* did you mean "expiresAtMs"\?/,
    ],
    ['{"key":"b","valeu":"x"}', /line 2: "valeu" is no member .* did you mean "value"\?/],
    ['{"key":"b","value":"x","owner":1}', /line 2: "owner" is no member .*: it may have key, /],
    ['{"key":"b"}', /line 2: it needs "value" or "valueBase64"/],
    ['{"key":"","value":"x"}', /line 2: the key has 0 bytes/],
    ['{"key":"b","valueBase64":"x"}', /line 2: "valueBase64" is not base64/],
    ['{"key":"b","value":"x","valueBase64":""}', /line 2: it needs/],
    ['{"key":"b","value":"\\ud800"}', /line 2: "value" has half of a surrogate pair/],
    ['{"key":"b","value":"x","expiresAtMs":"soon"}', /line 2: "expiresAtMs" is not/],
    [`{"key":"b","value":"${"x".repeat(2 ** 20 + 1)}"}`, /line 2: the value has 1048577 bytes/],
  ];
  for (const [line, problem] of wrong) {
    const { status, stderr } = kg(env, ["import", "--data-dir", folder], {
      input: `{"key":"a","value":"2"}\n${line}\n`,
    });
    assertEquals(status, 2);
    assertMatch(stderr, problem);
  }
  assertEquals(kg(env, ["export", "--data-dir", folder]).text, '{"key":"a","value":"1"}\n');
  const both = kg(env, ["export", "--data-dir", folder, "--server", "127.0.0.1:1"]);
  assertMatch(both.stderr, /choose what to export/);
  assertMatch(kg(env, ["export", "--data-dir", freshFolder()]).stderr, /is not a data folder/);
  assertMatch(kg(env, ["import", "no such file"]).stderr, /can't read no such file \(ENOENT\)/);
  const unwritable = kg(env, ["export", "--data-dir", folder, join(folder, "no", "file")]);
  assertMatch(unwritable.stderr, /can't write .*file \(ENOENT\)/);
});

test(
  "a value too large for a datagram is named, with the way to move it",
  { skip },
  async () => {
    const { server, run, env } = await openServer(freshFolder());
    const { status, stderr } = kg(env, ["import"], {
      input: `{"key":"small","value":"x"}\n{"key":"large","value":"${"x".repeat(900)}"}\n`,
    });
    assertEquals(status, 2);
    assertMatch(
      stderr,
      /line 2: the value has 900 bytes; a server takes at most 863, a data folder \(--data-dir\)/,
    );
    assertEquals(run("get", "small").text, "x");
    await server.stop();
  },
);

test("on a disk that gives errors changes are refused, reads go on, and nothing is lost", {
  skip: skip || process.platform !== "linux",
}, async () => {
  const folder = freshFolder();
  // A limit on file size, 600 KiB, stands in for a full disk.
  const limited = ["bash", "-c", `trap "" XFSZ; ulimit -f 600; exec "$@"`, "kg", ...KG];
  const { server, run } = await openServer(folder, [], limited);
  const lines = join(freshFolder(), "lines");
  const line = (i: number) => `{"key":"key ${i}","value":"${"x".repeat(800)}"}\n`;
  writeFileSync(lines, Array.from({ length: 3_000 }, (_, i) => line(i)).join(""));
  const { status, stderr } = run("import", lines);
  assertEquals(status, 4);
  assertMatch(stderr, /taken back, since it could not be made durable: the disk/);
  assertEquals(run("get", "key 0").status, 0);
  assertEquals(run("get", "key 2999").status, 1);
  const [, stored] = /keys +(\d+)\n/.exec(run("stats", "store").text) ?? [];
  await server.stop("SIGKILL");
  assertMatch(
    server.output(),
    /changes can't be made durable, and new ones are refused: the disk/,
  );
  const exported = run("export", "--data-dir", folder).text;
  assertEquals(exported.trim().split("\n").length, Number(stored));
});

test("options that don't fit together, and files that are not ours, are refused in one line", {
  skip,
}, () => {
  const env = freshEnvironment();
  const refusal = (expected: number, ...args: string[]) => {
    const { status, stderr } = kg(env, ["serve", "--listen", "127.0.0.1:0", ...args]);
    assertEquals([status, stderr.split("\n").length], [expected, 2], stderr);
    return stderr;
  };
  assertMatch(refusal(2, "--durability", "relaxed"), /--durability goes with --data-dir/);
  assertMatch(
    refusal(2, "--data-dir", freshFolder(), "--sync-interval", "1s"),
    /goes with --durability relaxed/,
  );
  assertMatch(
    refusal(2, "--data-dir", freshFolder(), "--durability", "maybe"),
    /choose confirmed or relaxed/,
  );
  const folder = freshFolder();
  writeFileSync(join(folder, "kilogram.db"), "x".repeat(5_000));
  assertMatch(refusal(5, "--data-dir", folder), /the file is damaged, or is not a kg file/);
  const newer = freshFolder();
  kg(env, ["import", "--data-dir", newer], { input: "" });
  const sqlite = openSqlite(join(newer, "kilogram.db"));
  sqlite.exec("PRAGMA user_version = 4");
  sqlite.close();
  assertMatch(refusal(5, "--data-dir", newer), /has format 4, and this kg knows 3; use a newer kg/);
  assertMatch(
    refusal(5, "--data-dir", join(folder, "kilogram.db")),
    /there is a file of this name/,
  );
});

test("the compiled binary keeps what it stored", {
  skip: skip || !("Bun" in globalThis) || !existsSync("dist/kg"),
}, async () => {
  const folder = freshFolder();
  const program = [join(process.cwd(), "dist", "kg")];
  const first = await openServer(folder, [], program);
  assertEquals(first.run("set", "k", "v").status, 0);
  await first.server.stop("SIGKILL");
  const second = await openServer(folder, [], program);
  assertEquals(second.run("get", "k").text, "v");
  assertEquals(await second.server.stop(), 0);
  const { status } = spawnSync(program[0], ["export", "--data-dir", folder], { env: second.env });
  assertEquals(status, 0);
});

test("an export whose reader goes away reports that, and fails", { skip }, () => {
  const folder = freshFolder();
  const env = freshEnvironment();
  const line = (i: number) => `{"key":"key ${i}","value":"${"x".repeat(500)}"}\n`;
  const lines = Array.from({ length: 3_000 }, (_, i) => line(i)).join("");
  assertEquals(kg(env, ["import", "--data-dir", folder], { input: lines }).status, 0);
  const script = '"$@" | head -n 1; echo "status ${PIPESTATUS[0]}"';
  const command = ["-c", script, "bash", ...KG, "export", "--data-dir", folder];
  const { stdout, stderr } = spawnSync("bash", command, { env, encoding: "utf8" });
  assertMatch(stdout, /"key 0".*\nstatus [1-9]/);
  assertMatch(stderr, /standard output was closed before the end/);
});
