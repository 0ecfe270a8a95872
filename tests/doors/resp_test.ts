/** What only the RESP door does; the rest is compared with a real server. */

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { NONE, spanOf } from "../../src/store/store.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { openDoors, WALL_OFFSET_MS } from "./door_world.ts";
import { request } from "./resp_script.ts";

const ask = (words: string) => request(...words.split(" "));

test("times to live, by the clock", async () => {
  const { resp, clock } = openDoors();
  const peer = resp();
  assertEquals(peer.ask(ask("SET k v PX 1000")), "+OK\r\n");
  assertEquals(peer.ask(ask("PTTL k")), ":1000\r\n");
  await clock.pass(400);
  assertEquals(peer.ask(ask("PTTL k")), ":600\r\n");
  assertEquals(peer.ask(ask("TTL k")), ":1\r\n");
  await clock.pass(200);
  assertEquals(peer.ask(ask("TTL k")), ":0\r\n");
  peer.ask(ask("SET k w KEEPTTL"));
  assertEquals(peer.ask(ask("PTTL k")), ":400\r\n");
  await clock.pass(400);
  assertEquals(peer.ask(ask("GET k")), "$-1\r\n");
  const inTwoSeconds = WALL_OFFSET_MS + clock.now() + 2_000;
  peer.ask(ask(`SET k v PXAT ${inTwoSeconds}`));
  assertEquals(peer.ask(ask("PTTL k")), ":2000\r\n");
  peer.ask(ask(`SET k v EXAT ${Math.floor(inTwoSeconds / 1_000) + 5}`));
  assertMatch(peer.ask(ask("TTL k")), /^:[67]\r\n$/);
  peer.ask(ask(`SET k v PXAT ${WALL_OFFSET_MS}`));
  assertEquals(peer.ask(ask("EXISTS k")), ":0\r\n", "a time that has passed");
});

test("KEYS and RANDOMKEY find what is stored right after FLUSHALL", () => {
  const { resp, store } = openDoors({ limitBytes: 2 ** 25 });
  const peer = resp();
  const found = { bytes: Buffer.alloc(0), start: 0, room: NONE, length: NONE, expiresAtMs: 0 };
  for (let i = 0; i < 200_000; i++) {
    store.set(spanOf(Buffer.from(`${i}`)), spanOf(Buffer.alloc(0)), 0, true, found);
  }
  const reply = (words: string) => {
    peer.send(ask(words));
    while (peer.turn());
    return peer.take();
  };
  assertMatch(reply("KEYS *1"), /^-ERR there are too many keys/);
  assertEquals(reply("FLUSHALL") + reply("SET only 1"), "+OK\r\n+OK\r\n");
  assertEquals(reply("KEYS *"), "*1\r\n$4\r\nonly\r\n");
  assertEquals(reply("RANDOMKEY"), "$4\r\nonly\r\n");
});

test("a pattern is as long as a key at most", () => {
  const { resp } = openDoors();
  const refusal = "-ERR a pattern has at most 1024 bytes\r\n";
  const [most, more] = ["*".repeat(1_024), "*".repeat(1_025)];
  assertEquals(resp().ask(request("KEYS", most)), "*0\r\n");
  assertEquals(resp().ask(request("KEYS", more)), refusal);
  assertEquals(resp().ask(request("SCAN", "0", "MATCH", more)), refusal);
});

test("a key that expires while a command looks at it is there or is not", () => {
  const clock = new VirtualClock();
  const { now } = clock;
  let looks = 0;
  // Time passes with every look at the clock.
  Object.assign(clock, { now: () => now() + looks++ });
  for (
    const command of [
      "RENAME a b",
      "COPY a b",
      "APPEND a x",
      "GETEX a PERSIST",
      "INCR a",
      "GETSET a x",
    ]
  ) {
    for (let ttlMs = 1; ttlMs < 40; ttlMs++) {
      const { resp } = openDoors({ clock });
      const peer = resp();
      peer.ask(ask(`SET a 1 PX ${ttlMs}`));
      assertMatch(peer.ask(ask(command)), /^(\+OK|-ERR no such key|:[0-9]|\$-1|\$1\r\n1)\r\n$/);
      assertMatch(peer.ask(ask("MGET a b")), /^\*2(\r\n(\$-1|\$[12]\r\n[12x]+)){2}\r\n$/);
    }
  }
});

