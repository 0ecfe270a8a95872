/** The text doors of a real server: where they may listen, who may connect, and what that costs. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { request } from "../doors/resp_script.ts";
import {
  freshEnvironment,
  importLibrary,
  KG,
  kg,
  type RunningServer,
  startServer,
} from "./programs.ts";
import { openSocket, StreamClient } from "./stream_client.ts";

const { connect, TooLargeError } = await importLibrary();
const MIB = 2 ** 20;
/** Long enough for a slow shared machine. */
const TIMEOUT_MS = 20_000;

const env = freshEnvironment();
const folder = mkdtempSync(join(tmpdir(), "kilogram-doors-"));
const UNIX_LINE = `unix:${join(folder, "line.sock")}`;
const UNIX_RESP = `unix:${join(folder, "resp.sock")}`;
const MAX_CONNECTIONS = 200;

let server: RunningServer;

before(async () => {
  server = await startServer(env, [
    ...["--line", "127.0.0.1:0", "--line", UNIX_LINE, "--resp", "127.0.0.1:0", "--resp", UNIX_RESP],
    ...["--max-connections", String(MAX_CONNECTIONS)],
  ]);
});
after(async () => {
  await server.stop("SIGKILL");
});

/** Checks that a new client is served. */
async function isServed(): Promise<void> {
  const line = await StreamClient.open(server.doors("line")[0]);
  const resp = await StreamClient.open(UNIX_RESP);
  try {
    assertEquals((await line.ask("PING\n")).toString(), "PONG\n");
    assertEquals((await resp.ask(request("PING"))).toString(), "+PONG\r\n");
  } finally {
    line.close();
    resp.close();
  }
  assertEquals(kg(env, ["ping", "--server", server.addresses[0], "--timeout", "10s"]).status, 0);
}

/** Memory of the server's process, where the system reports it. */
function residentBytes(): number {
  const status = `/proc/${server.process.pid}/status`;
  if (!existsSync(status)) return 0;
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(status, "utf8"))?.[1]) * 1_024;
}

test("a value written at one door is read at every other", async () => {
  const kv = await connect(server.addresses[0], { key: env.KG_KEY ?? "" });
  const options = { timeout: TIMEOUT_MS };
  const [tcpLine, tcpResp] = [server.doors("line")[0], server.doors("resp")[0]];
  const clients = await Promise.all(
    [tcpLine, UNIX_LINE, tcpResp, UNIX_RESP].map(StreamClient.open),
  );
  const [line, unixLine, resp, unixResp] = clients;
  assertEquals((await line.ask("SET shared one\n")).toString(), "OK\n");
  assertEquals((await unixResp.ask(request("GET", "shared"), "e\r\n")).toString(), "$3\r\none\r\n");
  assertEquals(await kv.getText("shared", options), "one");
  await kv.set("shared", "two", { ...options, overwrite: true });
  assertEquals(
    (await resp.ask(request("GETSET", "shared", "3"), "o\r\n")).toString(),
    "$3\r\ntwo\r\n",
  );
  assertEquals((await unixLine.ask("ADD shared 4\n")).toString(), "VALUE Nw==\n");
  assertEquals((await kv.add("shared", 1, options)).value, 8n);
  assertEquals((await resp.ask(request("INCR", "shared"))).toString(), ":9\r\n");

  const large = "x".repeat(864);
  await line.ask(`SET large ${large}\n`);
  await assertRejects(() => kv.get("large", options), TooLargeError);
  assertEquals((await kv.exists("large", options))?.ttl, undefined);
  await line.ask(`SET fits ${large.slice(1)}\n`);
  assertEquals(await kv.getText("fits", options), large.slice(1));
  for (const client of clients) client.close();
  kv.close();
});

test("a script for nc: it closes its side, and is answered", async () => {
  const client = await StreamClient.open(UNIX_LINE);
  client.socket.end("SET nc 1\nGET nc\n");
  assertEquals((await client.rest()).toString(), "OK\nVALUE MQ==\n");
});

