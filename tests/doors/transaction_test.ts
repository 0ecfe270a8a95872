/** Transactions and passwords of the RESP door: their bounds, and what others change meanwhile. */

import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Password } from "../../src/doors/resp/password.ts";
import { MAX_QUEUED } from "../../src/doors/resp/transaction.ts";
import { MAX_WATCHED } from "../../src/doors/resp/watches.ts";
import { NONE, spanOf } from "../../src/store/store.ts";
import { text } from "../bytes.ts";
import { openDoors, type Peer } from "./door_world.ts";
import { request } from "./resp_script.ts";

const MIB = 2 ** 20;
const ask = (peer: Peer, words: string) => {
  peer.send(request(...words.split(" ")));
  while (peer.turn());
  return peer.take();
};
const found = { bytes: text(""), start: 0, room: NONE, length: NONE, expiresAtMs: 0 };
const EXECABORT = "-EXECABORT Transaction discarded because of previous errors.\r\n";

test("WATCH notices a change by anybody: other doors, the wire, time, eviction, a drop", async () => {
  const { resp, line, store, clock } = openDoors({ limitBytes: MIB });
  const peer = resp();
  const others: readonly (readonly [name: string, change: () => unknown])[] = [
    ["the line door", () => line().ask("ADD k 1\n")],
    ["another connection", () => ask(resp(), "APPEND k x")],
    ["the wire", () => store.set(spanOf(text("k")), spanOf(text("1")), 0, true, found)],
    ["a removal", () => store.delete(spanOf(text("k")), found)],
    ["a time to live", () => store.touch(spanOf(text("k")), 1e9)],
    ["a drop", () => store.drop(spanOf(text("k")))],
    ["FLUSHALL", () => ask(resp(), "FLUSHALL")],
    ["its end", async () => {
      store.touch(spanOf(text("k")), clock.now() + 10);
      await clock.pass(20);
    }],
    ["eviction", () => {
      for (let i = 0; i < 20_000; i++) {
        store.set(spanOf(text(`fill${i}`)), spanOf(text("x".repeat(100))), 0, true, found);
      }
    }],
  ];
  for (const [name, change] of others) {
    ask(peer, "SET k 1");
    assertEquals(ask(peer, "WATCH k other"), "+OK\r\n");
    await change();
    assertEquals(ask(peer, "MULTI") + ask(peer, "SET k mine"), "+OK\r\n+QUEUED\r\n");
    assertEquals(ask(peer, "EXEC"), "*-1\r\n", name);
  }
  ask(peer, "SET k 1");
  ask(peer, "WATCH k");
  store.drop(spanOf(text("other")));
  line().ask("SET other 1\nGET k\nTTL k\nDEL nothing\n");
  ask(peer, "MULTI");
  ask(peer, "GET k");
  assertEquals(ask(peer, "EXEC"), "*1\r\n$1\r\n1\r\n", "and nothing else");
});

test("a key that had expired when it was watched does not change by that", async () => {
  const { resp, clock } = openDoors();
  const peer = resp();
  ask(peer, "SET k 1 PX 10");
  await clock.pass(20);
  ask(peer, "WATCH k");
  ask(peer, "MULTI");
  ask(peer, "SET k 2");
  assertEquals(ask(peer, "EXEC"), "*1\r\n+OK\r\n");
});

test("a queue has a bound: one command, one word or one byte more, and nothing is carried out", () => {
  const tooLarge = /^-ERR the transaction is too large: 16384 commands, 4 MiB\r\n$/;
  const fills: readonly (readonly [command: Buffer, most: number])[] = [
    [request("SET", "k", "v"), MAX_QUEUED],
    [request("EXISTS", ...Array.from({ length: 255 }, (_, i) => `k${i}`)), 256],
    [request("SET", "k", "v".repeat(MIB - 100)), 4],
  ];
  for (const [command, most] of fills) {
    const { resp, store, connections } = openDoors({ limitBytes: 16 * MIB });
    const peer = resp();
    const send = (bytes: Buffer) => {
      peer.send(bytes);
      while (peer.turn());
      return peer.take();
    };
    ask(peer, "MULTI");
    for (let i = 0; i < most; i++) assertEquals(send(command), "+QUEUED\r\n", `${i}`);
    assert(connections.heldBytes <= 8 * MIB, `${connections.heldBytes} bytes held`);
    assertMatch(send(command), tooLarge);
    assertEquals([connections.heldBytes, send(command)], [0, "+QUEUED\r\n"], "it is let go of");
    assertEquals([ask(peer, "EXEC"), store.count], [EXECABORT, 0]);
    ask(peer, "MULTI");
    for (let i = 0; i < most; i++) send(command);
    assertMatch(ask(peer, "EXEC"), new RegExp(`^\\*${most}\r\n`));
    assertEquals(connections.heldBytes, 0);
  }
});

