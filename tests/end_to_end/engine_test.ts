/** A server before a real engine: the same replies as from memory, over every way in. */

import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Calls } from "../../src/mod.ts";
import { request, script } from "../doors/resp_script.ts";
import { ENGINE, startCluster, startEngine, startTlsEngine } from "./engines.ts";
import {
  freePort,
  freshEnvironment,
  importLibrary,
  kg,
  type RunningServer,
  startServer,
} from "./programs.ts";
import { StreamClient } from "./stream_client.ts";

const { connect } = await importLibrary();
/** Long enough for a slow shared machine. */
const TIMEOUT_MS = 20_000;
const PASSWORD = "p@ss:word%1";
const isBun = "Bun" in globalThis;
/** Some take seconds, and their code is the same on all runtimes. */
const isLong = !isBun;
const isSkipped = ENGINE === undefined && !process.env.KG_NEED_RESP_SERVER;

const env = freshEnvironment();
const key = env.KG_KEY ?? "";
const folder = mkdtempSync(join(tmpdir(), "kilogram-engine-"));
const stops: (() => Promise<unknown>)[] = [];
const gateways = new Map<string, RunningServer>();
const DOORS = ["--resp", "127.0.0.1:0", "--line", "127.0.0.1:0"];

async function startGateway(args: readonly string[], own = env): Promise<RunningServer> {
  const server = await startServer(own, [...DOORS, ...args]);
  stops.unshift(() => server.stop("SIGKILL"));
  return server;
}

before(async () => {
  if (isSkipped) return;
  gateways.set("memory", await startGateway([]));
  const tls = await startTlsEngine(PASSWORD);
  stops.push(() => tls.stop());
  gateways.set(
    "a single engine by TLS",
    await startGateway(["--backend-ca", tls.certificate], {
      ...env,
      KG_BACKEND: `rediss://:${encodeURIComponent(PASSWORD)}@localhost:${tls.port}`,
    }),
  );
  const names = ["cache-1", "cache-2"];
  const servers: RunningServer[] = [];
  for (const name of names) servers.push(await startGateway(["--name", name]));
  const list = names.map((name, i) => `${name}=${servers[i].addresses[0]}`).join(",");
  gateways.set("two servers", await startGateway(["--backend", `kg://${list}`]));
  if (!isBun) return;
  const cluster = await startCluster();
  stops.push(() => cluster.stop());
  const seeds = cluster.nodes.slice(3).map(({ port }) => `127.0.0.1:${port}`).join(",");
  gateways.set("a Cluster", await startGateway(["--backend", `redis://${seeds}`]));
});
after(async () => {
  for (const stop of stops) await stop();
});