test("STATS reports the connections", () => {
  const stats = kg(env, ["stats", "connections", "--server", server.addresses[0]]).text;
  assertMatch(stats, /open +\d+\n *accepted +\d+\n *cut_off +\d+\n *held_bytes +\d+\n/);
  assertMatch(kg(env, ["stats", "operations", "--server", server.addresses[0]]).text, /resp\s+\d/);
});

test("a Unix socket is for its owner or as --socket-mode says, and is removed with the server", {
  skip: process.platform === "win32",
}, async () => {
  assertEquals(statSync(join(folder, "line.sock")).mode & 0o777, 0o600);
  const path = join(folder, "open.sock");
  const other = await startServer(env, ["--resp", `unix:${path}`, "--socket-mode", "0660"]);
  assertEquals(statSync(path).mode & 0o777, 0o660);
  await other.stop();
  assertEquals(existsSync(path), false);
});

test("a stale socket is replaced; a live one and a regular file are left alone", {
  skip: process.platform === "win32",
}, async () => {
  const path = join(folder, "stale.sock");
  const dead = await startServer(env, ["--line", `unix:${path}`]);
  await dead.stop("SIGKILL");
  assert(existsSync(path), "a killed server leaves its socket");
  const next = await startServer(env, ["--line", `unix:${path}`]);
  const client = await StreamClient.open(`unix:${path}`);
  assertEquals((await client.ask("PING\n")).toString(), "PONG\n");

  const third = kg(env, ["serve", "--listen", "127.0.0.1:0", "--line", `unix:${path}`]);
  assertEquals(third.status, 5);
  assertMatch(third.stderr, /can't listen at --line unix:.*another server answers at it/);
  assertEquals((await client.ask("PING\n")).toString(), "PONG\n", "and the live one answers");
  client.close();
  await next.stop();

  writeFileSync(path, "precious");
  const onFile = kg(env, ["serve", "--listen", "127.0.0.1:0", "--line", `unix:${path}`]);
  assertEquals([onFile.status, readFileSync(path, "utf8")], [5, "precious"]);
  assertMatch(onFile.stderr, /in use/);
});

test("of two servers that find a stale socket one gets it, and neither removes the other's", {
  skip: process.platform === "win32",
}, async () => {
  const path = join(folder, "contended.sock");
  const dead = await startServer(env, ["--line", `unix:${path}`]);
  await dead.stop("SIGKILL");
  const starts = await Promise.allSettled(
    Array.from({ length: 4 }, () => startServer(env, ["--line", `unix:${path}`])),
  );
  const running = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  assertEquals(running.length, 1);
  rmSync(path);
  const next = await startServer(env, ["--line", `unix:${path}`]);
  await running[0].stop();
  const client = await StreamClient.open(`unix:${path}`);
  assertEquals((await client.ask("PING\n")).toString(), "PONG\n");
  client.close();
  await next.stop();
});

test("a door that can't open is one line of error, and nothing is left running", () => {
  const wrong: readonly (readonly [string[], number, RegExp])[] = [
    [["--line", "0.0.0.0:0"], 2, /unencrypted.*--listen.*--plaintext-ok/],
    [["--resp", "[::]:0"], 2, /unencrypted/],
    [["--resp", "192.0.2.1:6380"], 2, /unencrypted/],
    [["--line", "unix:"], 2, /lacks a path/],
    [["--line", `unix:/tmp/${"x".repeat(100)}`], 5, /the path is too long for a socket/],
    [["--line", `unix:${folder}/none/x.sock`], 5, /its folder does not exist/],
    [["--resp", server.doors("resp")[0]], 5, /in use/],
    [["--line", "8765"], 2, /is not an address: write host:port, as 127\.0\.0\.1:8765/],
    [
      ["--line", `unix:${folder}/y.sock`, "--socket-mode", "rw"],
      2,
      /--socket-mode rw is not a mode/,
    ],
    [["--max-connections", "0"], 2, /--max-connections 0 is not a number of 1 to/],
  ];
  for (const [args, expected, message] of wrong) {
    const { status, stderr } = kg(env, ["serve", "--listen", "127.0.0.1:0", ...args]);
    assertEquals(status, expected, stderr);
    assertMatch(stderr, message);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
});

test("--plaintext-ok lets a door listen to the network", async () => {
  const open = await startServer(env, ["--line", "0.0.0.0:0", "--plaintext-ok"]);
  assertMatch(open.output(), /not encrypted: line at 0\.0\.0\.0:\d+/);
  await open.stop();
});

test("a client that never reads costs little, and delays nobody", async () => {
  const before = residentBytes();
  const value = Buffer.alloc(MIB, "x");
  const setter = await StreamClient.open(UNIX_RESP);
  assertEquals((await setter.ask(request("SET", "big", value))).toString(), "+OK\r\n");
  setter.close();
  const sockets = await openMany(UNIX_RESP, 40);
  const gets = Buffer.concat(Array.from({ length: 1_000 }, () => request("GET", "big")));
  for (const socket of sockets) {
    socket.pause();
    socket.write(gets);
  }
  for (let i = 0; i < 5; i++) await isServed();
  // The replies asked for are 40,000 MiB.
  await assertGrowth(before, 300 * MIB);
  closeAll(sockets);
});

test("a slow reader gets every byte, in order, and then the end", async () => {
  const values = Array.from({ length: 30 }, (_, i) => Buffer.alloc(MIB - i, `value ${i}, `));
  const client = await StreamClient.open(UNIX_RESP);
  const asked = values.map((
    value,
    i,
  ) => [request("SET", `slow${i}`, value), request("GET", `slow${i}`)]);
  client.socket.pause();
  client.socket.end(Buffer.concat(asked.flat()));
  await new Promise((resolve) => setTimeout(resolve, 200));
  client.socket.resume();
  const expected = values.map((value) =>
    Buffer.concat([Buffer.from(`+OK\r\n$${value.length}\r\n`), value, Buffer.from("\r\n")])
  );
  const answer = await client.rest();
  assert(answer.equals(Buffer.concat(expected)), `${answer.length} bytes`);
});

test("half a request, a gigabyte announced, and noise", async () => {
  const before = residentBytes();
  const halves = await openMany(UNIX_LINE, 100);
  for (const socket of halves) {
    socket.write(Buffer.concat([Buffer.from("SET a "), Buffer.alloc(MIB, "x")]));
  }
  await isServed();
  const liar = await StreamClient.open(UNIX_RESP);
  liar.socket.write("*2\r\n$3\r\nGET\r\n$1073741824\r\nabc");
  assertEquals((await liar.rest()).toString(), "-ERR Protocol error: invalid bulk length\r\n");
  const noisy = [...await openMany(UNIX_LINE, 20), ...await openMany(UNIX_RESP, 20)];
  const noise = Buffer.from(Uint8Array.from({ length: MIB }, (_, i) => (i * i * 31) >> 3));
  for (const socket of noisy) socket.write(noise);
  for (let i = 0; i < 5; i++) await isServed();
  await assertGrowth(before, 300 * MIB);
  closeAll([...halves, ...noisy]);
});

test("ten thousand connections: the newest and the busy ones are served", async () => {
  const before = residentBytes();
  const honest = await StreamClient.open(UNIX_RESP);
  const sockets: Socket[] = [];
  let cutOff = 0;
  for (let i = 0; i < 200; i++) {
    const more = await openMany(UNIX_RESP, 50);
    for (const socket of more) socket.once("close", () => cutOff++).resume();
    sockets.push(...more);
    assertEquals((await honest.ask(request("PING"))).toString(), "+PONG\r\n");
  }
  await isServed();
  const deadline = Date.now() + TIMEOUT_MS;
  while (cutOff < 10_000 - MAX_CONNECTIONS && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert(cutOff >= 10_000 - MAX_CONNECTIONS, `${cutOff} were cut off`);
  await assertGrowth(before, 300 * MIB);
  honest.close();
  closeAll(sockets);
});

test("the tools of Redis work", {
  skip: spawnSync("redis-cli", ["--version"]).status !== 0,
}, () => {
  const port = server.doors("resp")[0].split(":")[1];
  const cli = (...args: string[]) =>
    spawnSync("redis-cli", ["-p", port, ...args], { encoding: "utf8" }).stdout;
  assertEquals(cli("SET", "cli", "a b", "EX", "100"), "OK\n");
  assertEquals(cli("GET", "cli"), "a b\n");
  assertEquals(cli("TTL", "cli"), "100\n");
  const piped = spawnSync("redis-cli", ["-p", port, "--pipe"], {
    encoding: "utf8",
    input: Buffer.concat(Array.from({ length: 1_000 }, (_, i) => request("SET", `p${i}`, `${i}`))),
  });
  assertMatch(piped.stdout, /errors: 0, replies: 1000/);
  const benchmark = spawnSync("redis-benchmark", [
    ...["-p", port, "-t", "get,set,incr", "-n", "5000", "-q", "-P", "4"],
  ], { encoding: "utf8" });
  assertEquals(benchmark.status, 0, benchmark.stderr);
  for (const name of ["GET", "SET", "INCR"]) {
    assertMatch(benchmark.stdout, new RegExp(`${name}: [\\d.]+ requests per second`));
  }
});

/** Memory in use is bounded at once; memory let go of is freed when the collector runs. */
async function assertGrowth(before: number, most: number): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (residentBytes() - before >= most && Date.now() < deadline) await isServed();
  const growth = residentBytes() - before;
  assert(growth < most, `the server grew by ${Math.round(growth / MIB)} MiB`);
}

function openMany(place: string, count: number): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, () => openSocket(place)));
}

function closeAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

test("a value too large for a datagram is deleted by kg, which can't show it", async () => {
  const client = await StreamClient.open(UNIX_RESP);
  const set = request("SET", "large", Buffer.alloc(5_000, "x"));
  for (const [args, status] of [[[], 0], [["--json"], 0], [["--old"], 4]] as const) {
    assertEquals((await client.ask(set)).toString(), "+OK\r\n");
    const to = { ...env, KG_SERVER: server.addresses[0] };
    const deleted = kg(to, ["delete", "large", ...args]);
    assertEquals(deleted.status, status, deleted.stderr);
    const told = args.length > 0 && status === 0 ? '{"key":"large","deleted":true}\n' : "";
    assertEquals(deleted.text, told);
    assertEquals((await client.ask(request("EXISTS", "large"))).toString(), ":0\r\n");
  }
  client.close();
});

test("with few descriptors there are fewer connections, and the server does not spin", {
  skip: process.platform !== "linux",
}, async () => {
  const limited = ["bash", "-c", 'ulimit -n 150; exec "$@"', "bash", ...KG];
  const small = await startServer(env, ["--resp", "127.0.0.1:0"], limited);
  assertMatch(small.output(), /at most 86 connections through the doors at a time, not 1024/);
  const [place] = small.doors("resp");
  const sockets = await openMany(place, 120);
  const fresh = await StreamClient.open(place);
  assertEquals((await fresh.ask(request("PING"))).toString(), "+PONG\r\n");
  const ticks = () => {
    const stat = readFileSync(`/proc/${small.process.pid}/stat`, "utf8");
    const [, , ...fields] = stat.slice(stat.lastIndexOf(")")).split(" ");
    return Number(fields[10]) + Number(fields[11]);
  };
  const before = ticks();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  // In hundredths of a second: a processor that spins takes 200.
  assert(ticks() - before < 100, `${ticks() - before} hundredths of a second of processor time`);
  fresh.close();
  closeAll(sockets);
  await small.stop("SIGKILL");
});