test("commands that look at many keys count as several of a queue", () => {
  const { resp, store } = openDoors();
  const peer = resp();
  ask(peer, "MULTI");
  for (const words of ["KEYS *", "SET k v", "KEYS k"]) {
    const isLast = words === "KEYS k";
    assertMatch(
      ask(peer, words),
      isLast ? /^-ERR the transaction is too large/ : /^\+QUEUED/,
      words,
    );
  }
  assertEquals([ask(peer, "EXEC"), store.count], [EXECABORT, 0]);
  ask(peer, "MULTI");
  for (let i = 0; i < MAX_QUEUED / 128; i++) assertEquals(ask(peer, "SCAN 0"), "+QUEUED\r\n");
  assertMatch(ask(peer, "FLUSHALL"), /^-ERR the transaction is too large/);
  assertEquals(ask(peer, "EXEC"), EXECABORT);
});

test("a subcommand that there is not is refused before EXEC carries anything out", () => {
  for (const words of ["OBJECT BOGUS k", "OBJECT FREQ", "CLIENT NOSUCH", "CONFIG GET"]) {
    const { resp, store } = openDoors();
    const peer = resp();
    ask(peer, "MULTI");
    ask(peer, "SET k v");
    assertMatch(ask(peer, words), /^-ERR (unknown subcommand|wrong number of arguments)/, words);
    assertEquals([ask(peer, "EXEC"), store.count], [EXECABORT, 0]);
  }
});

test("a transaction copies so many bytes, and says which of its commands it did not carry out", () => {
  const { resp } = openDoors({ limitBytes: 16 * MIB });
  const peer = resp();
  ask(peer, `SET large ${"v".repeat(MIB - 1_000)}`);
  ask(peer, "MULTI");
  for (let i = 0; i < 200; i++) ask(peer, "APPEND large x");
  const replies = ask(peer, "EXEC").split("\r\n").slice(1, -1);
  const done = replies.filter((reply) => reply.startsWith(":")).length;
  assert(done >= 16 && done < 200, `${done} were carried out`);
  assertEquals(ask(peer, "STRLEN large"), `:${MIB - 1_000 + done}\r\n`);
  for (const reply of replies.slice(done)) assertMatch(reply, /^-ERR not carried out: .*64 MiB/);
});

test("what follows a MULTI that failed is not carried out", () => {
  const { resp, store } = openDoors();
  const peer = resp();
  assertMatch(ask(peer, "MULTI now"), /^-ERR wrong number of arguments for 'multi'/);
  assertEquals(ask(peer, "SET k v"), "+QUEUED\r\n");
  assertEquals([ask(peer, "EXEC"), store.count], [EXECABORT, 0]);
  assertEquals(ask(peer, "SET k v"), "+OK\r\n");
});

test("the reply to EXEC has a bound, and what it leaves out was carried out", () => {
  const { resp } = openDoors({ limitBytes: 16 * MIB });
  const peer = resp();
  ask(peer, `SET large ${"v".repeat(MIB)}`);
  ask(peer, "MULTI");
  for (let i = 0; i < 4; i++) ask(peer, "GET large");
  ask(peer, "GETDEL large");
  ask(peer, "PING");
  const reply = ask(peer, "EXEC");
  assert(reply.length < 5 * MIB, `${reply.length} bytes`);
  const tooLarge = "-ERR the reply would be larger than 4 MiB; ask for fewer keys at a time\r\n";
  assert(reply.endsWith(`${tooLarge}${tooLarge}+PONG\r\n`), "errors take the place of values");
  assertEquals(ask(peer, "EXISTS large"), ":0\r\n");
});

