/** Bun's own client, which speaks RESP3 and has no setting for anything else. */

import { RedisClient } from "bun";
import { clientFacts, facts, kind, kinds, left, sorted, workers } from "./stable.mjs";
import { finish, opening, refusal, step } from "./steps.mjs";

const place = `127.0.0.1:${process.argv[2]}`;
const client = new RedisClient(`redis://${place}`);
const other = new RedisClient(`redis://${place}`);

await opening(() => client.connect().then(() => client.connected));
await step(() => client.flushdb());
for (const part of [values, numbers, pieces, times, keys, scans, transactions, locks, pipelines]) {
  await part();
}
for (const part of [errors, server, refused, closing]) await part();
finish();

async function values() {
  await step(() => client.set("greeting", "hello"));
  await step(() => client.get("greeting"));
  await step(() => client.get("missing"));
  await step(() => client.set("greeting", "again", "NX"));
  await step(() => client.set("greeting", "ahoy", "XX", "GET"));
  await step(() => client.getset("greeting", "hi"));
  await step(() => client.setnx("greeting", "no"));
  await step(() => client.mset("a", "1", "b", "2", "c", "ü"));
  await step(() => client.msetnx("c", "3", "d", "4"));
  await step(() => client.mget("a", "b", "c", "d"));
  await step(() => client.del("a", "d"));
  await step(() => client.getdel("b"));
  await step(() => client.strlen("c"));
  await step(() => client.set("bytes", new Uint8Array([0, 13, 10, 255])));
  await step(() => client.getBuffer("bytes"));
  await step(() => client.getBuffer("missing"));
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
}

async function pieces() {
  await step(() => client.append("log", "Hello"));
  await step(() => client.append("log", " World"));
  await step(() => client.getrange("log", 6, -1));
  await step(() => client.substr("log", 0, 4));
  await step(() => client.setrange("log", 6, "Redis"));
  await step(() => client.get("log"));
}

async function times() {
  await step(() => client.set("timed", "v", "EX", 100));
  await step(async () => left(await client.ttl("timed"), 100));
  await step(() => client.set("timed", "w", "KEEPTTL"));
  await step(async () => left(await client.pttl("timed"), 100_000));
  await step(() => client.getex("timed", "PERSIST"));
  await step(() => client.ttl("timed"));
  await step(() => client.getex("timed", "EX", 200));
  await step(() => client.expire("timed", 50, "GT"));
  await step(() => client.pexpire("timed", 400_000));
  await step(() => client.persist("timed"));
  await step(() => client.setex("timed", 100, "v"));
  await step(() => client.psetex("timed", 100_000, "v"));
  await step(() => client.expireat("timed", 4_000_000_000));
  await step(() => client.expiretime("timed"));
  await step(() => client.pexpireat("timed", 4_000_000_000_001));
  await step(() => client.pexpiretime("timed"));
  await step(() => client.expiretime("missing"));
  await step(() => client.set("brief", "v", "PX", 20));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await step(() => client.exists("brief"));
  await step(() => client.get("brief"));
}

async function keys() {
  await step(() => client.exists("greeting"));
  await step(() => client.touch("greeting", "missing"));
  await step(() => client.type("greeting"));
  await step(() => client.unlink("log", "missing"));
  await step(() => client.rename("timed", "renamed"));
  await step(() => client.renamenx("renamed", "greeting"));
  await step(() => client.copy("renamed", "copied"));
  await step(() => client.copy("renamed", "copied", "REPLACE"));
  await step(() => client.pexpiretime("copied"));
  await refusal(() => client.rename("missing", "renamed"));
  await step(async () => typeof await client.randomkey());
}

async function scans() {
  await step(() => client.flushall());
  const many = Array.from({ length: 250 }, (_, i) => [`user:${i % 2 ? "odd" : "even"}:${i}`, "v"]);
  await step(() => client.mset(...many.flat()));
  await step(() => client.dbsize());
  await step(async () => (await scanned()).length);
  await step(async () => (await scanned("MATCH", "user:odd:*", "COUNT", "7")).length);
  await step(() => scanned("MATCH", "nobody:*"));
  await step(async () => sorted(await client.keys("user:even:?")));
  await step(() => client.keys("nobody:*"));
}

