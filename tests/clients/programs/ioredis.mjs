/** ioredis, as its README shows it. It comes in two majors: `node ioredis.mjs PORT ioredis-6`. */

import { clientFacts, facts, kind, left, sorted, workers } from "./stable.mjs";
import { finish, opening, refusal, step } from "./steps.mjs";

const port = Number(process.argv[2]);
const { Redis } = await import(process.argv[3]);
const complaints = new Set();
const client = connectable({});
const other = connectable({});

await opening(() => client.ping());
await step(() => client.flushdb());
for (const part of [values, numbers, pieces, times, deadlines, keys, scans, transactions]) {
  await part();
}
for (const part of [conflicts, locks, pipelines, callbacks, errors, server, refused, closing]) {
  await part();
}
await step(() => sorted(complaints));
finish();

function connectable(options) {
  return new Redis(port, options).on("error", ({ message }) => complaints.add(message));
}

async function values() {
  await step(() => client.set("greeting", "hello"));
  await step(() => client.get("greeting"));
  await step(() => client.get("missing"));
  await step(() => client.set("greeting", "again", "NX"));
  await step(() => client.set("greeting", "ahoy", "XX", "GET"));
  await step(() => client.getset("greeting", "hi"));
  await step(() => client.setnx("greeting", "no"));
  await step(() => client.mset({ a: "1", b: "2", c: "ü" }));
  await step(() => client.msetnx("c", "3", "d", "4"));
  await step(() => client.mget("a", "b", "c", "d"));
  await step(() => client.del("a", "d"));
  await step(() => client.getdel("b"));
  await step(() => client.strlen("c"));
  await step(() => client.set("bytes", Buffer.from([0, 13, 10, 255])));
  await step(() => client.getBuffer("bytes"));
  await step(() => client.set("large", "x".repeat(600_000)));
  await step(() => client.get("large").then((large) => large.length));
}

async function numbers() {
  await step(() => client.incr("hits"));
  await step(() => client.incrby("hits", 41));
  await step(() => client.decr("hits"));
  await step(() => client.decrby("hits", 50));
  await step(() => client.incrbyfloat("price", 0.1));
  await step(() => client.incrbyfloat("price", 0.2));
  await step(() => client.incrbyfloat("price", "-1.5e2"));
}

async function pieces() {
  await step(() => client.append("log", "Hello"));
  await step(() => client.append("log", " World"));
  await step(() => client.getrange("log", 0, -7));
  await step(() => client.setrange("log", 6, "Redis"));
  await step(() => client.get("log"));
  await step(() => client.setrange("missing", 5, ""));
  await step(() => client.exists("missing"));
}

async function times() {
  await step(() => client.set("timed", "v", "EX", 100));
  await step(async () => left(await client.ttl("timed"), 100));
  await step(() => client.set("timed", "w", "KEEPTTL"));
  await step(async () => left(await client.pttl("timed"), 100_000));
  await step(() => client.getex("timed", "PERSIST"));
  await step(() => client.ttl("timed"));
  await step(() => client.getex("timed", "PX", 200_000));
  await step(async () => left(await client.ttl("timed"), 200));
  await step(() => client.expire("timed", 50, "GT"));
  await step(() => client.expire("timed", 50, "LT"));
  await step(() => client.pexpire("timed", 400_000, "NX"));
  await step(() => client.persist("timed"));
  await step(() => client.setex("timed", 100, "v"));
  await step(() => client.psetex("timed", 100_000, "v"));
  await step(() => client.ttl("missing"));
  await step(() => client.set("brief", "v", "PX", 20));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await step(() => client.get("brief"));
  await step(() => client.ttl("brief"));
}