/** Every operation, and what it gives. */
async function operations(kv: Calls<true>): Promise<unknown[]> {
  const bytes = (value: Uint8Array | undefined) => value && Buffer.from(value).toString("latin1");
  const shown = async (call: Promise<unknown>) => {
    try {
      return JSON.stringify(
        await call,
        (_, value) =>
          typeof value === "bigint"
            ? String(value)
            : value instanceof Uint8Array
            ? bytes(value)
            : value,
      );
    } catch (error) {
      const { code, errors } = error as { code?: string; errors?: Map<unknown, Error> };
      return errors === undefined ? code : `${code} ${[...errors.values()].map(String)}`;
    }
  };
  const odd = Uint8Array.from({ length: 128 }, (_, i) => i * 2);
  const all = new Uint8Array(863).map((_, i) => i);
  const calls = [
    () => kv.get("none"),
    () => kv.set("k", "v"),
    () => kv.set("k", "w"),
    () => kv.set("k", "w", { overwrite: true }),
    () => kv.set("k", "x", { overwrite: true, old: true }),
    () => kv.set("fresh", "x", { overwrite: true, old: true }),
    () => kv.getText("k"),
    () => kv.set(odd, all),
    () => kv.get(odd),
    () => kv.set("empty", ""),
    () => kv.get("empty"),
    () => kv.delete("empty"),
    () => kv.delete("empty"),
    () => kv.exists("k"),
    () => kv.exists("none"),
    () => kv.add("n", 5),
    () => kv.add("n", -7n),
    () => kv.add("max", 2n ** 63n - 1n),
    () => kv.add("max", 1),
    () => kv.add("k", 1),
    () => kv.set("k", "y", { ifEqual: "no" }),
    () => kv.set("k", "y", { ifEqual: "x" }),
    () => kv.set("none", "y", { ifEqual: "x" }),
    () => kv.delete("k", { ifEqual: "no" }),
    () => kv.delete("k", { ifEqual: "y" }),
    () => kv.get("k"),
    () => kv.touch("none", { ttl: 1_000 }),
    () => kv.touch("n", { ttl: 100_000 }),
    async () => ((await kv.exists("n"))?.ttl ?? 0) > 90_000,
    async () => ((await kv.add("n", 1, { ttl: 5 })).ttl ?? 0) > 90_000,
    () => kv.touch("n"),
    () => kv.exists("n"),
    async () => ((await kv.add("timed", 1, { ttl: 60_000 })).ttl ?? 0) > 50_000,
    () => kv.set("brief", "x", { ttl: 30 }),
    () => new Promise((resolve) => setTimeout(() => resolve(null), 120)),
    () => kv.get("brief"),
    async () => {
      await kv.setMany(Array.from({ length: 500 }, (_, i) => [`page:${i}`, "v"]));
      const keys = new Set<string>();
      for await (const each of kv.keysText("page:")) keys.add(each);
      return keys.size;
    },
    () => kv.drop("page:1"),
    async () => {
      let count = 0;
      for await (const _ of kv.keys("page:")) count++;
      return count;
    },
    async () => (await kv.getMany(["page:2", "page:100", "n"])).size,
    () => kv.remember("made", () => "once"),
    () => kv.getText("made"),
    () => kv.drop(""),
    async () => {
      let count = 0;
      for await (const _ of kv.keys("")) count++;
      return count;
    },
    async () => (await kv.ping()) > 0,
  ];
  const results = [];
  for (const call of calls) results.push(await shown(call()));
  return results;
}

function gateway(name: string): RunningServer {
  const server = gateways.get(name);
  assert(server !== undefined, name);
  return server;
}

const kinds = ["a single engine by TLS", "two servers", ...isBun ? ["a Cluster"] : []];

for (const kind of kinds) {
  test(`every operation before ${kind}, as in memory`, { skip: isSkipped }, async () => {
    const told = [];
    for (const name of ["memory", kind]) {
      const client = await connect(gateway(name).addresses[0], { key });
      told.push(await operations(client.within(TIMEOUT_MS)));
      client.close();
    }
    assertEquals(told[1], told[0]);
  });

  test(`the RESP door before ${kind}, as in memory`, { skip: isSkipped }, async () => {
    // Sessions, transactions and what tells of the server itself are not the engine's; see docs/ENGINE.md.
    const isOther =
      /MULTI|WATCH|EXEC|DISCARD|RANDOMKEY|DBSIZE|TIME|CLIENT|INFO|SCAN|MEMORY|OBJECT/i;
    // Other servers take a datagram's size.
    const isLarge = kind === "two servers" ? /big|SETRANGE|x{200}/i : /^$/;
    const clients = [];
    for (const name of ["memory", kind]) {
      clients.push(await StreamClient.open(gateway(name).doors("resp")[0]));
    }
    let compared = 0;
    for (const { bytes, waitMs = 0 } of script(5, isBun ? 300 : 100)) {
      const text = bytes.toString("latin1");
      if (isOther.test(text) || isLarge.test(text)) continue;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      const [expected, got] = await Promise.all(
        clients.map((client) =>
          client.ask(Buffer.concat([bytes, request("ECHO", "end of step")]), "end of step\r\n")
        ),
      );
      assertEquals(sorted(got), sorted(expected), text);
      compared++;
    }
    assert(compared > 200, String(compared));
    for (const client of clients) client.close();
  });

  test(`the line door before ${kind}, as in memory`, { skip: isSkipped }, async () => {
    const lines = [
      "GET none",
      "SET k a value with blanks",
      "GET k",
      "SETB64 b AAH/ 60000",
      "GET b",
      "ADD n 5",
      "ADD n -7",
      "ADD k 1",
      "ADD n x",
      "EXPIRE n 0",
      "EXPIRE none 5",
      "EXPIRE n 60000",
      "TTL none",
      "TTL k",
      "DELETE k",
      "DELETE k",
      "DROP n",
      "GET n",
      "NONSENSE",
      "DROP -",
      "KEYS -",
    ];
    const told = [];
    for (const name of ["memory", kind]) {
      const client = await StreamClient.open(gateway(name).doors("line")[0]);
      told.push((await client.ask(`${lines.join("\n")}\nPING\n`, "PONG\n")).toString());
      client.close();
    }
    assertEquals(told[1], told[0]);
  });
}

