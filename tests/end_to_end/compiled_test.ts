import { copyFileSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { COMPILED, freshEnvironment, kg, startServer } from "./programs.ts";

/** The binary alone in a folder of its own. */
function alone(): { folder: string; program: string[] } {
  assert(existsSync(COMPILED), "dist/kg is missing: npm run compile");
  const folder = mkdtempSync(join(tmpdir(), "kilogram-compiled-"));
  const file = join(folder, "kg");
  copyFileSync(COMPILED, file);
  return { folder, program: [file] };
}

test("the compiled binary runs in an empty folder with an empty environment", () => {
  const { folder, program } = alone();
  const version = kg({}, ["version"], { program, cwd: folder });
  assertEquals([version.status, version.stderr], [0, ""]);
  assertMatch(version.text, /^kg \d+\.\d+\.\d+ \(bun /);
  const refused = kg({ HOME: folder }, ["get", "k"], { program, cwd: folder });
  assertEquals(refused.status, 2);
  assertMatch(refused.stderr, /^kg get: there is no key: .*\n$/);
  assertEquals(readdirSync(folder), ["kg"], "it leaves nothing behind");
});

test("the compiled binary is server and client", async () => {
  const { folder, program } = alone();
  const env = { HOME: folder, XDG_CONFIG_HOME: join(folder, ".config") };
  const server = await startServer(env, [], program);
  const to = { ...env, KG_SERVER: server.addresses[0] };
  const run = (...args: string[]) => kg(to, args, { program, cwd: folder });
  assertEquals(run("set", "greeting", "hello").status, 0);
  assertEquals(run("get", "greeting").text, "hello");
  assertEquals(run("get", "none").status, 1);
  assertEquals(run("add", "n", "2", "--crypto", "web").text, "2\n");
  assertEquals(await server.stop(), 0);
});

test("the compiled binary reads no .env and no bunfig.toml in the folder where it is started", () => {
  const { folder, program } = alone();
  const { KG_KEY } = freshEnvironment();
  writeFileSync(join(folder, ".env"), `KG_KEY=${KG_KEY}\nKG_SERVER=nowhere.invalid:1\n`);
  writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./missing.ts"]\n');
  const result = kg({ HOME: folder }, ["get", "k"], { program, cwd: folder });
  assertMatch(result.stderr, /there is no key/);
});
