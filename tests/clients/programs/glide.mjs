/** valkey-glide, whose core is in Rust: with RESP3, which is its default. */

import { Batch, GlideClient, TimeUnit } from "@valkey/valkey-glide";
import { facts, kind, left, placeless, sorted } from "./stable.mjs";
import { finish, opening, refusal, step } from "./steps.mjs";

const addresses = [{ host: "127.0.0.1", port: Number(process.argv[2]) }];
let client;
let other;

await opening(async () => typeof (client = await GlideClient.createClient({ addresses })));
await opening(async () => typeof (other = await GlideClient.createClient({ addresses })));
await step(() => client.flushdb());
for (const part of [values, numbers, times, keys, scans, transactions, locks, errors, server]) {
  await part();
}
for (const part of [refused, closing]) await part();
finish();

async function values() {
  await step(() => client.set("greeting", "hello"));
  await step(() => client.get("greeting"));
  await step(() => client.get("missing"));
  await step(() => client.set("greeting", "again", { conditionalSet: "onlyIfDoesNotExist" }));
  await step(() => client.set("greeting", "hi", { returnOldValue: true }));
  await step(() => client.mset({ a: "1", b: "2", c: "ü" }));
  await step(() => client.msetnx({ c: "3", d: "4" }));
  await step(() => client.mget(["a", "b", "c", "d"]));
  await step(() => client.del(["a", "d"]));
  await step(() => client.getdel("b"));
  await step(() => client.strlen("c"));
  await step(() => client.append("log", "Hello World"));
  await step(() => client.getrange("log", 0, 4));
  await step(() => client.setrange("log", 6, "Redis"));
  await step(() => client.get("log"));
  await step(() => client.set("large", "x".repeat(600_000)));
  await step(() => client.get("large").then((large) => large.length));
}

async function numbers() {
  await step(() => client.incr("hits"));
  await step(() => client.incrBy("hits", 41));
  await step(() => client.decr("hits"));
  await step(() => client.decrBy("hits", 50));
  await step(() => client.incrByFloat("price", 0.1));
  await step(() => client.incrByFloat("price", 0.2));
}

async function times() {
  await step(() => client.set("timed", "v", { expiry: { type: TimeUnit.Seconds, count: 100 } }));
  await step(async () => left(await client.ttl("timed"), 100));
  await step(async () => left(await client.pttl("timed"), 100_000));
  await step(() => client.set("timed", "w", { expiry: "keepExisting" }));
  await step(() => client.getex("timed", { expiry: "persist" }));
  await step(() => client.ttl("timed"));
  await step(() => client.expire("timed", 100));
  await step(() => client.pexpire("timed", 400_000));
  await step(() => client.persist("timed"));
  await step(() => client.expireAt("timed", 4_000_000_000));
  await step(() => client.expiretime("timed"));
  await step(() => client.pexpireAt("timed", 4_000_000_000_001));
  await step(() => client.pexpiretime("timed"));
  const briefly = { expiry: { type: TimeUnit.Milliseconds, count: 20 } };
  await step(() => client.set("brief", "v", briefly));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await step(() => client.exists(["brief", "timed"]));
}

async function keys() {
  await step(() => client.exists(["greeting", "missing", "greeting"]));
  await step(() => client.touch(["greeting", "missing"]));
  await step(() => client.type("greeting"));
  await step(() => client.unlink(["log", "missing"]));
  await step(() => client.rename("timed", "renamed"));
  await step(() => client.renamenx("renamed", "greeting"));
  await step(() => client.copy("renamed", "copied"));
  await step(() => client.copy("renamed", "copied", { replace: true }));
  await step(() => client.pexpiretime("copied"));
  await refusal(() => client.rename("missing", "renamed"));
  await step(async () => typeof await client.randomKey());
}

async function scans() {
  await step(() => client.flushall());
  const many = Array.from({ length: 250 }, (_, i) => [`user:${i % 2 ? "odd" : "even"}:${i}`, "v"]);
  await step(() => client.mset(Object.fromEntries(many)));
  await step(() => client.dbsize());
  await step(async () => (await scanned({})).length);
  await step(async () => (await scanned({ match: "user:odd:*", count: 7 })).length);
  await step(() => scanned({ match: "nobody:*" }));
  await step(async () => sorted(await client.customCommand(["KEYS", "user:even:?"])));
}

/** All keys of a scan, without those that it told twice. */
async function scanned(options) {
  const found = new Set();
  let cursor = "0";
  do {
    const [next, batch] = await client.scan(cursor, options);
    batch.forEach((key) => found.add(key));
    cursor = next;
  } while (cursor !== "0");
  return sorted(found);
}

async function transactions() {
  const transaction = () => new Batch(true);
  await step(() => client.exec(transaction().set("m", "1").incr("m").get("m").del(["m"]), true));
  await step(() => client.exec(transaction().set("m", "text").incr("m").get("m"), false));
  await refusal(() => client.exec(transaction().set("m", "text").incr("m"), true));
  await step(() => client.exec(new Batch(false).set("m", "2").incr("m").get("missing"), true));
  await step(() => client.watch(["m"]));
  await step(() => other.set("m", "9"));
  await step(() => client.exec(transaction().set("m", "1"), true));
  await step(() => client.get("m"));
  await step(() => client.watch(["m"]));
  await step(() => other.set("m", "8"));
  await step(() => client.unwatch());
  await step(() => client.exec(transaction().incr("m"), true));
  const hundred = Array.from({ length: 100 }, (_, i) => `p:${i}`);
  await step(() => Promise.all(hundred.map((key) => client.set(key, key))));
  await step(() => Promise.all(hundred.map((key) => client.get(key))));
}

async function locks() {
  const taking = {
    conditionalSet: "onlyIfDoesNotExist",
    expiry: { type: TimeUnit.Milliseconds, count: 100_000 },
  };
  await step(() => client.set("lock", "holder 1", taking));
  await step(() => other.set("lock", "holder 2", taking));
  await step(() => client.del(["lock"]));
  await step(() => other.set("lock", "holder 2", taking));
}

async function errors() {
  await step(() => client.set("text", "abc"));
  await refusal(() => client.incr("text"));
  await refusal(() => client.incrByFloat("text", 1.5));
  await refusal(() => client.setrange("text", -1, "x"));
  await refusal(() => client.customCommand(["EXPIRE", "text", "soon"]));
  await refusal(() => client.customCommand(["GET"]));
  await refusal(() => client.customCommand(["NOSUCH", "command"]));
  await refusal(() => client.select(1));
}

async function server() {
  await step(() => client.ping());
  await step(() => client.echo("hello"));
  await step(async () => kind(await client.clientId()));
  await step(() => client.clientGetName());
  await step(() => client.configGet(["appendonly"]));
  await step(async () => facts(await client.info(), "redis_mode", "role", "loading"));
  await step(async () => (await client.time()).map(kind));
}

/** What a server without a password and with one database refuses. */
async function refused() {
  await step(() => introduced({ clientName: "worker-1" }));
  await step(() => introduced({ credentials: { password: "secret" } }));
  await step(() => introduced({ credentials: { username: "nobody", password: "secret" } }));
}

/** What a new client is called, or why it can't connect. */
async function introduced(options) {
  try {
    const stranger = await GlideClient.createClient({ addresses, ...options });
    const name = await stranger.clientGetName();
    stranger.close();
    return name;
  } catch ({ message }) {
    return placeless(message);
  }
}

async function closing() {
  await step(() => client.close());
  await refusal(() => client.get("text"));
  await step(() => other.get("text"));
  await step(() => other.close());
}
