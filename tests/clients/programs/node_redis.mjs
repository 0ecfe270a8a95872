/** node-redis, as its README shows it: with RESP3, which is its default. */

import { createClient, createClientPool, RESP_TYPES } from "redis";
import { facts, kind, kinds, left, sorted } from "./stable.mjs";
import { finish, opening, refusal, step } from "./steps.mjs";

const place = `127.0.0.1:${process.argv[2]}`;
const complaints = new Set();
const client = connectable(`redis://${place}`);
const other = connectable(`redis://${place}`);

await opening(() => client.connect().then(() => client.isReady));
await opening(() => other.connect().then(() => other.isReady));
await step(() => client.flushDb());
for (
  const part of [values, numbers, pieces, times, deadlines, keys, scans, transactions, conflicts]
) await part();
for (const part of [locks, sessions, pipelines, errors, server, pools, refused, closing]) {
  await part();
}
await step(() => sorted(complaints));
finish();

function connectable(url) {
  return createClient({ url }).on("error", ({ message }) => complaints.add(message));
}

async function values() {
  await step(() => client.set("greeting", "hello"));
  await step(() => client.get("greeting"));
  await step(() => client.get("missing"));
  await step(() => client.set("greeting", "again", { condition: "NX" }));
  await step(() => client.set("greeting", "ahoy", { condition: "XX", GET: true }));
  await step(() => client.getSet("greeting", "hi"));
  await step(() => client.setNX("greeting", "no"));
  await step(() => client.mSet({ a: "1", b: "2", c: "ü" }));
  await step(() => client.mSetNX({ c: "3", d: "4" }));
  await step(() => client.mGet(["a", "b", "c", "d"]));
  await step(() => client.del(["a", "d"]));
  await step(() => client.getDel("b"));
  await step(() => client.getDel("b"));
  await step(() => client.strLen("c"));
  await step(() => client.set("bytes", Buffer.from([0, 13, 10, 255])));
  const inBytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  await step(() => inBytes.get("bytes"));
  await step(() => client.set("large", "x".repeat(600_000)));
  await step(() => client.get("large").then((large) => large.length));
}

async function numbers() {
  await step(() => client.incr("hits"));
  await step(() => client.incrBy("hits", 41));
  await step(() => client.decr("hits"));
  await step(() => client.decrBy("hits", 50));
  await step(() => client.incrByFloat("price", 10.5));
  await step(() => client.incrByFloat("price", 0.1));
  await step(() => client.incrByFloat("price", -10));
  await step(() => client.incrByFloat("hits", 3e3));
  await step(() => client.incrByFloat("hits", 0.25));
  await step(() => client.get("hits"));
}

async function pieces() {
  await step(() => client.append("log", "Hello"));
  await step(() => client.append("log", " World"));
  await step(() => client.getRange("log", 0, 4));
  await step(() => client.getRange("log", -5, -1));
  await step(() => client.getRange("log", 20, 30));
  await step(() => client.setRange("log", 6, "Redis"));
  await step(() => client.setRange("padded", 3, "x"));
  await step(() => client.get("log"));
  await step(() => client.get("padded"));
}

async function times() {
  await step(() => client.set("timed", "v", { expiration: { type: "EX", value: 100 } }));
  await step(async () => left(await client.ttl("timed"), 100));
  await step(() => client.set("timed", "w", { expiration: "KEEPTTL" }));
  await step(async () => left(await client.pTTL("timed"), 100_000));
  await step(() => client.getEx("timed", { type: "PERSIST" }));
  await step(() => client.ttl("timed"));
  await step(() => client.getEx("timed", { type: "EX", value: 200 }));
  await step(async () => left(await client.ttl("timed"), 200));
  await step(() => client.getEx("missing", { type: "EX", value: 200 }));
  await step(() => client.expire("timed", 50, "GT"));
  await step(() => client.expire("timed", 300, "GT"));
  await step(() => client.expire("timed", 50, "NX"));
  await step(() => client.pExpire("timed", 400_000, "XX"));
  await step(() => client.persist("timed"));
  await step(() => client.persist("timed"));
  await step(() => client.setEx("timed", 100, "v"));
  await step(() => client.pSetEx("timed", 100_000, "v"));
  await step(() => client.ttl("missing"));
  await step(() => client.expire("missing", 10));
  await step(() => client.set("brief", "v", { expiration: { type: "PX", value: 20 } }));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await step(() => client.mGet(["brief", "timed"]));
  await step(() => client.exists("brief"));
}

