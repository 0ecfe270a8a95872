/** The package is whole: packed, installed elsewhere, checked by TypeScript, and run on Node and on Bun. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { freshEnvironment, startServer } from "./programs.ts";

const ROOT = process.cwd();
const TSC = join(ROOT, "node_modules", ".bin", "tsc");
const RESOLUTIONS = [
  ["--module", "node16"],
  ["--module", "nodenext"],
  ["--module", "esnext", "--moduleResolution", "bundler"],
];
/** Strict beyond what this package's own source keeps to. */
const STRICT = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
/** What all of them run: without using, which Node 20 has not. */
const TARGET = ["--target", "es2022", "--lib", "es2022"];
const TYPES = ["--types", "node", "--typeRoots", join(ROOT, "node_modules", "@types")];

const TYPED = `
import { type Calls, connect, type CryptoChoice, DeadlineExceededError } from "kilogram";

const crypto: CryptoChoice = "node";
await using client = await connect(undefined, { crypto });
const greet = (kv: Calls<true>): Promise<string | undefined> => kv.getText("greeting");
await client.set("greeting", "hello", { timeout: 10_000, overwrite: true });
console.log(await greet(client.within(10_000)), DeadlineExceededError.name);
// @ts-expect-error: a client is no view
void (() => greet(client));
// @ts-expect-error: an option that does not exist
void (() => client.set("k", "v", { timeout: 5, ttlMs: 5 }));
// @ts-expect-error: connect makes clients
void (() => new Calls());
`;

/** Drivers take the very classes of the library. */
const DRIVERS = `
import { connect, largeValues } from "kilogram";
import { keyv5Store, keyvStore } from "kilogram/keyv";
import { fastifyRateLimitStore, RateLimitStore } from "kilogram/rate-limit";
import { sessionStore } from "kilogram/session";
import { unstorageDriver } from "kilogram/unstorage";

const kv = (await connect()).within(10_000);
const driver = unstorageDriver(kv);
await driver.setItem("k", "v".repeat(5_000));
console.log((await driver.getItem("k"))?.length, (await new RateLimitStore(kv).increment("k")).totalHits);
const store = sessionStore(class {}, kv);
void [keyvStore(kv).namespace, keyv5Store(kv).opts, fastifyRateLimitStore(kv), store.get, largeValues(kv)];
kv.close();
`;

/** An ES module in a file of CommonJS: by import() everywhere, and by require on Node from 20.19 on. */
const COMMONJS = `
import type { Calls } from "kilogram" with { "resolution-mode": "import" };

export async function open(): Promise<Calls<true>> {
  const { connect } = await import("kilogram");
  return (await connect()).within(5);
}
`;
const REQUIRED = `
const { connect } = require("kilogram");
connect().then(async (client) => {
  console.log(await client.getText("greeting", { timeout: 10_000 }));
  client.close();
});
`;

test("the package can be installed, has its types, and runs on Node and on Bun", {
  skip: !("Bun" in globalThis) && "once is enough",
}, async () => {
  assert(existsSync("dist/mod.js"), "dist is missing: npm run build");
  const env = freshEnvironment();
  const folder = join(env.HOME ?? "", "project");
  mkdirSync(folder);
  const run = (command: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(command, args, { env, cwd: folder });
    assertEquals([status, `${stderr}`], [0, ""], `${command} ${args.join(" ")}: ${stdout}`);
    return stdout.toString().trim();
  };
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write("package.json", '{ "private": true, "type": "module" }');

  const packed = run("npm", "pack", "--silent", "--ignore-scripts", "--json", ROOT);
  const [{ filename, files }] = JSON.parse(packed);
  checkFiles(files.map(({ path }: { path: string }) => path));
  run("npm", "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", filename);

  write("typed.ts", TYPED);
  write("commonjs.cts", COMMONJS);
  write("drivers.ts", DRIVERS);
  write("required.cjs", REQUIRED);
  write("readme.ts", readmeProgram());
  const sources = ["typed.ts", "drivers.ts", "commonjs.cts", "readme.ts"];
  for (const resolution of RESOLUTIONS) {
    run(TSC, "--ignoreConfig", ...STRICT, ...TYPES, ...TARGET, ...resolution, ...sources);
  }

  const server = await startServer(env);
  env.KG_SERVER = server.addresses[0];
  const expected = "hello DeadlineExceededError";
  assertEquals(run("node", "typed.js"), expected);
  assertEquals(run(process.execPath, "typed.ts"), expected);
  assertEquals(run("node", "drivers.js"), "5000 1");
  assertEquals(run(process.execPath, "drivers.ts"), "5000 2");
  if (run("node", "-p", "process.features.require_module") === "true") {
    assertEquals(run("node", "--no-warnings", "required.cjs"), "hello");
  }
  assertEquals(run(join(folder, "node_modules", ".bin", "kg"), "get", "greeting"), "hello");
  await server.stop("SIGKILL");
});

function checkFiles(files: readonly string[]): void {
  const wanted = [
    "dist/mod.js",
    "dist/cli.js",
    "src/mod.ts",
    "kilogram.d.ts",
    "drivers/keyv.d.ts",
    "README.md",
    "LICENSE",
  ];
  for (const file of wanted) assert(files.includes(file), `${file} is missing`);
  const isOurs =
    /^(src\/.*\.ts|dist\/(?!tests|bench).*\.js|kilogram\.d\.ts|drivers\/[\w-]+\.d\.ts|package\.json|README\.md|LICENSE)$/;
  assertEquals(files.filter((file) => !isOurs.test(file)), []);
}

function readmeProgram(): string {
  const program = /```ts\n([^]*?)```/.exec(readFileSync("README.md", "utf8"))?.[1] ?? "";
  assertStringIncludes(program, 'from "kilogram"');
  return program;
}