test("who asked for another database can't empty this one", () => {
  const { resp, store } = openDoors();
  const peer = resp();
  ask(peer, "SET k v");
  assertEquals(ask(peer, "SELECT 1"), "-ERR DB index is out of range\r\n");
  for (const flush of ["FLUSHDB", "FLUSHALL ASYNC"]) {
    assertMatch(ask(peer, flush), /^-ERR there is only database 0.*SELECT 0\r\n$/);
  }
  assertEquals([store.count, ask(peer, "SELECT 0"), ask(peer, "FLUSHDB")], [
    1,
    "+OK\r\n",
    "+OK\r\n",
  ]);
});

test("a connection that ends in a transaction leaves nothing, and RESET ends one", () => {
  const { resp, connections, store } = openDoors();
  let observer: unknown = null;
  const observe = store.observe.bind(store);
  store.observe = (next) => {
    observer = next;
    observe(next);
  };
  const [gone, stays] = [resp(), resp()];
  for (const peer of [gone, stays]) {
    for (const words of ["WATCH a b", "MULTI", "SET k v"]) ask(peer, words);
  }
  const held = connections.heldBytes;
  gone.close();
  assertEquals(connections.heldBytes, held / 2);
  assert(observer !== null, "one still watches");
  assertEquals(ask(stays, "RESET"), "+RESET\r\n");
  assertEquals([connections.heldBytes, observer, store.count], [0, null, 0]);
  assertEquals(ask(stays, "SET k v"), "+OK\r\n");
});

test("a connection watches so many keys, and no more", () => {
  const { resp, connections } = openDoors();
  const peer = resp();
  for (let i = 0; i < MAX_WATCHED; i += 512) {
    const keys = Array.from({ length: 512 }, (_, j) => `key ${i + j}`);
    peer.send(request("WATCH", ...keys));
    while (peer.turn());
    assertEquals(peer.take(), "+OK\r\n");
  }
  assertEquals(
    ask(peer, "WATCH key"),
    "+OK\r\n".replace("+OK", "-ERR a connection watches at most 1024 keys; now it watches none"),
  );
  assertEquals(connections.heldBytes, 0);
});

test("1,024 connections in transactions hold what all connections may, and the rest goes on", () => {
  const { resp, connections } = openDoors({ limitBytes: 16 * MIB, maxConnections: 1_024 });
  const peers = Array.from({ length: 1_024 }, () => resp());
  const large = request("SET", "k", "v".repeat(200_000));
  for (const peer of peers) {
    ask(peer, "MULTI");
    peer.send(large);
    while (peer.turn());
    assert(connections.heldBytes <= 64 * MIB, `${connections.heldBytes} bytes held`);
  }
  const cut = peers.filter(({ isDestroyed }) => isDestroyed);
  assert(cut.length > 0 && cut.length < 1_024, `${cut.length} were cut off`);
  const living = peers.filter(({ isDestroyed }) => !isDestroyed);
  for (const peer of living) {
    peer.take();
    assertEquals(ask(peer, "EXEC"), "*1\r\n+OK\r\n");
  }
  assertEquals(connections.heldBytes, 0);
});

test("memory that transactions hold goes to those that need it, the longest idle first", async () => {
  const { resp, clock, connections } = openDoors({ maxHeldBytes: 7 * MIB });
  const idle = Array.from({ length: 8 }, () => resp());
  for (const peer of idle) {
    ask(peer, "MULTI");
    peer.send(request("SET", "k", "v".repeat(900_000)));
    while (peer.turn());
  }
  await clock.pass(600_000);
  connections.sweep();
  assert(idle.every(({ isDestroyed }) => !isDestroyed), "a client may think as long as it likes");
  const large = request("SET", "k", "v".repeat(MIB));
  for (let i = 0; i < 10; i++) {
    const peer = resp();
    peer.send(large.subarray(0, MIB / 2));
    peer.send(large.subarray(MIB / 2));
    while (peer.turn());
    assertEquals([peer.isDestroyed, peer.take()], [false, "+OK\r\n"], `${i}`);
  }
  assert(idle[0].isDestroyed, "the first made room");
});

