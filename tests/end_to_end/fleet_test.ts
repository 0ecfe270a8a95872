/** Several real servers as one: which has a key, one that dies or hangs, redirected datagrams, kg move. */

import { createSocket, type Socket } from "node:dgram";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { randomOf } from "../bytes.ts";
import { LossyRelay } from "./lossy_relay.ts";
import { openSocket } from "./stream_client.ts";
import {
  freshEnvironment,
  importLibrary,
  kg,
  type RunningServer,
  startServer,
} from "./programs.ts";

const { connect, KilogramError } = await importLibrary();
/** Long enough for a slow shared machine. */
const PATIENCE_MS = 20_000;
const NAMES = ["cache-1", "cache-2", "cache-3"] as const;
const RATES = { loss: 0.1, duplication: 0.05, delay: 0.05, maxDelayMs: 4, corruption: 0.01 };

const env = freshEnvironment();
const key = env.KG_KEY ?? "";
const folder = mkdtempSync(join(tmpdir(), "kilogram-fleet-"));
const servers = new Map<string, RunningServer>();

before(async () => {
  for (const name of NAMES) servers.set(name, await startServer(env, ["--name", name]));
  env.KG_SERVER = listOf(NAMES);
});
after(async () => {
  for (const server of servers.values()) {
    signal(server, "SIGCONT");
    await server.stop("SIGKILL");
  }
});

/** Not child.kill, which does not stop or continue a process on Deno. */
function signal(server: RunningServer | undefined, name: NodeJS.Signals): void {
  const { pid, exitCode, signalCode } = server?.process ?? {};
  if (pid !== undefined && exitCode === null && !signalCode) process.kill(pid, name);
}

function addressOf(name: string): string {
  return servers.get(name)?.addresses[0] ?? "";
}

function listOf(names: readonly string[]): string {
  return names.map((name) => `${name}=${addressOf(name)}`).join(",");
}

