/**
 * The programs of docs/DRIVERS.md, as they are written there, with the frameworks that they name, on Node; and
 * Keyv's own suite of tests, which alone can be had as a package.
 */

import { after, before, test } from "node:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { freshEnvironment, kg, type RunningServer, startServer } from "../end_to_end/programs.ts";
import { installPackages } from "./installed.ts";

/** Once is enough: the programs run on Node, whatever runs this file. */
const skip = !("Bun" in globalThis) || spawnSync("node", ["--version"]).status !== 0;
const HERE = join(process.cwd(), "tests", "clients");
const FOLDER = join(HERE, "node_modules", ".drivers");

const document = readFileSync("docs/DRIVERS.md", "utf8");
const programs = [...document.matchAll(/^## (.*)$[^]*?^```js\n([^]*?)^```/gm)]
  .map(([, name, program]) => ({ name, program }));

const env = freshEnvironment();
let server: RunningServer;

before(async () => {
  if (skip) return;
  installPackages();
  mkdirSync(FOLDER, { recursive: true });
  // As `npm install` of this folder does it.
  const link = join(HERE, "node_modules", "kilogram");
  rmSync(link, { force: true });
  symlinkSync(process.cwd(), link);
  server = await startServer(env);
  env.KG_SERVER = server.addresses[0];
});
after(async () => {
  await server?.stop("SIGKILL");
});

/** Runs a program on Node, in the folder where the frameworks are. */
async function run(name: string, program: string, variables: NodeJS.ProcessEnv = {}) {
  const file = join(FOLDER, `${name.replaceAll(/\W+/g, "_")}.mjs`);
  writeFileSync(file, program);
  const child = spawn("node", [file], { env: { ...env, ...variables } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => void (stdout += chunk));
  child.stderr.on("data", (chunk) => void (stderr += chunk));
  const status = await new Promise((resolve) => child.once("close", resolve));
  return { stdout, stderr, status };
}

test("docs/DRIVERS.md has a program for each framework", { skip }, () => {
  assert(programs.length >= 6, `${programs.length} programs`);
  assert(existsSync("dist/drivers/keyv.js"), "dist/drivers is missing: npm run build");
});

for (const { name, program } of programs) {
  test(`${name}: the program prints what its comments say`, { skip }, async () => {
    const { stdout, stderr, status } = await run(name, program);
    assertEquals([stderr, status], ["", 0]);
    const expected = [...program.matchAll(/console\.log.*\/\/ (.*)$/gm)].map((match) => match[1]);
    assertEquals(stdout.trimEnd().split("\n"), expected);
  });
}

const CONNECT = `import { connect } from "kilogram";
const client = await connect(undefined, {});
const kv = client.within(5_000);
`;

test("Keyv 5: its own suite of tests", { skip }, async () => {
  const file = join(FOLDER, "keyv5_suite.test.mjs");
  writeFileSync(
    file,
    `${CONNECT}
import { keyv5Store } from "kilogram/keyv";
import suite, { keyvIteratorTests } from "@keyv/test-suite";
import Keyv from "keyv";
import * as vitest from "vitest";
const store = () => keyv5Store(kv, { prefix: "suite:" });
suite(vitest, Keyv, store);
keyvIteratorTests(vitest, Keyv, store);
`,
  );
  const config = join(FOLDER, "vitest.config.mjs");
  writeFileSync(config, 'export default { test: { include: ["keyv5_suite.test.mjs"] } };\n');
  const args = ["vitest", "run", "--root", FOLDER, "--config", config, "--reporter", "dot"];
  const child = spawn("npx", args, { cwd: HERE, env: { ...env, NO_COLOR: "1" } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => void (output += chunk));
  }
  const status = await new Promise((resolve) => child.once("close", resolve));
  assertEquals(status, 0, output);
  assert(/Tests +\d\d+ passed/.test(output), output);
});

test("unstorage: items, raw and many, long keys, a base", { skip }, async () => {
  const { stdout, stderr, status } = await run(
    "unstorage driver",
    `${CONNECT}
import { unstorageDriver } from "kilogram/unstorage";
import { createStorage } from "unstorage";
const driver = unstorageDriver(kv, { base: "driver:", ttl: 60 });
const storage = createStorage({ driver });
await storage.setItem("a:b", { x: 1 });
await storage.setItemRaw("raw", new Uint8Array([0, 255, 1]));
await storage.setItems([{ key: "a:c", value: "text" }, { key: "b", value: 5 }]);
const long = "k".repeat(300);
await storage.setItem(long, "long");
console.log(JSON.stringify([
  await storage.getItem("a:b"),
  [...await storage.getItemRaw("raw")],
  (await storage.getKeys("a")).sort(),
  (await storage.getItems(["a:c", "nothing"])).map(({ value }) => value),
  await storage.getItem(long),
  await storage.hasItem("b"),
]));
await storage.removeItem("b");
await driver.clear("a");
console.log(JSON.stringify([await storage.hasItem("b"), await storage.getKeys("a")]));
client.close();
`,
  );
  assertEquals([stderr, status], ["", 0]);
  assertEquals(stdout.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    [{ x: 1 }, [0, 255, 1], ["a:b", "a:c"], ["text", null], "long", true],
    [false, []],
  ]);
});

test("sessions: touch, list, count, clear, and one that is over", { skip }, async () => {
  const { stdout, stderr, status } = await run(
    "sessions",
    `${CONNECT}
import session from "express-session";
import { promisify } from "node:util";
import { sessionStore } from "kilogram/session";
const store = sessionStore(session.Store, kv, { prefix: "s1:", ttl: 60_000 });
const call = (name, ...args) => promisify(store[name]).call(store, ...args);
const cookie = (ms) => ({ cookie: { expires: new Date(Date.now() + ms).toISOString() } });
await call("set", "a", { ...cookie(50_000), cart: "x".repeat(5_000) });
await call("set", "b", { user: 1 });
await call("set", "gone", cookie(-1));
await call("touch", "a", cookie(90_000));
const { ttl } = await kv.exists("s1:a");
console.log(JSON.stringify([
  store instanceof session.Store, typeof store.on, (await call("get", "a")).cart.length,
  await call("get", "gone"), await call("length"), (await call("all")).length, ttl > 80_000,
]));
await call("destroy", "b");
await call("clear");
console.log(JSON.stringify([await call("length"), await call("get", "a")]));
client.close();
`,
  );
  assertEquals([stderr, status], ["", 0]);
  assertEquals(stdout.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    [true, "function", 5_000, null, 2, 2, true],
    [0, null],
  ]);
});

test(
  "limiters: exact counts from many at once, decrement, reset, and Hono's",
  { skip },
  async () => {
    const { stdout, stderr, status } = await run(
      "limiters",
      `${CONNECT}
import { Hono } from "hono";
import { rateLimiter } from "hono-rate-limiter";
import { RateLimitStore } from "kilogram/rate-limit";
const store = new RateLimitStore(kv, { prefix: "l1:" });
store.init({ windowMs: 60_000 });
const all = await Promise.all(Array.from({ length: 50 }, () => store.increment("k")));
await store.decrement("k");
const { totalHits, resetTime } = await store.get("k");
await store.decrement("never counted");
console.log(JSON.stringify([
  new Set(all.map((each) => each.totalHits)).size, totalHits,
  resetTime > Date.now() + 50_000, await store.get("never counted") ?? null,
]));
await store.resetKey("k");
await store.increment("other");
await store.resetAll();
console.log(JSON.stringify([await store.get("k") ?? null, await store.get("other") ?? null]));
const app = new Hono();
app.use(rateLimiter({
  windowMs: 60_000, limit: 2, keyGenerator: () => "all", store: new RateLimitStore(kv, { prefix: "l2:" }),
}));
app.get("/", (context) => context.text("ok"));
const statuses = [];
for (let i = 0; i < 3; i++) statuses.push((await app.request("/")).status);
console.log(JSON.stringify(statuses));
client.close();
`,
    );
    assertEquals([stderr, status], ["", 0]);
    assertEquals(stdout.trimEnd().split("\n").map((line) => JSON.parse(line)), [
      [50, 49, true, null],
      [null, null],
      [200, 200, 429],
    ]);
  },
);

test(
  "when the server is away limiters fail closed, or open where that was chosen",
  { skip },
  async () => {
    const { stdout, stderr, status } = await run(
      "away",
      `import { connect } from "kilogram";
import express from "express";
import fastify from "fastify";
import fastifyLimit from "@fastify/rate-limit";
import { rateLimit } from "express-rate-limit";
import Keyv from "keyv-6";
import { keyvStore } from "kilogram/keyv";
import { fastifyRateLimitStore, RateLimitStore } from "kilogram/rate-limit";
const client = await connect("127.0.0.1:9", {});
const kv = client.within(50);
console.error = () => {};
const statuses = [];
for (const passOnStoreError of [false, true]) {
  const app = express();
  app.use(rateLimit({ store: new RateLimitStore(kv), passOnStoreError, validate: false }));
  app.get("/", (_, response) => response.send("ok"));
  app.use((error, _, response, next) => response.status(500).send(error.code));
  const server = app.listen(0);
  await new Promise((resolve) => server.once("listening", resolve));
  const answer = await fetch("http://127.0.0.1:" + server.address().port + "/");
  statuses.push([answer.status, await answer.text()]);
  server.close();
}
for (const skipOnError of [false, true]) {
  const app = fastify();
  await app.register(fastifyLimit, { max: 1, store: fastifyRateLimitStore(kv), skipOnError });
  app.get("/", () => "ok");
  statuses.push((await app.inject("/")).statusCode);
}
const keyv = new Keyv({ store: keyvStore(kv) });
let code = null;
keyv.on("error", (error) => { code = error.code; });
statuses.push(await keyv.get("k") ?? null, code);
console.log(JSON.stringify(statuses));
client.close();
`,
    );
    assertEquals([stderr, status], ["", 0]);
    const away = "DEADLINE_EXCEEDED";
    assertEquals(JSON.parse(stdout), [[500, away], [200, "ok"], 500, 200, null, away]);
  },
);

test("nothing of all that is left but what has a time to live", { skip }, () => {
  const { store } = JSON.parse(kg(env, ["stats", "--json"]).text);
  assert(store.keys - store.timedKeys <= 40, JSON.stringify(store));
});