/** Times to live that end at a point in time, which can be compared exactly. */
async function deadlines() {
  await step(() => client.set("dated", "v", { expiration: { type: "EXAT", value: 4e9 } }));
  await step(() => client.expireTime("dated"));
  await step(() => client.pExpireTime("dated"));
  await step(() => client.expireAt("dated", new Date(4.1e12)));
  await step(() => client.expireTime("dated"));
  await step(() => client.pExpireAt("dated", 4_200_000_000_123));
  await step(() => client.pExpireTime("dated"));
  await step(() => client.getEx("dated", { type: "PXAT", value: 4_000_000_000_001 }));
  await step(() => client.pExpireTime("dated"));
  await step(() => client.expireTime("greeting"));
  await step(() => client.expireTime("missing"));
  await step(() => client.expireAt("dated", 1));
  await step(() => client.exists("dated"));
}

async function keys() {
  await step(() => client.exists(["greeting", "missing", "greeting"]));
  await step(() => client.touch(["greeting", "missing"]));
  await step(() => client.type("greeting"));
  await step(() => client.type("missing"));
  await step(() => client.unlink(["padded", "missing"]));
  await step(() => client.set("old", "v", { expiration: { type: "EXAT", value: 4e9 } }));
  await step(() => client.rename("old", "new"));
  await step(() => client.renameNX("new", "greeting"));
  await step(() => client.renameNX("new", "newer"));
  await step(() => client.expireTime("newer"));
  await step(() => client.copy("newer", "copied"));
  await step(() => client.copy("newer", "copied"));
  await step(() => client.copy("newer", "copied", { REPLACE: true }));
  await step(() => client.expireTime("copied"));
  await step(() => client.copy("missing", "copied"));
  await step(() => client.mGet(["old", "new", "newer", "copied"]));
  await refusal(() => client.rename("missing", "new"));
  await step(async () => typeof await client.randomKey());
}

async function scans() {
  await step(() => client.flushDb());
  await step(() => client.randomKey());
  await step(() => client.keys("*"));
  const many = Array.from({ length: 250 }, (_, i) => [`user:${i % 2 ? "odd" : "even"}:${i}`, "v"]);
  await step(() => client.mSet([...many, ["h[a]llo", "1"], ["hello", "2"], ["hallo", "3"]]));
  await step(() => client.dbSize());
  await step(async () => (await iterated({})).length);
  await step(async () => (await iterated({ MATCH: "user:odd:*", COUNT: 7 })).length);
  await step(() => iterated({ MATCH: "nobody:*" }));
  await step(() => iterated({ MATCH: "h[ae]llo" }));
  await step(() => iterated({ MATCH: String.raw`h\[a\]llo`, TYPE: "string" }));
  await step(() => iterated({ TYPE: "hash" }));
  await step(async () => sorted(await client.keys("user:even:?")));
  await step(async () => sorted(await client.keys("h[^e]llo")));
  await step(async () => (await client.keys("*")).length);
}

/** All keys of a scan, without those that it told twice. */
async function iterated(options) {
  const found = new Set();
  for await (const batch of client.scanIterator(options)) batch.forEach((key) => found.add(key));
  return sorted(found);
}

async function transactions() {
  await step(() =>
    client.multi().set("m", "1").incr("m").get("m").mGet(["m", "missing"]).del("m").exec()
  );
  await step(() => client.multi().ping().expire("hello", 100).exec());
  await step(() => client.multi().exec());
  await refusal(() => client.multi().set("m", "text").incr("m").set("after", "1").exec());
  await step(() => client.mGet(["m", "after"]));
  await refusal(() => client.multi().set("never", "1").addCommand(["NOSUCH"]).exec());
  await step(() => client.get("never"));
}

async function conflicts() {
  await step(() => client.watch("balance"));
  await step(() => client.multi().set("balance", "1").exec());
  await step(() => client.watch(["balance", "limit"]));
  await step(() => other.set("limit", "9"));
  await refusal(() => client.multi().set("balance", "2").exec());
  await step(() => client.get("balance"));
  await step(() => client.watch("balance"));
  await step(() => other.set("balance", "3"));
  await step(() => client.unwatch());
  await step(() => client.multi().incr("balance").exec());
}

/** A lock that is given back by its holder only, without a script. */
async function locks() {
  const taking = { condition: "NX", expiration: { type: "PX", value: 100_000 } };
  await step(() => client.set("lock", "holder 1", taking));
  await step(() => other.set("lock", "holder 2", taking));
  await step(() => client.watch("lock"));
  await step(() => client.get("lock"));
  await step(() => client.multi().del("lock").exec());
  await step(() => other.set("lock", "holder 2", taking));
}

async function sessions() {
  const session = JSON.stringify({ user: 42, roles: ["admin"], name: "Zoë" });
  await step(() => client.set("session:1", session, { expiration: { type: "EX", value: 1_800 } }));
  await step(async () => JSON.parse(await client.get("session:1")));
  await step(() => client.expire("session:1", 3_600));
  await step(async () => left(await client.ttl("session:1"), 3_600));
  await step(() => client.del("session:1"));
}