/** Keys come in no order. */
function sorted(reply: Buffer): string {
  return reply.toString("latin1").split("\r\n").sort().join("\r\n");
}

test("the backend tells of itself in STATS, and PING tells whether it is there", {
  skip: isSkipped,
}, async () => {
  const engine = await startEngine();
  const server = await startGateway(["--backend", `redis://127.0.0.1:${engine.port}`]);
  const own = { ...env, KG_SERVER: server.addresses[0] };
  assertEquals(kg(own, ["set", "k", "v"]).status, 0);
  const { backend } = JSON.parse(kg(own, ["stats", "backend", "--json"]).text);
  assertEquals([backend.kind, backend.outage, backend.nodes], ["single", "none", 1]);
  assertMatch(backend[`127.0.0.1:${engine.port}`], /^up 16384 \d+ 0 0$/);
  await engine.stop();
  const startedAtMs = performance.now();
  const get = kg(own, ["get", "k", "--timeout", "10s"]);
  assertEquals(get.status, 4);
  assertMatch(
    get.stderr,
    /refused GET of "k": 127\.0\.0\.1:\d+: (?:nothing listens there|it closed)/,
  );
  assert(performance.now() - startedAtMs < 8_000, "an outage is told soon");
  const ping = kg(own, ["ping"]);
  assertEquals(ping.status, 4);
  assertMatch(ping.stderr, /nothing listens there|closed/);
  const doors: ["resp" | "line", Buffer, RegExp][] = [
    ["resp", request("PING"), /^-ERR .*(nothing|closed)/],
    ["line", Buffer.from("PING\n"), /^ERROR .*(nothing|closed)/],
  ];
  for (const [door, words, refusal] of doors) {
    const stream = await StreamClient.open(server.doors(door)[0]);
    assertMatch((await stream.ask(words)).toString(), refusal);
    stream.close();
  }
  const client = await connect(server.addresses[0], { key });
  const error = await client.add("n", 1, { timeout: TIMEOUT_MS }).catch((e) => e);
  assertEquals([error.code, error.effect], ["REQUEST", "none"]);
  const again = await startEngine([], engine.port);
  stops.push(() => again.stop());
  const until = performance.now() + TIMEOUT_MS;
  while (kg(own, ["ping"]).status !== 0) assert(performance.now() < until);
  assertEquals(await client.get("k", { timeout: TIMEOUT_MS }), undefined);
  client.close();
});