async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<number> {
  const startedAtMs = performance.now();
  while (!await isSo()) {
    assert(performance.now() - startedAtMs < PATIENCE_MS, what);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - startedAtMs;
}

const linesOf = (text: string) => text.trim().split("\n");
const jsonLines = (text: string) => linesOf(text).map((line) => JSON.parse(line));

test("commands go to a key's server, or to all of them, and say which is which", () => {
  for (let i = 0; i < 12; i++) assertEquals(kg(env, ["set", `k:${i}`, `v${i}`]).status, 0);
  const keys = Array.from({ length: 12 }, (_, i) => `k:${i}`);
  const many = kg(env, ["get", ...keys]);
  assertEquals(linesOf(many.text), keys.map((each, i) => `${each}\tv${i}`));
  const missing = kg(env, ["get", "k:1", "nothing", "--json"]);
  assertEquals([missing.status, jsonLines(missing.text)], [1, [
    { key: "k:1", found: true, value: "v1" },
    { key: "nothing", found: false },
  ]]);
  const where = linesOf(kg(env, ["where", ...keys]).text).map((line) => line.split("\t"));
  const listed = jsonLines(kg(env, ["keys", "k:", "--json"]).text);
  for (const [name, server, address] of where) {
    assertEquals(address, addressOf(server));
    assertEquals(listed.find((each) => each.key === name)?.server, server);
  }
  assertEquals(new Set(where.map(([, server]) => server)).size, 3);
  assertEquals(linesOf(kg(env, ["keys", "k:"]).text).sort(), [...keys].sort());
  assertEquals(jsonLines(kg(env, ["ping", "--json"]).text).map(({ server }) => server), [...NAMES]);
  const stats = JSON.parse(kg(env, ["stats", "server", "--json"]).text);
  for (const name of NAMES) assertEquals(stats[name].server.name, name);
  assertMatch(kg(env, ["stats", "store"]).text, /cache-2 store\n {2}keys/);
  const fleet = jsonLines(kg(env, ["fleet", "--json"]).text);
  assertEquals(fleet.map(({ name, answers, weight }) => [name, answers, weight]), [
    ...NAMES.map((name) => [name, true, 1]),
  ]);
  assertEquals(fleet.reduce((sum, { keys }) => sum + keys, 0), 12);
  assertMatch(kg(env, ["fleet"]).text, /server +address +weight +state[^]*cache-3 .* up /);
  const exported = jsonLines(kg(env, ["export"]).text);
  assertEquals(exported.length, 12);
  assert(exported.every((line) => where.find(([name]) => name === line.key)?.[1] === line.server));
  assertEquals(JSON.parse(kg(env, ["drop", "k:1", "--json"]).text).servers, [...NAMES]);
  assertEquals(linesOf(kg(env, ["keys", "k:"]).text).length, 9);
  assertEquals(kg(env, ["drop", "", "--yes"]).status, 0);
});

test("wrong lists are refused with an advice", () => {
  const run = (...args: string[]) => kg(env, [...args, "--server", args.pop() ?? ""]);
  const cases: [string, RegExp][] = [
    ["a=1.2.3.4,5.6.7.8", /"5\.6\.7\.8:4040" needs a name.*--name/],
    ["a=1.2.3.4,a=5.6.7.8", /"a" comes twice/],
    ["A=1.2.3.4", /not a server's name/],
    ["a=1.2.3.4*0", /weight is a whole number of 1 to 100/],
    ["a=1.2.3.4*x", /weight/],
    ["a=1.2.3.4:99999", /not an address/],
    [",", /empty/],
  ];
  for (const [list, expected] of cases) {
    const { status, stderr } = run("get", "k", list);
    assertEquals(status, 2, list);
    assertMatch(stderr, expected);
  }
  const unnamed = kg(env, ["ping", "--server", addressOf("cache-1"), "--timeout", "300ms"]);
  assertEquals(unnamed.status, 3, "a server with a name does not answer who leaves it out");
  assertMatch(unnamed.stderr, /another key/);
});

test("one is killed, one hangs, one is behind a lossy relay: the others' calls go on", async () => {
  const relay = await LossyRelay.to(addressOf("cache-3"), RATES, randomOf(7));
  const list = `${listOf(["cache-1", "cache-2"])},cache-3=${relay.address}`;
  const client = await connect(list, { key });
  const kv = client.within(5_000);
  const counters = Array.from({ length: 60 }, (_, i) => `counter:${i}`);
  const done = new Map(counters.map((name) => [name, 0]));
  const unknown = new Map(counters.map((name) => [name, 0]));
  let isOver = false;
  let down = 0;
  let slowestMs = 0;
  const work = async (place: number) => {
    for (let i = place; !isOver; i += 7) {
      const name = counters[i % counters.length];
      const home = client.serverOf(name);
      const isDown = client.servers().find((each) => each.name === home)?.isDown;
      const startedAtMs = performance.now();
      try {
        await kv.add(name, 1);
        done.set(name, (done.get(name) ?? 0) + 1);
      } catch (error) {
        assert(error instanceof KilogramError, String(error));
        if (error.code === "SERVER_DOWN") down++;
        else assertEquals(error.code, "DEADLINE_EXCEEDED");
        if (error.effect !== "none") unknown.set(name, (unknown.get(name) ?? 0) + 1);
        if (isDown) slowestMs = Math.max(slowestMs, performance.now() - startedAtMs);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  };
  const working = Promise.all(Array.from({ length: 16 }, (_, i) => work(i)));
  const isDown = (name: string) => client.servers().find((each) => each.name === name)?.isDown;
  const sum = (home: string) =>
    counters.filter((name) => client.serverOf(name) === home)
      .reduce((total, name) => total + (done.get(name) ?? 0), 0);
  await eventually("all are used", () => NAMES.every((name) => sum(name) > 20));
  await servers.get("cache-1")?.stop("SIGKILL");
  signal(servers.get("cache-2"), "SIGSTOP");
  const before = sum("cache-3");
  await eventually(
    "both are found down",
    () => isDown("cache-1") === true && isDown("cache-2") === true,
  );
  await eventually(
    "calls fail, and others go on",
    () => down > 100 && sum("cache-3") > before + 50,
  );
  assertEquals(isDown("cache-3"), false);
  signal(servers.get("cache-2"), "SIGCONT");
  await eventually("it is used again", () => isDown("cache-2") === false);
  // A server with the name may be at another place: here it is the same, and empty.
  servers.set(
    "cache-1",
    await startServer(env, ["--name", "cache-1", "--listen", addressOf("cache-1")]),
  );
  await eventually("and so is the new one", () => isDown("cache-1") === false);
  isOver = true;
  await working;
  relay.close();
  client.close();
  assert(slowestMs < 1_000, `a call to a server known to be down took ${slowestMs} ms`);
  const direct = await connect(listOf(NAMES), { key });
  for (const name of counters) {
    if (direct.serverOf(name) === "cache-1") continue;
    const value = Number(await direct.getText(name, { timeout: PATIENCE_MS }) ?? 0);
    const [least, most] = [done.get(name) ?? 0, (done.get(name) ?? 0) + (unknown.get(name) ?? 0)];
    assert(value >= least && value <= most, `${name} is ${value}, not ${least} to ${most}`);
  }
  direct.close();
  assertEquals(kg(env, ["drop", "", "--yes"]).status, 0);
});

test("datagrams redirected between servers of one key are dropped and counted, both ways", async () => {
  const dropped = (name: string) =>
    JSON.parse(kg(env, ["stats", "datagrams", "--json"]).text)[name].datagrams
      .droppedAuthentication;
  const redirect = await Redirect.between(addressOf("cache-1"), addressOf("cache-2"));
  const client = await connect(`cache-1=${redirect.address}`, { key });
  const kv = client.within(2_000);
  await kv.set("redirected", "by cache-1");
  const recorded = [...redirect.requests];
  assert(recorded.length >= 1 && redirect.replies.length >= 1);
  const before = dropped("cache-2");
  // Recorded.
  for (const datagram of recorded) redirect.sendTo(addressOf("cache-2"), datagram);
  await eventually(
    "recorded requests are dropped",
    () => dropped("cache-2") >= before + recorded.length,
  );
  // Live: what the client sends to cache-1 reaches cache-2, and the replies of cache-2 reach the client.
  redirect.isRedirecting = true;
  const other = await connect(`cache-2=${addressOf("cache-2")}`, { key });
  const redirected = kv.add("redirected", 1).then(() => "answered", (error) => error.code);
  for (let i = 0; i < 20; i++) await other.ping({ timeout: 2_000 });
  assertEquals(await redirected, "DEADLINE_EXCEEDED");
  assert(dropped("cache-2") > before + recorded.length);
  redirect.isRedirecting = false;
  assertEquals(await kv.getText("redirected"), "by cache-1");
  for (const reply of await redirect.repliesOf("cache-2", key)) redirect.sendToClient(reply);
  assertEquals(await kv.getText("redirected"), "by cache-1");
  assertEquals(await other.get("redirected", { timeout: 2_000 }), undefined);
  client.close();
  other.close();
  redirect.close();
});

/** An attacker between a client and the first of two servers, who records all, and can send it elsewhere. */
class Redirect {
  readonly requests: Uint8Array[] = [];
  readonly replies: Uint8Array[] = [];
  isRedirecting = false;
  readonly #front = createSocket("udp4");
  readonly #back = createSocket("udp4");
  #clientPort = 0;

  static async between(first: string, second: string): Promise<Redirect> {
    const redirect = new Redirect();
    const bind = (socket: Socket) =>
      new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    await Promise.all([bind(redirect.#front), bind(redirect.#back)]);
    redirect.#front.on("message", (datagram, { port }) => {
      redirect.#clientPort = port;
      redirect.requests.push(new Uint8Array(datagram));
      redirect.sendTo(redirect.isRedirecting ? second : first, datagram);
    });
    redirect.#back.on("message", (datagram) => {
      redirect.replies.push(new Uint8Array(datagram));
      redirect.sendToClient(datagram);
    });
    return redirect;
  }

  get address(): string {
    return `127.0.0.1:${this.#front.address().port}`;
  }

  sendTo(address: string, datagram: Uint8Array): void {
    const [host, port] = address.split(":");
    this.#back.send(datagram, Number(port), host);
  }

  sendToClient(datagram: Uint8Array): void {
    this.#front.send(datagram, this.#clientPort, "127.0.0.1");
  }

  /** Replies of a server to requests of another client. */
  async repliesOf(name: string, masterKey: string): Promise<Uint8Array[]> {
    const other = await Redirect.between(addressOf(name), addressOf(name));
    const client = await connect(`${name}=${other.address}`, { key: masterKey });
    for (let i = 0; i < 5; i++) await client.ping({ timeout: 2_000 });
    client.close();
    other.close();
    return other.replies;
  }

  close(): void {
    this.#front.close();
    this.#back.close();
  }
}

test("kg move copies what changes its home, with its time to live, and never over what is newer", () => {
  const from = { ...env, KG_SERVER: listOf(NAMES.slice(0, 2)) };
  const lines = Array.from(
    { length: 500 },
    (_, i) => JSON.stringify({ key: `m:${i}`, value: "old" }),
  );
  assertEquals(kg(from, ["import"], { input: lines.join("\n") }).status, 0);
  assertEquals(kg(from, ["set", "timed", "x", "--ttl", "1h"]).status, 0);
  const moved = Array.from({ length: 500 }, (_, i) => `m:${i}`).filter((name) =>
    homeOf(name) === "cache-3"
  );
  assertEquals(kg(env, ["set", moved[0], "newer"]).status, 0);
  const args = ["move", "--from", listOf(NAMES.slice(0, 2)), "--to", listOf(NAMES)];
  const first = JSON.parse(kg(env, [...args, "--json"]).text);
  assert(first.seen >= 501 && first.copied >= moved.length - 1, JSON.stringify(first));
  assertEquals([first.there, first.astray], [1, 0]);
  assertEquals(kg(env, ["get", moved[0]]).text, "newer");
  assertEquals(kg(env, ["get", moved[1]]).text, "old");
  const again = kg(env, [...args, "--remove"]);
  assertEquals(again.status, 0);
  assertMatch(again.stderr, /0 copied.*\n.*their new server has a value.*\n.*removed/);
  const left = linesOf(kg(from, ["keys", "m:"]).text);
  assertEquals(left.length, 500 - moved.length + 1, "one has another value at its old server");
  assertEquals(kg(from, ["get", moved[0]]).text, "old");
  const swapped = kg(env, ["move", "--from", args[4], "--to", args[2]]);
  assertMatch(swapped.stderr, /left alone: not on the server/);
  assertEquals(linesOf(kg(env, ["keys", "m:"]).text).length, 500);
  assertEquals(kg(env, ["exists", "timed", "--json"]).status, 0);
  const { ttlMs } = JSON.parse(kg(env, ["exists", "timed", "--json"]).text);
  assert(ttlMs > 3_500_000 && ttlMs <= 3_600_000, String(ttlMs));
  assertEquals(kg(env, ["move", "--from", "a=1.2.3.4"]).status, 2);
  const unnamed = kg(env, ["move", "--from", "127.0.0.1:1", "--to", "localhost:1", "--remove"]);
  assertEquals(unnamed.status, 2, "two addresses may be one server");
  assertMatch(unnamed.stderr, /needs servers with names/);
  // What lies where nobody looks for it is in no export, and not listed.
  const exported = kg(env, ["export"]);
  assertEquals(linesOf(exported.text).length, 502);
  assertMatch(exported.stderr, /\d+ left out/);
  const gone = kg(env, ["move", "--from", listOf(NAMES), "--to", "x=127.0.0.1:1"]);
  assertEquals(gone.status, 3);
  assertMatch(gone.stderr, /x/);
});

/** By the library, since a process for each key would take long. */
function homeOf(name: string): string | undefined {
  whereCache ??= new Map(
    linesOf(kg(env, ["where", ...Array.from({ length: 500 }, (_, i) => `m:${i}`)]).text)
      .map((line) => line.split("\t") as [string, string]),
  );
  return whereCache.get(name);
}
let whereCache: Map<string, string> | undefined;

test("the export of servers is what import takes, and large values of a door are not lost silently", async () => {
  const one = await startServer(env, ["--resp", "127.0.0.1:0"]);
  const alone = { ...env, KG_SERVER: one.addresses[0] };
  assertEquals(JSON.parse(kg(alone, ["ping", "--json"]).text).server, one.addresses[0]);
  assertMatch(kg(alone, ["fleet"]).text, new RegExp(`-  +${one.addresses[0]}  +1  +up`));
  assertEquals(kg(alone, ["set", "color", "blue", "--ttl", "1h"]).status, 0);
  assertEquals(kg(alone, ["set", "plain", "-"], { input: new Uint8Array([0, 255]) }).status, 0);
  const path = join(folder, "backup.jsonl");
  const whole = kg(alone, ["export", path]);
  assertEquals([whole.status, whole.stderr], [0, "exported 2 keys\n"]);
  assertEquals(readFileSync(path, "utf8").includes("server"), false);
  assertEquals(kg(alone, ["drop", "", "--yes"]).status, 0);
  assertEquals(kg(alone, ["import", path]).status, 0);
  assertEquals(kg(alone, ["get", "plain"]).stdout, Buffer.from([0, 255]));
  const socket = await openSocket(one.doors("resp")[0]);
  socket.write(`SET large ${"x".repeat(2_000)}\r\n`);
  await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  const partly = kg(alone, ["export"]);
  assertEquals([partly.status, linesOf(partly.text).length], [4, 2]);
  assertMatch(partly.stderr, /left out as too large for a datagram: 1\n/);
  await one.stop("SIGKILL");
});

test("one key after the other, without a pause: readers, the original wire and the password too", async () => {
  const [oldKey, newKey] = [key, freshEnvironment().KG_KEY ?? ""];
  const keyFile = join(folder, "key");
  const skvsFile = join(folder, "skvs");
  const passwordFile = join(folder, "password");
  const write = (path: string, ...lines: string[]) =>
    writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  const [oldSkvs, newSkvs] = ["o".repeat(32), "n".repeat(32)];
  write(keyFile, oldKey);
  write(skvsFile, oldSkvs);
  write(passwordFile, "old password");
  const server = await startServer({ ...env, KG_KEY: undefined }, [
    ...["--key-file", keyFile, "--skvs", "--skvs-key-file", skvsFile],
    ...["--resp", "127.0.0.1:0", "--resp-password-file", passwordFile],
  ]);
  const rereads = () => server.output().split("read again").length - 1;
  const reread = async () => {
    const before = rereads();
    signal(server, "SIGHUP");
    await eventually("the keys are read again", () => rereads() > before);
  };
  const [address] = server.addresses;
  const ask = (options: { key?: string; skvs?: string }) =>
    kg(
      { ...env, KG_KEY: options.key ?? oldKey, SKVS_ENCRYPTION_KEY: options.skvs },
      ["get", "k", "--server", address, "--timeout", "1s", ...options.skvs ? ["--skvs"] : []],
    );
  const before = await connect(address, { key: oldKey });
  // Of two lines a client uses the first.
  const after = await connect(address, { key: `${newKey}\n${oldKey}\n` });
  await before.set("k", "v", { timeout: PATIENCE_MS });
  // Load under the old key, and then under both, of queries and of mutations.
  const failures: string[] = [];
  let isOver = false;
  let calls = 0;
  const load = async (client: typeof before) => {
    while (!isOver) {
      const call = ++calls % 3 === 0
        ? client.add("n", 1, { timeout: PATIENCE_MS })
        : client.get("k", { timeout: PATIENCE_MS });
      await call.catch((error) => failures.push(String(error)));
    }
  };
  const loads = Array.from({ length: 8 }, () => load(before));
  write(keyFile, oldKey, newKey);
  write(skvsFile, oldSkvs, newSkvs);
  write(passwordFile, "new password");
  await reread();
  for (let i = 0; i < 8; i++) loads.push(load(after));
  const reached = calls;
  await eventually("both are served", () => calls > reached + 2_000);
  assertEquals([ask({ skvs: oldSkvs }).text, ask({ skvs: newSkvs }).text], ["v", "v"]);
  isOver = true;
  await Promise.all(loads);
  assertEquals(failures, []);
  const keys = JSON.parse(kg(env, ["stats", "keys", "--json", "--server", address]).text).keys;
  assert(keys.key1Requests > 500 && keys.key2Requests > 500, JSON.stringify(keys));
  assert(keys.skvsKey1Requests >= 1 && keys.skvsKey2Requests >= 1);
  assert(keys.key1 !== keys.key2 && keys.key2IdleMs >= 0);
  const socket = await openSocket(server.doors("resp")[0]);
  const reply = new Promise<Buffer>((resolve) => socket.once("data", resolve));
  socket.write("AUTH new\\ password\r\n".replace("\\ ", " ").replace(/(new password)/, '"$1"'));
  assertEquals((await reply).toString(), "+OK\r\n");
  socket.destroy();
  // What is wrong changes nothing.
  write(keyFile, "nonsense");
  signal(server, "SIGHUP");
  await eventually("a wrong file is reported", () => server.output().includes("stays as it was"));
  assertEquals(ask({}).text, "v");
  write(keyFile, newKey);
  write(skvsFile, newSkvs);
  await reread();
  assertEquals(await after.getText("k", { timeout: PATIENCE_MS }), "v");
  assertEquals([ask({ key: newKey }).text, ask({}).status], ["v", 3]);
  assertEquals([ask({ skvs: newSkvs }).text, ask({ skvs: oldSkvs }).status], ["v", 3]);
  await assertNothing(before.get("k", { timeout: 300 }));
  before.close();
  after.close();
  await server.stop("SIGKILL");
});

test("SIGHUP makes no key, and does not replace one that is not in a file", async () => {
  const home: NodeJS.ProcessEnv = { ...freshEnvironment(), KG_KEY: undefined };
  const server = await startServer(home);
  const own = { ...home, KG_SERVER: server.addresses[0] };
  assertEquals(kg(own, ["set", "k", "v"]).status, 0);
  const path = join(home.XDG_CONFIG_HOME ?? "", "kilogram", "key");
  const text = readFileSync(path, "utf8");
  rmSync(path);
  signal(server, "SIGHUP");
  await eventually("it is reported", () => server.output().includes("there is no key file"));
  assertEquals(existsSync(path), false);
  assertEquals(kg({ ...own, KG_KEY: text.trim() }, ["get", "k"]).text, "v");
  await server.stop("SIGKILL");
  const fromEnvironment = await startServer(env);
  signal(fromEnvironment, "SIGHUP");
  await eventually("KG_KEY stays", () => fromEnvironment.output().includes("can't be read again"));
  await fromEnvironment.stop("SIGKILL");
});

async function assertNothing(call: Promise<unknown>): Promise<void> {
  const code = await call.then(() => "answered", (error) => error.code);
  assertEquals(code, "DEADLINE_EXCEEDED");
}
