/** The examples in docstrings are true: each is run, and prints what its comments say. */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { freshEnvironment, LIBRARY, startServer } from "./programs.ts";

/** What examples take for granted. */
const PRELUDE = `
const key = process.env.KG_KEY ?? "";
const kv = (await connect(undefined, { key })).within(5_000);
`;

const isDeno = "Deno" in globalThis;
const examples = readdirSync("src")
  .filter((name) => name.endsWith(".ts"))
  .flatMap((name) => examplesOf(readFileSync(join("src", name), "utf8")));

function examplesOf(source: string): string[] {
  return [...source.matchAll(/\/\*\*[^]*?\*\//g)].flatMap(([comment]) => {
    const text = comment.replaceAll(/^ *\* ?/gm, "");
    return [...text.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code);
  });
}

test("the examples in docstrings print what their comments say", {
  skip: !isDeno && !("Bun" in globalThis) && "they have types, and using, which this Node has not",
}, async () => {
  assert(examples.length >= 8, `${examples.length} examples`);
  const env = freshEnvironment();
  const server = await startServer(env);
  const [address] = server.addresses;
  const library = JSON.stringify(pathToFileURL(join(process.cwd(), LIBRARY)).href);
  const bodies = examples.map((code) =>
    `await (async () => {\n${
      code.replace(/^import .*$/m, "").replaceAll("127.0.0.1:4040", address)
    }})();`
  );
  const imports = `import { type Calls, connect } from ${library};`;
  const file = join(env.HOME ?? "", "examples.ts");
  writeFileSync(file, [imports, PRELUDE, ...bodies].join("\n"));
  const args = isDeno ? ["run", "-A", "--no-check", file] : [file];
  const printed = execFileSync(process.execPath, args, {
    env: { ...env, KG_SERVER: address },
    encoding: "utf8",
  });
  const expected = examples.flatMap((code) =>
    [...code.matchAll(/console\.log.*\/\/ (.*)$/gm)].map(([, text]) => text)
  );
  assertEquals(printed.trimEnd().split("\n"), expected);
  await server.stop("SIGKILL");
});