test(
  "through a door before an engine: values that are too large, and many keys in order",
  { skip: isSkipped || isLong },
  async () => {
    const engine = await startEngine();
    const server = await startGateway(["--backend", `redis://127.0.0.1:${engine.port}`]);
    const direct = await StreamClient.open(`127.0.0.1:${engine.port}`);
    const client = await StreamClient.open(server.doors("resp")[0]);
    const ask = async (to: StreamClient, ...requests: Buffer[]) =>
      (await to.ask(Buffer.concat([...requests, request("ECHO", "the end")]), "the end\r\n"))
        .toString("latin1").replace("$7\r\nthe end\r\n", "");
    await ask(direct, request("SET", "big", Buffer.alloc(2 * 1024 * 1024, "b")));
    const isTooLarge = /^-ERR the value there is larger than 1048576 bytes\r\n$/;
    for (
      const words of [["GET", "big"], ["GETRANGE", "big", "0", "5"], ["RENAME", "big", "big2"]]
    ) {
      assertMatch(await ask(client, request(...words)), isTooLarge, words[0]);
    }
    assertEquals(await ask(direct, request("STRLEN", "big")), ":2097152\r\n", "nothing is lost");
    assertMatch(
      await ask(client, request("GETDEL", "big")),
      /larger .*the change was carried out\r\n$/,
    );
    assertEquals(await ask(client, request("EXISTS", "big")), ":0\r\n");

    const names = Array.from({ length: 3_000 }, (_, i) => `k${i}`);
    const set = request("MSET", ...names.flatMap((name) => [name, name]));
    const last = names[names.length - 1];
    assertEquals(await ask(client, set, request("GET", last)), `+OK\r\n$5\r\n${last}\r\n`);
    const replies = await ask(client, request("DEL", ...names), request("SET", last, "new"));
    assertEquals(replies, ":3000\r\n+OK\r\n");
    assertEquals(await ask(client, request("GET", last)), "$3\r\nnew\r\n");
    const ifEqual = request("SET", last, "newer", "IFEQ", "new", "GET");
    assertEquals(await ask(client, ifEqual), "$3\r\nnew\r\n");
    for (const each of [direct, client]) each.close();
    await engine.stop();
  },
);

test(
  "keys move from memory to an engine and back by export and import",
  { skip: isSkipped || isLong },
  async () => {
    const engine = await startEngine();
    const server = await startGateway(["--backend", `redis://127.0.0.1:${engine.port}`]);
    const memory = await startGateway([]);
    const at = ({ addresses }: RunningServer) => ({ ...env, KG_SERVER: addresses[0] });
    kg(at(memory), ["set", "plain", "a value"]);
    kg(at(memory), ["set", "timed", "-", "--ttl", "1h"], { input: Buffer.from([0, 255, 10]) });
    const there = kg(at(memory), ["export"]);
    assertEquals(kg(at(server), ["import"], { input: there.stdout }).status, 0);
    const client = await connect(server.addresses[0], { key });
    const kv = client.within(TIMEOUT_MS);
    assertEquals(await kv.getText("plain"), "a value");
    const { value, ttl = 0 } = await kv.getItem("timed") ?? {};
    assertEquals([...value ?? []], [0, 255, 10]);
    assert(ttl > 3_000_000 && ttl <= 3_600_000, String(ttl));
    client.close();
    const back = await startGateway([]);
    assertEquals(kg(at(back), ["import"], { input: kg(at(server), ["export"]).stdout }).status, 0);
    assertEquals(kg(at(back), ["get", "timed"]).stdout, Buffer.from([0, 255, 10]));
    assertEquals(kg(at(back), ["keys"]).text.split("\n").sort(), ["", "plain", "timed"]);
    kg(at(back), ["set", "plain", "newer", "--overwrite"]);
    kg(at(back), ["delete", "timed"]);
    const lists = ["--from", server.addresses[0], "--to", back.addresses[0]];
    assertMatch(kg(at(back), ["move", ...lists]).stderr, /1 copied/);
    assertEquals(kg(at(back), ["get", "plain", "timed"]).status, 0);
    assertEquals(kg(at(back), ["get", "plain"]).text, "newer");
    const deep = kg(at(server), ["ping", "--deep", "--spread", "any"]);
    assertEquals([deep.status, deep.stderr], [0, ""]);
    await engine.stop();
  },
);