test("a key of another length than 1 to 1,024 bytes is not there, and can't be stored", () => {
  const { resp, store } = openDoors();
  const peer = resp();
  peer.ask(request("SET", "good", "1"));
  const refusal = "-ERR a key has 1 to 1024 bytes here\r\n";
  const absent: readonly (readonly [reply: string, ...command: string[]])[] = [
    ...["GET", "GETDEL", "GETEX"].map((name) => ["$-1", name] as const),
    ...["DEL", "UNLINK", "EXISTS", "TOUCH", "PERSIST", "STRLEN"].map((name) =>
      [":0", name] as const
    ),
    ...["TTL", "PTTL", "EXPIRETIME"].map((name) => [":-2", name] as const),
    ["+none", "TYPE"],
    ["*1\r\n$-1", "MGET"],
  ];
  for (const key of ["", "k".repeat(1_025)]) {
    for (const [reply, command] of absent) {
      assertEquals(peer.ask(request(command, key)), `${reply}\r\n`, command);
    }
    assertEquals(peer.ask(request("EXPIRE", key, "1")), ":0\r\n");
    assertEquals(peer.ask(request("GETRANGE", key, "0", "1")), "$0\r\n\r\n");
    assertEquals(peer.ask(request("RENAME", key, "new")), "-ERR no such key\r\n");
    assertEquals(peer.ask(request("COPY", key, "new")), ":0\r\n");
    assertEquals(peer.ask(request("DELIFEQ", key, "v")), ":0\r\n");
    for (const command of ["INCR", "DECR"]) assertEquals(peer.ask(request(command, key)), refusal);
    for (const command of ["SET", "SETNX", "GETSET", "MSET", "MSETNX", "APPEND", "INCRBY"]) {
      assertEquals(peer.ask(request(command, key, "1")), refusal, command);
    }
    for (const command of ["SETEX", "PSETEX", "SETRANGE"]) {
      assertEquals(peer.ask(request(command, key, "1", "v")), refusal, command);
    }
    assertEquals(peer.ask(request("SET", key, "v", "IFEQ", "w")), refusal);
    assertEquals(peer.ask(request("RENAME", "good", key)), refusal);
    assertEquals(peer.ask(request("COPY", "good", key)), refusal);
    assertEquals(peer.ask(request("MSET", "better", "1", key, "2")), refusal);
  }
  assertEquals(store.count, 1);
  assertEquals(peer.ask(request("SET", "k".repeat(1_024), "v")), "+OK\r\n");
  assertEquals(peer.ask(request("GET", "k".repeat(1_024))), "$1\r\nv\r\n");
});

test("IFEQ and DELIFEQ act on the expected value alone, as in Valkey", () => {
  const { resp, store } = openDoors();
  const peer = resp();
  const answers = (commands: readonly string[]) => commands.map((words) => peer.ask(ask(words)));
  assertEquals(answers(["SET k new IFEQ old", "DELIFEQ k old"]), ["$-1\r\n", ":0\r\n"]);
  peer.ask(ask("SET k one EX 100"));
  assertEquals(answers(["SET k two IFEQ on", "SET k two ifeq one GET", "GET k", "TTL k"]), [
    ...["$-1\r\n", "$3\r\none\r\n", "$3\r\ntwo\r\n", ":-1\r\n"],
  ]);
  assertEquals(answers(["SET k three IFEQ x GET", "SET k three IFEQ two EX 50", "TTL k"]), [
    ...["$3\r\ntwo\r\n", "+OK\r\n", ":50\r\n"],
  ]);
  assertEquals(answers(["SET k four IFEQ three KEEPTTL", "TTL k"]), ["+OK\r\n", ":50\r\n"]);
  const syntax = "-ERR syntax error\r\n";
  const wrong = ["SET k v IFEQ", "SET k v IFEQ four NX", "SET k v XX IFEQ four"];
  assertEquals(answers(wrong), [syntax, syntax, syntax]);
  assertEquals(answers(["DELIFEQ k three", "DELIFEQ k four", "GET k"]), [
    ...[":0\r\n", ":1\r\n", "$-1\r\n"],
  ]);
  const large = "v".repeat(300_000);
  const send = (...words: string[]) => {
    peer.send(request(...words));
    while (peer.turn());
    return peer.take();
  };
  send("SET", "large", large);
  assertEquals(send("SET", "large", "small", "IFEQ", `${large.slice(1)}w`), "$-1\r\n");
  assertEquals(send("DELIFEQ", "large", large), ":1\r\n", "values in pieces too");
  assertEquals(store.count, 0);
});