test("a password is asked for, by AUTH or HELLO, and nothing is done before", async () => {
  const { resp, store, clock } = openDoors({ password: new Password("se cret") });
  const peer = resp();
  const noAuth = "-NOAUTH Authentication required.\r\n";
  for (const words of ["SET k v", "PING", "MULTI", "CLIENT ID", "COMMAND"]) {
    assertEquals(ask(peer, words), noAuth, words);
  }
  assertMatch(ask(peer, "NOSUCH"), /^-ERR unknown command/);
  assertMatch(ask(peer, "HELLO 3"), /^-NOAUTH HELLO must be called/);
  const wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
  const give = async (...words: string[]) => {
    peer.send(request(...words));
    const reply = peer.take();
    await clock.pass(300);
    return reply;
  };
  assertEquals(await give("AUTH", "wrong"), wrong);
  assertEquals(await give("AUTH", "someone", "se cret"), wrong);
  assertEquals(await give("AUTH", "default", "se cret "), wrong);
  assertEquals(await give("HELLO", "3", "AUTH", "default", "x"), wrong);
  assertEquals([await give("GET", "k"), store.count], [noAuth, 0]);
  assertEquals(await give("AUTH", "se cret"), "+OK\r\n");
  assertEquals(await give("SET", "k", "v"), "+OK\r\n");
  assertMatch(ask(resp(), "HELLO 3 AUTH default x"), /^-WRONGPASS/);
  const second = resp();
  second.send(request("HELLO", "3", "AUTH", "default", "se cret", "SETNAME", "me"));
  assertMatch(second.take(), /^%7\r\n/);
  assertEquals(ask(second, "RESET") + ask(second, "GET k"), `+RESET\r\n${noAuth}`);
});

test("a wrong password costs its sender time, and nobody memory", async () => {
  const { resp, clock, connections } = openDoors({ password: new Password("secret") });
  const [guesser, other] = [resp(), resp()];
  guesser.send(Buffer.concat(Array.from({ length: 100 }, (_, i) => request("AUTH", `${i}`))));
  assertMatch(guesser.take(), /^-WRONGPASS[^\r]*\r\n$/);
  assert(guesser.isPaused, "it is not heard");
  assertEquals(ask(other, "AUTH secret"), "+OK\r\n", "others are");
  await clock.pass(1_000);
  assertEquals(guesser.take().split("\r\n").length - 1, 4);
  assert(connections.heldBytes < 8_192, `${connections.heldBytes} bytes held`);
  guesser.close();
  assertEquals(connections.heldBytes, 0);
});

test("whoever has not given the password sends small requests only", () => {
  for (
    const [bytes, problem] of [
      [request("AUTH", "x".repeat(65_536)), "unauthenticated bulk length"],
      [request("MGET", ..."0123456789".split("")), "unauthenticated multibulk length"],
      [Buffer.from("MGET 0 1 2 3 4 5 6 7 8 9 10\r\n"), "unauthenticated multibulk length"],
      [Buffer.from(`AUTH ${"x".repeat(20_000)}\r\n`), "unauthenticated bulk length"],
    ] as const
  ) {
    const { resp, connections } = openDoors({ password: new Password("secret") });
    const peer = resp();
    peer.send(bytes);
    assertEquals(peer.take(), `-ERR Protocol error: ${problem}\r\n`);
    assertEquals([peer.isEnded, connections.heldBytes], [true, 0]);
  }
});

test("a cursor that is garbage is an error, and nothing is lost", () => {
  const { resp } = openDoors();
  const peer = resp();
  for (let i = 0; i < 500; i++) ask(peer, `SET k${i} v`);
  const badCursor = "-ERR invalid cursor\r\n";
  for (const cursor of ["1", "4294967296", "9007199254740991", "18446744073709551615", "x", ""]) {
    peer.send(request("SCAN", cursor));
    assertEquals(peer.take(), badCursor, cursor);
  }
  let cursor = "0";
  const told: string[] = [];
  do {
    const [next, ...keys] = [...ask(peer, `SCAN ${cursor} COUNT 7`).matchAll(/\$\d+\r\n(.*)\r\n/g)]
      .map(([, word]) => word);
    cursor = next;
    told.push(...keys);
  } while (cursor !== "0");
  assertEquals(new Set(told).size, 500);
});