test(
  "a sidecar that nobody asks anything knows whether its servers are there",
  { skip: isLong },
  async () => {
    const other = await startGateway([]);
    const port = await freePort();
    const sidecar = await startGateway(["--backend", `kg://127.0.0.1:${port}`]);
    const own = { ...env, KG_SERVER: sidecar.addresses[0] };
    const becomes = async (status: number) => {
      const until = performance.now() + TIMEOUT_MS;
      while (kg(own, ["ping"]).status !== status) {
        assert(performance.now() < until, `ping does not become ${status}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };
    await becomes(4);
    const server = await startServer(env, ["--listen", `127.0.0.1:${port}`]);
    await becomes(0);
    await server.stop("SIGKILL");
    await becomes(4);
    const places = `127.0.0.1:${port},${other.addresses[0]}`;
    const get = kg(own, ["get", "none", "--server", places, "--spread", "any"]);
    assertEquals(get.status, 1, get.stderr);
  },
);

test(
  "a backend that can't be used is refused at the start, with the reason",
  { skip: isSkipped },
  async () => {
    const fail = (backend: string, expected: RegExp, ...args: string[]) => {
      const { status, stderr } = kg(
        { ...env, KG_BACKEND: backend },
        ["serve", "--listen", "127.0.0.1:0", ...args],
      );
      assertEquals(status, 2, stderr);
      assertMatch(stderr, expected);
      assert(!stderr.includes("secret"));
    };
    const engine = await startEngine(["--requirepass", "right"]);
    stops.push(() => engine.stop());
    const place = `127.0.0.1:${engine.port}`;
    fail(`redis://:secret@${place}`, /WRONGPASS/);
    fail(`redis://${place}`, /NOAUTH/);
    fail(`rediss://:right@${place}`, /TLS/);
    fail(`http://${place}`, /redis:\/\/HOST:PORT/);
    fail(`redis://${place}/3`, /only database 0/);
    const [line] = gateway("memory").doors("line");
    fail(`redis://${line}`, /no Redis or Valkey: it said "ERROR unknown command/);
    const tls = await startTlsEngine("right");
    stops.push(() => tls.stop());
    fail(`rediss://:right@localhost:${tls.port}`, /TLS: .*(?:self.signed|certificate)/i);
    fail(`rediss://:right@127.0.0.1:${tls.port}`, /TLS: /, "--backend-ca", tls.certificate);
    fail(`redis://:right@localhost:${tls.port}`, /TLS|closed/);
    const inArgv = kg(env, ["serve", "--backend", `redis://:secret@${place}`]);
    assertMatch(inArgv.stderr, /everybody on this machine sees/);
    assertMatch(
      kg(env, ["serve", "--backend", "redis://x", "--memory", "1GiB"]).stderr,
      /--memory is for/,
    );
    const path = join(folder, "password");
    writeFileSync(path, "right\n", { mode: 0o600 });
    const server = await startGateway([
      "--backend",
      `redis://${place}`,
      "--backend-password-file",
      path,
    ]);
    assertEquals(kg({ ...env, KG_SERVER: server.addresses[0] }, ["ping"]).status, 0);
  },
);

test("an engine that is full, read-only or loading: a clear error, and nothing changed", {
  skip: isSkipped,
}, async () => {
  const engine = await startEngine(["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
  stops.push(() => engine.stop());
  const server = await startGateway(["--backend", `redis://127.0.0.1:${engine.port}`]);
  const client = await connect(server.addresses[0], { key });
  const kv = client.within(TIMEOUT_MS);
  const full = await kv.set("k", "v").catch((error) => error);
  assertEquals([full.code, full.effect], ["FULL", "none"]);
  const primary = await startEngine();
  const replica = await startEngine(["--replicaof", `127.0.0.1 ${primary.port}`]);
  stops.push(() => primary.stop(), () => replica.stop());
  const behind = await startGateway(["--backend", `redis://127.0.0.1:${replica.port}`]);
  const reader = await connect(behind.addresses[0], { key });
  const refused = await reader.set("k", "v", { timeout: TIMEOUT_MS }).catch((error) => error);
  assertEquals([refused.code, refused.effect], ["REQUEST", "none"]);
  assertMatch(refused.message, /READONLY/);
  client.close();
  reader.close();
});

/** Speaks RESP as far as a greeting, and then as it is told. */
class OddEngine {
  readonly sockets = new Set<Socket>();
  /** They get no more replies. */
  readonly mute = new Set<Socket>();
  readonly server: Server;
  delayMs = 0;
  answer: (command: string, socket: Socket) => void = () => {};

  constructor() {
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        const text = bytes.toString("latin1");
        for (const [, command] of text.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
          if (this.mute.has(socket)) return;
          if (command === "PING") this.write(socket, "+PONG\r\n");
          else if (command === "CLUSTER") this.write(socket, "-ERR no cluster\r\n");
          else if (command === "INFO") this.write(socket, "$0\r\n\r\n");
          else this.answer(command, socket);
        }
      });
    });
  }

  write(socket: Socket, reply: string): void {
    setTimeout(() => socket.write(reply), this.delayMs);
  }

  async listen(): Promise<number> {
    const port = await freePort();
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    return port;
  }
}

test("a connection that breaks in the middle of a command: never sent again, and said so", async () => {
  const engine = new OddEngine();
  const port = await engine.listen();
  const server = await startServer(env, [
    ...DOORS,
    ...["--backend", `redis://127.0.0.1:${port}`, "--backend-timeout", "500ms"],
  ]);
  const client = await connect(server.addresses[0], { key });
  const kv = client.within(TIMEOUT_MS);
  const resp = await StreamClient.open(server.doors("resp")[0]);
  const seen: string[] = [];
  const outcome = async (call: Promise<unknown>) =>
    await call.then(
      (value) => String(value),
      (error) =>
        `${error.code} ${error.effect}${error.code === "REQUEST" ? ` ${error.message}` : ""}`,
    );
  // It takes the command and closes.
  engine.answer = (command, socket) => {
    seen.push(command);
    socket.destroy();
  };
  assertEquals(await outcome(kv.add("n", 1)), "DUPLICATE unknown");
  assertMatch((await resp.ask(request("INCR", "n"))).toString(), /not known whether/);
  assertEquals(seen, ["EVAL", "EVAL"], "each was sent once");
  assertMatch(await outcome(kv.get("n")), /^REQUEST none/);
  // It takes the command and says nothing. (The GET may still be tried again.)
  seen.length = 0;
  engine.answer = (command, socket) => {
    if (command !== "SET") return;
    seen.push(command);
    engine.mute.add(socket);
  };
  assertEquals(await outcome(kv.set("k", "v", { overwrite: true })), "DUPLICATE unknown");
  assertEquals(seen, ["SET"]);
  // It answers what is no RESP, or too much.
  engine.answer = (_, socket) => void socket.write("HTTP/1.1 200 OK\r\n");
  assertEquals(await outcome(kv.set("k", "v", { overwrite: true })), "DUPLICATE unknown");
  // It answers as it should, and all is well again.
  engine.answer = (command, socket) =>
    void socket.write(command === "GET" ? "$1\r\nv\r\n" : ":-1\r\n");
  const until = performance.now() + TIMEOUT_MS;
  while (await outcome(kv.getText("k")) !== "v") assert(performance.now() < until);
  // It carries out a command in part.
  let sets = 0;
  engine.answer = (command, socket) => {
    // Reads of before may still come.
    if (command === "SET") sets++;
    engine.write(socket, command === "SET" && sets === 2 ? "-MISCONF can't save\r\n" : "+OK\r\n");
  };
  assertEquals(
    (await resp.ask(request("MSET", "a", "1", "b", "2", "c", "3"))).toString(),
    "-ERR the engine refuses: MISCONF can't save; other parts of the command may have been carried out\r\n",
  );
  // A gateway that stops still answers what is under way.
  let asked = 0;
  engine.delayMs = 300;
  engine.answer = (command, socket) => {
    if (command === "DEL" || command === "GETDEL") asked++;
    engine.write(socket, ":1\r\n");
  };
  const deletes = [
    outcome(kv.delete("k").then(() => "deleted")),
    resp.ask(request("DEL", "k")).then((reply) => reply.toString()),
  ];
  while (asked < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const stopped = server.stop("SIGTERM");
  assertEquals(await Promise.all(deletes), ["deleted", ":1\r\n"]);
  assertEquals(await stopped, 0);
  client.close();
  resp.close();
  engine.server.close();
  for (const socket of engine.sockets) socket.destroy();
});