/** All keys of a scan, without those that it told twice. */
async function scanned(...options) {
  const found = new Set();
  let cursor = "0";
  do {
    const [next, batch] = await client.scan(cursor, ...options);
    batch.forEach((key) => found.add(key));
    cursor = next;
  } while (cursor !== "0");
  return sorted(found);
}

/** It has no methods for transactions yet, so programs send the commands. */
async function transactions() {
  await step(() => client.send("MULTI", []));
  await step(() => client.set("m", "1"));
  await step(() => client.send("INCR", ["m"]));
  await step(() => client.send("MGET", ["m", "missing"]));
  await step(() => client.send("EXEC", []));
  await step(() => client.send("WATCH", ["m"]));
  await step(() => other.set("m", "9"));
  await step(() => client.send("MULTI", []));
  await step(() => client.send("SET", ["m", "2"]));
  await step(() => client.send("EXEC", []));
  await step(() => client.get("m"));
  await step(() => client.send("MULTI", []));
  await refusal(() => client.send("NOSUCH", []));
  await refusal(() => client.send("EXEC", []));
}

async function locks() {
  await step(() => client.set("lock", "holder 1", "NX", "PX", 100_000));
  await step(() => other.set("lock", "holder 2", "NX", "PX", 100_000));
  await step(() => client.del("lock"));
  await step(() => other.set("lock", "holder 2", "NX", "PX", 100_000));
}

async function pipelines() {
  const hundred = Array.from({ length: 100 }, (_, i) => `p:${i}`);
  await step(() => Promise.all(hundred.map((key) => client.set(key, key))));
  await step(() => Promise.all(hundred.map((key) => client.get(key))));
  await step(() => client.set("text", "abc"));
  await step(() => Promise.allSettled([client.incr("p"), client.incr("text"), client.get("p")]));
}

async function errors() {
  await refusal(() => client.incr("text"));
  await refusal(() => client.incrbyfloat("text", 1.5));
  await refusal(() => client.setrange("text", -1, "x"));
  await refusal(() => client.setex("text", 0, "v"));
  await refusal(() => client.set("text", "v", "PX", -1));
  await refusal(() => client.send("EXPIRE", ["text", "soon"]));
  await refusal(() => client.send("GET", []));
  await refusal(() => client.send("NOSUCH", ["command"]));
  await refusal(() => client.send("SCAN", ["here"]));
  await step(() => client.get("text"));
}

async function server() {
  await step(() => client.ping());
  await step(() => client.ping("hello"));
  await step(() => client.echo("hello"));
  await step(async () => kinds(await client.send("HELLO", ["3"]), "version", "id"));
  await step(async () => kind(await client.client("ID")));
  await step(() => client.client("GETNAME"));
  await step(() => client.client("SETNAME", "worker-1"));
  await step(async () => clientFacts(await client.client("INFO")));
  await step(async () => workers(await client.client("LIST")));
  await step(() => client.config("GET", "appendonly"));
  await step(async () => facts(await client.info(), "redis_mode", "role", "loading"));
  await step(async () => facts(await client.info("keyspace"), "db0"));
  await step(async () => (await client.time()).map(kind));
}

/** What a server without a password and with one database refuses. */
async function refused() {
  await refusal(() => client.send("AUTH", ["secret"]));
  await refusal(() => client.send("AUTH", ["nobody", "secret"]));
  await refusal(() => client.select(1));
  await step(() => client.select(0));
  const withPassword = new RedisClient(`redis://:secret@${place}`);
  await step(() => withPassword.get("text"));
  withPassword.close();
  const stranger = new RedisClient(`redis://nobody:secret@${place}`);
  await refusal(() => stranger.get("text"));
  const withDatabase = new RedisClient(`redis://${place}/1`);
  await refusal(() => withDatabase.get("text"));
}

async function closing() {
  await step(() => client.duplicate().then((copy) => copy.get("text").finally(() => copy.close())));
  await step(() => client.close());
  await step(() => client.connected);
  await refusal(() => client.get("text"));
  await step(() => other.get("text"));
  await step(() => other.close());
}