/** Times to live that end at a point in time, which can be compared exactly. */
async function deadlines() {
  await step(() => client.set("dated", "v", "PXAT", 4_000_000_000_001));
  await step(() => client.expiretime("dated"));
  await step(() => client.pexpiretime("dated"));
  await step(() => client.expireat("dated", 4_100_000_000));
  await step(() => client.pexpireat("dated", 4_000_000_000_002, "GT"));
  await step(() => client.expiretime("dated"));
  await step(() => client.getex("dated", "EXAT", 4_200_000_000));
  await step(() => client.pexpiretime("dated"));
  await step(() => client.expiretime("missing"));
  await step(() => client.pexpireat("dated", 1));
  await step(() => client.exists("dated"));
}

async function keys() {
  await step(() => client.exists("greeting", "missing", "greeting"));
  await step(() => client.touch("greeting", "missing"));
  await step(() => client.type("greeting"));
  await step(() => client.unlink("log", "missing"));
  await step(() => client.set("old", "v", "EXAT", 4_000_000_000));
  await step(() => client.rename("old", "new"));
  await step(() => client.renamenx("new", "greeting"));
  await step(() => client.copy("new", "copied"));
  await step(() => client.copy("new", "copied", "REPLACE"));
  await step(() => client.expiretime("copied"));
  await refusal(() => client.rename("missing", "new"));
  await step(async () => typeof await client.randomkey());
  const prefixed = connectable({ keyPrefix: "app:" });
  await step(() => prefixed.set("k", "v"));
  await step(() => client.get("app:k"));
  prefixed.disconnect();
}

async function scans() {
  await step(() => client.flushall());
  const many = Array.from({ length: 250 }, (_, i) => [`user:${i % 2 ? "odd" : "even"}:${i}`, "v"]);
  await step(() => client.mset(new Map(many)));
  await step(() => client.dbsize());
  await step(async () => (await streamed({})).length);
  await step(async () => (await streamed({ match: "user:odd:*", count: 7 })).length);
  await step(() => streamed({ match: "nobody:*" }));
  await step(() => streamed({ match: "user:odd:?", type: "string" }));
  await step(async () => (await client.scan(0, "COUNT", 1_000))[0]);
  await step(async () => sorted(await client.keys("user:even:?")));
  await step(() => client.keys("nobody:*"));
}

/** All keys of a scan, without those that it told twice. */
async function streamed(options) {
  const found = new Set();
  for await (const batch of client.scanStream(options)) batch.forEach((key) => found.add(key));
  return sorted(found);
}

async function transactions() {
  await step(() => client.multi().set("m", "1").incr("m").get("m").del("m").exec());
  await step(() => client.multi().exec());
  await step(() => client.multi([["set", "m", "text"], ["incr", "m"], ["get", "m"]]).exec());
  await refusal(() => client.multi().set("never", "1").call("NOSUCH").exec());
  await step(() => client.get("never"));
  await step(() => client.multi({ pipeline: false }));
  await step(() => client.set("m", "2"));
  await step(() => client.get("m"));
  await refusal(() => client.call("MULTI"));
  await step(() => client.exec());
  await step(() => client.multi({ pipeline: false }));
  await step(() => client.set("m", "3"));
  await step(() => client.discard());
  await step(() => client.get("m"));
}

async function conflicts() {
  await step(() => client.watch("balance"));
  await step(() => other.set("balance", "9"));
  await step(() => client.multi().set("balance", "1").exec());
  await step(() => client.get("balance"));
  await step(() => client.watch("balance", "missing"));
  await step(() => client.multi().incr("balance").exec());
  await step(() => client.watch("balance"));
  await step(() => other.del("balance"));
  await step(() => client.unwatch());
  await step(() => client.multi().incr("balance").exec());
  await step(() => client.multi().watch("balance").exec());
}

/** A lock that is given back by its holder only, without a script. */
async function locks() {
  await step(() => client.set("lock", "holder 1", "PX", 100_000, "NX"));
  await step(() => other.set("lock", "holder 2", "PX", 100_000, "NX"));
  await step(() => client.watch("lock"));
  await step(() => client.get("lock"));
  await step(() => client.multi().del("lock").exec());
  await step(() => other.set("lock", "holder 2", "PX", 100_000, "NX"));
}

