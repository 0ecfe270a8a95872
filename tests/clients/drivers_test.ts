/**
 * The programs of docs/DRIVERS.md, as they are written there, with the frameworks that they name, on Node; and
 * Keyv's own suite of tests, which alone can be had as a package.
 */

import { after, before, test } from "node:test";
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { assert, assertEquals } from "@std/assert";
import { freshEnvironment, kg, type RunningServer, startServer } from "../end_to_end/programs.ts";
import { LossyRelay } from "../end_to_end/lossy_relay.ts";
import { numbersOf } from "../large/numbers.ts";
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

test("Keyv 6: every method of its contract", { skip }, async () => {
  const { stdout, stderr, status } = await run(
    "keyv6 methods",
    `${CONNECT}
import { keyvStore } from "kilogram/keyv";
const store = keyvStore(kv, { prefix: "k6:" });
const other = keyvStore(kv, { prefix: "k6:" });
[store.namespace, other.namespace] = ["one", "two"];
const soon = Date.now() + 60_000;
const long = "k".repeat(300);
const told = [store.capabilities.expires, typeof store.on];
told.push(await store.set("a", "1"), await store.set("b", "x".repeat(9_000), soon));
told.push(await store.set("over", "1", Date.now() - 1), await store.set(long, "long"));
told.push(await store.setMany([{ key: "c", value: "3", expires: soon }, { key: "d", value: "4" }]));
await other.set("a", "another's");
told.push(await store.get("a"), (await store.get("b")).length, await store.get("over") ?? null);
told.push(await store.get(long), await store.getMany(["a", "none"]).then(([a, none]) => [a, none ?? null]));
told.push(await store.has("c"), await store.hasMany(["d", "none"]));
const { ttl } = await kv.exists("k6:one:c");
told.push(ttl > 50_000 && ttl <= 60_000);
const names = [];
for await (const [key] of store.iterator()) names.push(key);
told.push(names.sort());
told.push(await store.delete("a"), await store.delete("a"), await store.deleteMany(["c", "none"]));
await store.clear();
told.push(await store.has("d"), await other.get("a"));
console.log(JSON.stringify(told));
await other.clear();
await store.disconnect();
`,
  );
  assertEquals([stderr, status], ["", 0]);
  assertEquals(JSON.parse(stdout), [
    ...[true, "function", true, true, true, true, [true, true]],
    ...["1", 9_000, null, "long", ["1", null], true, [true, false], true],
    ...[["a", "b", "c", "d"], true, false, [true, false], false, "another's"],
  ]);
});

/** An app with a limit of 100, to which its own process sends 64 requests at once; tells how many passed. */
const LIMITED = (framework: string) =>
  `${CONNECT}
import { ${framework}Passed as passed } from "./limited_apps.mjs";
console.log(await passed(kv));
client.close();
`;

const LIMITED_APPS = `
import express from "express";
import fastify from "fastify";
import fastifyLimit from "@fastify/rate-limit";
import { rateLimit } from "express-rate-limit";
import { fastifyRateLimitStore, RateLimitStore } from "kilogram/rate-limit";
const all = (ask) => Promise.all(Array.from({ length: 64 }, ask));
export async function expressPassed(kv) {
  const app = express();
  const store = new RateLimitStore(kv, { prefix: "exact:express:" });
  app.use(rateLimit({ limit: 100, store, keyGenerator: () => "all", validate: false }));
  app.get("/", (_, response) => response.send("ok"));
  const server = app.listen(0);
  await new Promise((resolve) => server.once("listening", resolve));
  const url = "http://127.0.0.1:" + server.address().port + "/";
  const statuses = await all(async () => (await fetch(url)).status);
  server.close();
  server.closeAllConnections();
  return statuses.filter((status) => status === 200).length;
}
export async function fastifyPassed(kv) {
  const app = fastify();
  const store = fastifyRateLimitStore(kv, { prefix: "exact:fastify:" });
  await app.register(fastifyLimit, { max: 100, store, keyGenerator: () => "all" });
  app.get("/", () => "ok");
  const statuses = await all(async () => (await app.inject("/")).statusCode);
  return statuses.filter((status) => status === 200).length;
}
`;

for (const framework of ["express", "fastify"]) {
  test(
    `${framework}: four processes and a lossy network, and the limit is exact`,
    { skip },
    async () => {
      const rates = { loss: 0.05, duplication: 0.05, delay: 0.1, maxDelayMs: 20, corruption: 0.02 };
      const relay = await LossyRelay.to(server.addresses[0], rates, numbersOf(5));
      writeFileSync(join(FOLDER, "limited_apps.mjs"), LIMITED_APPS);
      const variables = { KG_SERVER: relay.address };
      const ended = Array.from(
        { length: 4 },
        (_, i) => run(`limited ${framework} ${i}`, LIMITED(framework), variables),
      );
      const passed = (await Promise.all(ended)).map(({ stdout, stderr }) => {
        assertEquals(stderr, "");
        return Number(stdout);
      });
      relay.close();
      assertEquals(passed.reduce((sum, each) => sum + each, 0), 100, passed.join());
      assert(relay.dropped > 0 && relay.doubled > 0);
    },
  );
}

const SESSION_APP = `${CONNECT}
import express from "express";
import session from "express-session";
import { createInterface } from "node:readline";
import { sessionStore } from "kilogram/session";
const store = sessionStore(session.Store, kv);
const app = express();
app.use(session({ store, secret: "s", resave: false, saveUninitialized: false }));
app.get("/", (request, response) => {
  request.session.views = (request.session.views ?? 0) + 1;
  response.send(String(request.session.views));
});
const server = app.listen(0);
await new Promise((resolve) => server.once("listening", resolve));
let cookie = "";
// For each line of input a request, as of a browser that keeps its cookie.
for await (const _ of createInterface({ input: process.stdin })) {
  const answer = await fetch("http://127.0.0.1:" + server.address().port + "/", { headers: { cookie } });
  cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? cookie;
  console.log(answer.status, await answer.text());
}
server.close();
server.closeAllConnections();
client.close();
`;

/** An application with sessions, which is asked now and then. */
function sessionApp(variables: NodeJS.ProcessEnv) {
  const file = join(FOLDER, "session_app.mjs");
  writeFileSync(file, SESSION_APP);
  const child = spawn("node", [file], { env: { ...env, ...variables } });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(): Promise<string> {
      child.stdin.write("\n");
      return String((await lines.next()).value);
    },
    end: () => child.kill("SIGKILL"),
  };
}

test("sessions outlive a server with a folder, and end with one without", { skip }, async () => {
  for (const isDurable of [true, false]) {
    const folder = join(mkdtempSync(join(tmpdir(), "kilogram-sessions-")), "data");
    const args = isDurable ? ["--data-dir", folder] : [];
    const first = await startServer(env, args);
    const [address] = first.addresses;
    const app = sessionApp({ KG_SERVER: address });
    try {
      assertEquals([await app.ask(), await app.ask()], ["200 1", "200 2"]);
      await first.stop();
      const second = await startServer(env, [...args, "--listen", address]);
      assertEquals(await app.ask(), isDurable ? "200 3" : "200 1");
      assertEquals(await app.ask(), isDurable ? "200 4" : "200 2");
      await second.stop("SIGKILL");
    } finally {
      app.end();
    }
  }
});

test("nothing of all that is left but what has a time to live", { skip }, () => {
  const { store } = JSON.parse(kg(env, ["stats", "--json"]).text);
  assert(store.keys - store.timedKeys <= 40, JSON.stringify(store));
});
