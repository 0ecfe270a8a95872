/** The README is true: its shell session and its program are run as they are written. */

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { COMMANDS } from "../../src/commands/commands.ts";
import { VERSION } from "../../src/version.ts";
import { freshEnvironment, KG, LIBRARY, type RunningServer, startServer } from "./programs.ts";

const readme = readFileSync("README.md", "utf8");
const env = freshEnvironment();
let server: RunningServer;

function block(language: string): string {
  const found = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(readme)?.[1];
  assert(found !== undefined, `the README has a block of ${language}`);
  return found;
}

before(async () => {
  server = await startServer(env);
  env.KG_SERVER = server.addresses[0];
});
after(async () => {
  await server.stop("SIGKILL");
});

test("the shell session", () => {
  const folder = join(env.HOME ?? "", "bin");
  mkdirSync(folder);
  const quoted = KG.map((part) => `'${part}'`).join(" ");
  writeFileSync(join(folder, "kg"), `#!/bin/sh\nexec ${quoted} "$@"\n`);
  chmodSync(join(folder, "kg"), 0o755);
  const shell = { ...env, PATH: `${folder}${delimiter}${env.PATH}` };
  for (const step of block("console").split(/^\$ /m).slice(1)) {
    const [command, ...expected] = step.trimEnd().split("\n");
    const { stdout } = spawnSync("sh", ["-c", command], { env: shell });
    assertEquals(stdout.toString().trimEnd(), expected.join("\n"), command);
  }
});

test("the program prints what its comments say", () => {
  const library = pathToFileURL(join(process.cwd(), LIBRARY)).href;
  const program = block("ts")
    .replace('"kilogram"', JSON.stringify(library))
    .replace("127.0.0.1:4040", server.addresses[0])
    .replace("<{ beta: boolean }>", "");
  const file = join(env.HOME ?? "", "readme.mjs");
  writeFileSync(file, program);
  const expected = [...program.matchAll(/console\.log.*\/\/ (.*)$/gm)].map((match) => match[1]);
  const args = "Deno" in globalThis ? ["run", "-A", file] : [file];
  const printed = execFileSync(process.execPath, args, { env }).toString();
  assertEquals(printed.trimEnd().split("\n"), expected);
  assert(expected.length >= 4);
});

test("the table names every command", () => {
  for (const name of Object.keys(COMMANDS)) assertMatch(readme, new RegExp(`\`kg ${name}\\b`));
});

test("the version is the same everywhere", () => {
  for (const file of ["package.json", "deno.json"]) {
    assertEquals(JSON.parse(readFileSync(file, "utf8")).version, VERSION, file);
  }
});

test("every link in the documents leads to a file", () => {
  const documents = readdirSync("docs").map((name) => join("docs", name));
  assert(documents.length >= 4);
  for (const document of ["README.md", ...documents]) {
    for (const [, target] of readFileSync(document, "utf8").matchAll(/\]\(([^)#]+)\)/g)) {
      assert(readFileSync(join(dirname(document), target)).length > 0, target);
    }
  }
});