async function pipelines() {
  await step(() => client.set("text", "abc"));
  await step(() => client.pipeline().set("p", "1").incr("p").incr("text").get("p").exec());
  await step(() => client.pipeline().multi().set("p", "5").incr("p").exec().get("p").exec());
  const many = client.pipeline();
  for (let i = 0; i < 100; i++) many.set(`p:${i}`, i).get(`p:${i}`);
  await step(() => many.exec());
  const automatic = connectable({ enableAutoPipelining: true });
  await step(() => Promise.all(Array.from({ length: 100 }, (_, i) => automatic.get(`p:${i}`))));
  automatic.disconnect();
}

async function callbacks() {
  await step(() => new Promise((resolve) => client.get("text", (...told) => resolve(told))));
  await step(() => new Promise((resolve) => client.incr("text", (...told) => resolve(told))));
}

async function errors() {
  await refusal(() => client.incr("text"));
  await refusal(() => client.incrbyfloat("text", 1.5));
  await refusal(() => client.setrange("text", -1, "x"));
  await refusal(() => client.setex("text", 0, "v"));
  await refusal(() => client.set("text", "v", "PX", -1));
  await refusal(() => client.set("text", "v", "EX", "soon"));
  await refusal(() => client.expire("text", "soon"));
  await refusal(() => client.expire("text", 10, "NX", "GT"));
  await refusal(() => client.getex("text", "EX", 1, "PERSIST"));
  await refusal(() => client.get());
  await refusal(() => client.mset("a"));
  await refusal(() => client.scan("here"));
  await refusal(() => client.scan(0, "COUNT", 0));
  await refusal(() => client.call("NOSUCH", "command"));
  await refusal(() => client.exec());
  await step(() => client.get("text"));
}

async function server() {
  await step(() => client.ping());
  await step(() => client.ping("hello"));
  await step(() => client.echo("hello"));
  await step(async () => kind(await client.client("ID")));
  await step(() => client.client("GETNAME"));
  await step(() => client.client("SETNAME", "worker-1"));
  await step(async () => clientFacts(await client.client("INFO")));
  await step(() => other.client("SETNAME", "worker-2"));
  await step(async () => workers(await client.client("LIST")));
  await step(() => client.config("GET", "appendonly"));
  await step(async () => facts(await client.info(), "redis_mode", "role", "loading"));
  await step(async () => facts(await client.info("keyspace"), "db0"));
  await step(async () => (await client.time()).map(kind));
}

/** What a server without a password and with one database refuses. */
async function refused() {
  await refusal(() => client.auth("secret"));
  await refusal(() => client.auth("nobody", "secret"));
  await refusal(() => client.select(1));
  await step(() => client.select(0));
  // With the first two it only complains, and goes on without the password, or in database 0.
  const withPassword = connectable({ password: "secret" });
  await step(() => withPassword.get("text"));
  const withDatabase = connectable({ db: 1 });
  await step(() => withDatabase.get("text"));
  const stranger = connectable({ username: "nobody", password: "secret" });
  await refusal(() => stranger.get("text"));
  for (const opened of [withPassword, withDatabase, stranger]) opened.disconnect();
  const eager = connectable({ lazyConnect: true, connectionName: "eager" });
  await step(() => eager.connect().then(() => [eager.status, eager.mode]));
  await step(() => eager.client("GETNAME"));
  eager.disconnect();
}

async function closing() {
  const ended = new Promise((resolve) => client.once("end", resolve));
  await step(() => Promise.all([client.get("text"), client.quit(), ended]));
  await refusal(() => client.get("text"));
  await step(() => client.connect().then(() => client.get("text")));
  await step(() => client.disconnect());
  await step(() => other.disconnect());
  await refusal(() => other.get("text"));
}
