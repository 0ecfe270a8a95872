/**
 * Drivers beside those for Redis, each with a server of its own on this machine: increments of a
 * rate limiter, and reads and writes of sessions, 64 at a time. And large values beside small ones.
 *
 *     npm run build && npm run bench:drivers -- [--rounds 5] [--runtime node|bun]
 *
 * It needs redis-server or valkey-server, and installs the packages of tests/clients.
 */

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freshEnvironment } from "../tests/end_to_end/programs.ts";
import { installPackages } from "../tests/clients/installed.ts";
import { installedRespServer, startKilogram, startRespServer } from "./processes.ts";
import { medians, spread, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    runtime: { type: "string", default: "node" },
  },
});
if (values.runtime !== "node" && values.runtime !== "bun") throw new Error("--runtime node or bun");
/** What runs the programs. */
const RUNTIME = values.runtime === "bun" ? process.execPath : "node";

const HERE = join(process.cwd(), "tests", "clients");
const FOLDER = join(HERE, "node_modules", ".drivers-bench");

/** Prints how many calls a second, 64 at a time, for two seconds; a second of warming up goes before. */
const LOOP = `
export async function rate(call) {
  const run = async (ms) => {
    const untilMs = performance.now() + ms;
    let count = 0;
    await Promise.all(Array.from({ length: 64 }, async (_, i) => {
      while (performance.now() < untilMs) await call(i + 64 * count++);
    }));
    return count;
  };
  await run(1_000);
  return await run(2_000) / 2;
}
/** The median of the times of lone calls, in µs. */
export async function medianUs(call) {
  const times = [];
  for (let i = 0; i < 3_000; i++) {
    const startedAtMs = performance.now();
    await call();
    times.push((performance.now() - startedAtMs) * 1_000);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}
`;

const SESSION = `
const cookie = { originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000).toISOString() };
const session = { cookie, user: "ada", cart: Array.from({ length: 10 }, (_, id) => ({ id, count: 1 })) };
`;

const KG = `import { connect, largeValues } from "kilogram";
import { rate, medianUs } from "./loop.mjs";
const client = await connect();
const kv = client.within(5_000);
`;
const REDIS = `import { createClient } from "redis";
import { rate } from "./loop.mjs";
const client = await createClient({ url: process.env.REDIS }).connect();
`;

const PROGRAMS: Readonly<Record<string, string>> = {
  "limiter, Kilogram": `${KG}
import { RateLimitStore } from "kilogram/rate-limit";
const store = new RateLimitStore(kv);
store.init({ windowMs: 60_000 });
console.log(await rate((i) => store.increment("10.0.0." + i % 1_000)));
client.close();`,
  "limiter, Redis": `${REDIS}
import { RedisStore } from "rate-limit-redis";
const store = new RedisStore({ sendCommand: (...args) => client.sendCommand(args) });
await store.init({ windowMs: 60_000 });
console.log(await rate((i) => store.increment("10.0.0." + i % 1_000)));
client.destroy();`,
  "sessions, Kilogram": `${KG}${SESSION}
import session_ from "express-session";
import { promisify } from "node:util";
import { sessionStore } from "kilogram/session";
const store = sessionStore(session_.Store, kv);
const [get, set] = [promisify(store.get), promisify(store.set)];
for (let i = 0; i < 1_000; i++) await set("s" + i, session);
console.log(await rate((i) => i % 10 === 0 ? set("s" + i % 1_000, session) : get("s" + i % 1_000)));
client.close();`,
  "sessions, Redis": `${REDIS}${SESSION}
import { RedisStore } from "connect-redis";
const store = new RedisStore({ client });
for (let i = 0; i < 1_000; i++) await store.set("s" + i, session);
console.log(await rate((i) => i % 10 === 0 ? store.set("s" + i % 1_000, session) : store.get("s" + i % 1_000)));
client.destroy();`,
  "get of 100 bytes, µs": `${KG}
await kv.set("small", new Uint8Array(100), { overwrite: true });
console.log(await medianUs(() => kv.get("small")));
client.close();`,
  "large get of 10 KB in pieces, µs": `${KG}
const large = largeValues(kv, { compress: false });
await large.set("large", crypto.getRandomValues(new Uint8Array(10_000)), { overwrite: true });
console.log(await medianUs(() => large.get("large")));
client.close();`,
};

const resp = installedRespServer();
if (resp === undefined) throw new Error("install valkey or redis-server");
installPackages();
mkdirSync(FOLDER, { recursive: true });
const link = join(HERE, "node_modules", "kilogram");
rmSync(link, { force: true });
symlinkSync(process.cwd(), link);
writeFileSync(join(FOLDER, "loop.mjs"), LOOP);

const env = freshEnvironment();
const kilogram = await startKilogram(env, []);
const redis = await startRespServer(resp, mkdtempSync(join(tmpdir(), "kg-bench-")));
env.KG_SERVER = `127.0.0.1:${kilogram.port}`;
env.REDIS = `redis://127.0.0.1:${redis.plain}`;

const rounds: Record<string, number>[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const figures: Record<string, number> = {};
  for (const [name, program] of Object.entries(PROGRAMS)) figures[name] = await run(program);
  rounds.push(figures);
}
kilogram.server.kill();
redis.server.kill();

const typical = medians(rounds);
const rows = Object.entries(typical).map(([name, figure]) => {
  const [least, most] = spread(rounds.map((each) => each[name]));
  return [name, figure.toFixed(0), `${least.toFixed(0)} to ${most.toFixed(0)}`];
});
console.log(table([["", "median", "range of the rounds"], ...rows]));
for (const kind of ["limiter", "sessions"]) {
  const ratios = rounds.map((each) => each[`${kind}, Kilogram`] / each[`${kind}, Redis`]);
  console.log(
    `${kind}: ${ratios.sort((a, b) => a - b)[ratios.length >> 1].toFixed(2)} times Redis`,
  );
}
const times = rounds.map((each) =>
  each["large get of 10 KB in pieces, µs"] / each["get of 100 bytes, µs"]
);
console.log(
  `a large get of 10 KB: ${times.sort((a, b) => a - b)[times.length >> 1].toFixed(2)} times a get`,
);

async function run(program: string): Promise<number> {
  const file = join(FOLDER, "program.mjs");
  writeFileSync(file, program);
  const child = spawn(RUNTIME, [file], { env, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk) => void (output += chunk));
  await new Promise((resolve) => child.once("close", resolve));
  return Number(output);
}