test("the largest value, and one more byte", () => {
  const { resp } = openDoors();
  const peer = resp();
  const value = "v".repeat(2 ** 20);
  peer.send(request("SET", "k", value));
  while (peer.turn());
  assertEquals(peer.take(), "+OK\r\n");
  peer.send(request("GET", "k"));
  while (peer.turn());
  assertEquals(peer.take(), `$${2 ** 20}\r\n${value}\r\n`);
  assertEquals(peer.ask(ask("STRLEN k")), `:${2 ** 20}\r\n`);
  peer.send(request("SET", "k", `${value}v`));
  assertEquals(peer.take(), "-ERR Protocol error: invalid bulk length\r\n");
  assertEquals(peer.isEnded, true);
});

test("replies and requests have a limit", () => {
  const { resp } = openDoors({ limitBytes: 2 ** 25 });
  const peer = resp();
  const all = (bytes: Buffer) => {
    peer.send(bytes);
    while (peer.turn());
    return peer.take();
  };
  all(request("SET", "k", "v".repeat(2 ** 20)));
  assertEquals(all(request("MGET", "k", "k", "k")).length, "*3\r\n".length + 3 * (2 ** 20 + 12));
  assertMatch(
    all(request("MGET", "k", "k", "k", "k")),
    /^-ERR the reply would be larger than 4 MiB/,
  );
  assertEquals(all(request("PING")), "+PONG\r\n");
  const many = Array.from({ length: 65_535 }, (_, i) => `k${i}`);
  assertEquals(all(request("EXISTS", ...many)), ":0\r\n");
  const half = "v".repeat(2 ** 20);
  const large = request("MSET", "a", half, "b", half, "c", half, "d", half);
  assertEquals(all(large), "-ERR Protocol error: invalid bulk length\r\n");
  const other = resp();
  const answer = other.ask("*65537\r\n");
  assertEquals(answer, "-ERR Protocol error: invalid multibulk length\r\n");
  const byHand = resp().ask(`EXISTS ${"k ".repeat(1_024)}\r\n`);
  assertEquals(byHand, "-ERR Protocol error: too big inline request\r\n");
});

test("lines that a browser is made to send are not carried out", () => {
  const { resp, store } = openDoors();
  for (const method of ["GET", "POST"]) {
    const peer = resp();
    peer.send(`${method} / HTTP/1.1\r\nHost: localhost:6380\r\n\r\nSET evil 1\r\n`);
    assertEquals([peer.isEnded, store.count], [true, 0]);
  }
});

test("a full store refuses what needs room, as Redis does", () => {
  const { resp } = openDoors({ limitBytes: 2 ** 20, onFull: "refuse" });
  const peer = resp();
  const oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
  let answer = "";
  for (let i = 0; i < 5_000 && answer !== oom; i++) {
    answer = peer.ask(request("SET", `k${i}`, "v".repeat(1_000)));
  }
  assertEquals(answer, oom);
  const value = "v".repeat(1_000);
  assertEquals(peer.ask(request("SETNX", "new", value)), oom);
  assertEquals(peer.ask(request("GETSET", "new", value)), oom);
  assertEquals(peer.ask(request("SET", "new", value, "GET")), oom);
  assertEquals(peer.ask(request("SETEX", "new", "10", value)), oom);
  assertEquals(peer.ask(request("MSET", "new", value)), oom);
  assertEquals(peer.ask(ask("GET k0")), `$1000\r\n${"v".repeat(1_000)}\r\n`);
  assertEquals(peer.ask(ask("DEL k0 k1 k2 k3 k4 k5")), ":6\r\n");
  assertEquals(peer.ask(request("SETNX", "new", value)), ":1\r\n");
});