async function pipelines() {
  await step(() =>
    Promise.all(Array.from({ length: 100 }, (_, i) => client.set(`p:${i}`, `${i}`)))
  );
  await step(() => Promise.all(Array.from({ length: 100 }, (_, i) => client.get(`p:${i}`))));
  await step(() => client.multi().set("p", "1").incr("p").execAsPipeline());
  await step(() => Promise.allSettled([client.incr("p"), client.incr("hello"), client.get("p")]));
}

async function errors() {
  await step(() => client.set("text", "abc"));
  await refusal(() => client.incr("text"));
  await refusal(() => client.incrByFloat("text", 1.5));
  await refusal(() => client.setRange("text", -1, "x"));
  await refusal(() => client.setEx("text", 0, "v"));
  await refusal(() => client.set("text", "v", { expiration: { type: "PX", value: -1 } }));
  await refusal(() => client.sendCommand(["EXPIRE", "text", "soon"]));
  await refusal(() => client.sendCommand(["GET"]));
  await refusal(() => client.sendCommand(["SET", "text", "v", "SOMETIMES"]));
  await refusal(() => client.sendCommand(["NOSUCH", "command"]));
  await refusal(() => client.sendCommand(["MSET", "a"]));
  await refusal(() => client.sendCommand(["SCAN", "here"]));
  await refusal(() => client.sendCommand(["COPY", "text", "text"]));
  await refusal(() => client.sendCommand(["EXEC"]));
  await refusal(() => client.sendCommand(["DISCARD"]));
  await step(() => client.set("max", "9223372036854775807"));
  await refusal(() => client.incr("max"));
  await refusal(() => client.hello(4));
  await step(() => client.get("text"));
}

async function server() {
  await step(() => client.ping());
  await step(() => client.ping("hello"));
  await step(() => client.echo("hello"));
  await step(async () => kinds(await client.hello(), "version", "id"));
  await step(async () => kind(await client.clientId()));
  await step(() => client.clientGetName());
  await step(() => client.clientSetName("worker-1"));
  await step(() => client.clientGetName());
  await refusal(() => client.clientSetName("worker 1"));
  await step(async () => ofClient(await client.clientInfo()));
  await step(() => other.clientSetName("worker-2"));
  await step(async () => workersOf(await client.clientList()));
  await step(() => client.configGet("appendonly"));
  await step(() => client.configGet(["appendonly", "databases"]));
  await step(async () => facts(await client.info(), "redis_mode", "role", "loading"));
  await step(async () => facts(await client.info("keyspace"), "db0"));
  await step(async () => (await client.time()).map(kind));
  await step(() => client.objectEncoding("missing"));
  await step(() => client.wait(0, 10));
}

/** Of the clients only those that have a name: others may still be on their way out. */
function workersOf(clients) {
  return sorted(clients.map(({ name }) => name).filter((name) => name.startsWith("worker")));
}

function ofClient({ name, db, flags, user, resp }) {
  return { name, db, flags, user, resp };
}

async function pools() {
  const pool = await createClientPool({ url: `redis://${place}` }).connect();
  await step(() => pool.set("pooled", "1"));
  const twenty = () => Promise.all(Array.from({ length: 20 }, () => pool.incr("pooled")));
  await step(async () => Math.max(...await twenty()));
  await step(() => pool.multi().get("pooled").exec());
  await step(() => pool.close());
}

/** What a server without a password and with one database refuses. */
async function refused() {
  await refusal(() => client.auth({ password: "secret" }));
  await refusal(() => client.auth({ username: "nobody", password: "secret" }));
  await refusal(() => client.select(1));
  await step(() => client.select(0));
  const withPassword = connectable(`redis://:secret@${place}`);
  await step(() => withPassword.connect().then(() => withPassword.ping()));
  withPassword.destroy();
  await step(() => firstComplaint(`redis://nobody:secret@${place}`));
  await step(() => firstComplaint(`redis://${place}/1`));
}

/** What a client says when it can't connect: it goes on trying, so nothing else ends. */
function firstComplaint(url) {
  return new Promise((resolve) => {
    const stranger = createClient({ url }).once("error", (error) => {
      stranger.destroy();
      resolve(error);
    });
    stranger.connect().catch(() => {});
  });
}

async function closing() {
  await step(() => Promise.all([client.get("text"), client.close()]));
  await step(() => [client.isOpen, client.isReady]);
  await refusal(() => client.get("text"));
  await step(() => client.connect().then(() => client.get("text")));
  await step(() => client.quit());
  await step(() => other.destroy());
  await refusal(() => other.get("text"));
}