test("the commands that clients send when they connect", () => {
  const { resp } = openDoors();
  const [one, two] = [resp(), resp()];
  assertEquals(one.ask(ask("CLIENT SETINFO LIB-NAME redis-py")), "+OK\r\n");
  assertMatch(one.ask(ask("CLIENT SETINFO BAD x")), /^-ERR Unrecognized option 'BAD'/);
  const id = one.ask(ask("CLIENT ID"));
  assertMatch(id, /^:\d+\r\n$/);
  assert(id !== two.ask(ask("CLIENT ID")), "no two connections have the same id");
  const hello = two.ask(ask("HELLO 2 SETNAME worker"));
  assertMatch(hello, /^\*14\r\n\$6\r\nserver\r\n\$5\r\nredis\r\n.*proto\r\n:2\r\n/s);
  assertMatch(two.ask(ask("HELLO 3")), /^%7\r\n\$6\r\nserver\r\n.*proto\r\n:3\r\n.*\*0\r\n$/s);
  assertEquals(two.ask(ask("HELLO 4")), "-NOPROTO unsupported protocol version\r\n");
  assertEquals(two.ask(ask("GET nothing")), "_\r\n", "and version 3 goes on");
  assertEquals(two.ask(ask("CLIENT GETNAME")), "$6\r\nworker\r\n");
  const longName = one.ask(ask(`CLIENT SETNAME ${"n".repeat(257)}`));
  assertEquals(longName, "-ERR a client name has at most 256 bytes here\r\n");
  assertMatch(one.ask(ask("COMMAND DOCS")), /^-ERR unknown subcommand 'DOCS'/);
  const count = Number(one.ask(ask("COMMAND COUNT")).slice(1));
  const commands = one.ask(ask("COMMAND"));
  assert(commands.startsWith(`*${count}\r\n*6\r\n$3\r\nget\r\n:2\r\n`));
  const get = "*6\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n";
  assertEquals(one.ask(ask("COMMAND INFO get nosuch")), `*2\r\n${get}$-1\r\n`);
});

test("docs/DOORS.md lists every command, and no other", () => {
  const document = readFileSync("docs/DOORS.md", "utf8");
  const [, table] = /\| about .*\n.*\n([^]*?)\n\n/.exec(document) ?? [];
  const rows = (table ?? "").split("\n").map((row) => row.split("|")[2].replace(/\([^)]*\)/g, ""));
  const documented = rows.flatMap((row) => row.split(",").map((name) => name.trim().toLowerCase()));
  const answer = openDoors().resp().ask(ask("COMMAND"));
  const names = [...answer.matchAll(/\*6\r\n\$\d+\r\n([a-z]+)/g)].map(([, name]) => name);
  assertEquals(documented.sort(), names.sort());
});

test("INFO reports the state of the server, and has the sections that are asked for", () => {
  const { resp, line } = openDoors();
  const peer = resp();
  line().ask("SET a 1\n");
  peer.ask(ask("GET a"));
  peer.ask(ask("GET b"));
  peer.ask(ask("SET c 1 EX 100"));
  const info = peer.ask(ask("INFO"));
  assertMatch(info, /^\$\d+\r\n# Server\r\nredis_version:\d+\.\d+\.\d+\r\n/);
  for (
    const fact of [
      "connected_clients:2",
      "total_connections_received:2",
      "total_commands_processed:4",
      "keyspace_hits:1",
      "keyspace_misses:1",
      "db0:keys=2,expires=1,avg_ttl=0",
    ]
  ) assert(info.includes(`${fact}\r\n`), fact);
  const clients = "# Clients\r\nconnected_clients:2\r\nmaxclients:100\r\nblocked_clients:0\r\n";
  assertEquals(peer.ask(ask("INFO clients")), `$${clients.length}\r\n${clients}\r\n`);
  assertEquals(peer.ask(ask("INFO nosuch")), "$0\r\n\r\n");
});
