import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { MAX_LINE_BYTES } from "../../src/doors/line/conversation.ts";
import { openDoors } from "./door_world.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

test("a session as Blink Store documents it", () => {
  const { line } = openDoors();
  const peer = line();
  assertEquals(peer.ask("GET mykey\n"), "NOT_FOUND\n");
  assertEquals(peer.ask("SET mykey hello\n"), "OK\n");
  assertEquals(peer.ask("GET mykey\n"), `VALUE ${base64("hello")}\n`);
  assertEquals(peer.ask("SET counter 42\n"), "OK\n");
  assertEquals(peer.ask("USAGE\n"), "USAGE 19\n", "5 + 5 and 7 + 2 bytes");
  assertEquals(peer.ask("STATS\n"), "USAGE 19\n");
  assertEquals(peer.ask("DELETE mykey\n"), "OK\n");
  assertEquals(peer.ask("GET mykey\n"), "NOT_FOUND\n");
  assertEquals(peer.ask("DELETE mykey\n"), "NOT_FOUND\n");
  assertEquals(peer.ask("DEL counter\n"), "OK\n");
  assertEquals(peer.ask("USAGE\n"), "USAGE 0\n");
  assertEquals(peer.ask("QUIT\nGET mykey\n"), "");
  assertEquals(peer.isEnded, true);
});

test("the session in docs/DOORS.md, and every command in its table", () => {
  const document = readFileSync("docs/DOORS.md", "utf8");
  const [, session] = /```text\n([^]*?)```/.exec(document) ?? [];
  const lines = (session ?? "").trim().split("\n");
  assert(lines.length > 10);
  const peer = openDoors().line();
  for (let i = 0; i < lines.length; i += 2) {
    assertEquals(`< ${peer.ask(`${lines[i].slice(2)}\n`)}`, `${lines[i + 1]}\n`, lines[i]);
  }
  const table = document.slice(
    document.indexOf("## The line protocol"),
    document.indexOf("## RESP"),
  );
  const [, list] = /there are (.+)\n/.exec(peer.ask("FLY\n")) ?? [];
  for (const name of (list ?? "").split(", ")) assert(table.includes(`\`${name}`), name);
});

test("a value is the rest of the line, and SET overwrites", () => {
  const { line } = openDoors();
  const peer = line();
  assertEquals(peer.ask("set k a b  c \r\nget k\r\n"), `OK\nVALUE ${base64("a b  c ")}\n`);
  assertEquals(
    peer.ask("SET k  x\nGET k\n"),
    `OK\nVALUE ${base64(" x")}\n`,
    "one blank ends a key",
  );
  assertEquals(peer.ask("SET k\nGET k\n"), "OK\nVALUE \n", "a missing value is the empty value");
  assertEquals(peer.ask("  SeT\t k\tv\nGET   k  \n"), `OK\nVALUE ${base64("v")}\n`);
  assertEquals(peer.ask("SET ключ значение\nGET ключ\n"), `OK\nVALUE ${base64("значение")}\n`);
  const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => (i === 10 ? 9 : i)));
  peer.send(Buffer.concat([Buffer.from("SET bin "), bytes, Buffer.from("\nGET bin\n")]));
  assertEquals(peer.take(), `OK\nVALUE ${bytes.toString("base64")}\n`);
});

test("SETB64 takes any bytes, and a time to live", async () => {
  const { line, clock } = openDoors();
  const peer = line();
  const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString("base64");
  assertEquals(peer.ask(`SETB64 k ${bytes} 1000\nGET k\n`), `OK\nVALUE ${bytes}\n`);
  await clock.pass(400);
  assertEquals(peer.ask("TTL k\n"), "TTL 600\n");
  await clock.pass(600);
  assertEquals(peer.ask("GET k\nTTL k\n"), "NOT_FOUND\nNOT_FOUND\n");
  assertEquals(peer.ask("SETB64 none - 1000\nGET none\nTTL none\n"), "OK\nVALUE \nTTL 1000\n");
  for (
    const wrong of [" 1000", "a", "ab", "ab=", "ab==c", "a b c d", "YQ", "YR==", "Y-==", "@@@@"]
  ) {
    assertMatch(peer.ask(`SETB64 k ${wrong}\n`), /^ERROR .+\n$/, wrong);
  }
  assertEquals(peer.ask("GET k\n"), "NOT_FOUND\n");
});

test("EXPIRE and TTL", async () => {
  const { line, clock } = openDoors();
  const peer = line();
  assertEquals(peer.ask("SET k v\nTTL k\nEXPIRE k 500\nTTL k\n"), "OK\nTTL -1\nOK\nTTL 500\n");
  assertEquals(peer.ask("EXPIRE none 5\nTTL none\n"), "NOT_FOUND\nNOT_FOUND\n");
  for (const wrong of ["0", "-1", "1.5", "x", "9007199254740992", "99999999999999999999"]) {
    assertMatch(peer.ask(`EXPIRE k ${wrong}\n`), /^ERROR a time to live is .+\n$/, wrong);
  }
  assertEquals(peer.ask("TTL k\n"), "TTL 500\n", "and nothing changed");
  assertEquals(peer.ask("EXPIRE k 9007199254740991\n"), "OK\n");
  assertEquals(peer.ask("EXPIRE k 500\nSET k w\nTTL k\n"), "OK\nOK\nTTL -1\n", "SET begins anew");
  peer.ask("EXPIRE k 500\n");
  await clock.pass(500);
  assertEquals(peer.ask("GET k\n"), "NOT_FOUND\n");
});

test("ADD counts, and its time to live applies to a new key only", async () => {
  const { line, clock } = openDoors();
  const peer = line();
  const value = (number: string) => `VALUE ${base64(number)}\n`;
  assertEquals(peer.ask("ADD n 1 1000\n"), value("1"));
  await clock.pass(900);
  assertEquals(peer.ask("ADD n 5 1000\nTTL n\n"), `${value("6")}TTL 100\n`);
  assertEquals(peer.ask("ADD n -10\n"), value("-4"));
  assertEquals(peer.ask("ADD n 9223372036854775807\n"), value("9223372036854775803"));
  assertEquals(peer.ask("ADD n 9\n"), "ERROR the sum does not fit signed 64 bits\n");
  assertMatch(peer.ask("ADD n x\nADD n 1.5\nADD n 01\n"), /^(ERROR the delta is not .+\n){3}$/);
  assertMatch(peer.ask("SET s abc\nADD s 1\n"), /^OK\nERROR the value is not .+\n$/);
});

test("wrong requests get a line that says what is wrong, and change nothing", () => {
  const { line, store, counters } = openDoors();
  const peer = line();
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["", /unknown command/],
    ["FLY me", /unknown command; there are GET, SET/],
    ["GET", /usage: GET key/],
    ["GET a b", /usage: GET key/],
    ["SET", /usage: SET key value/],
    ["DELETE", /usage: DELETE key/],
    ["SETB64 k", /usage: SETB64 key base64 \[ttl-ms\]/],
    ["ADD k", /usage: ADD key delta \[ttl-ms\]/],
    ["EXPIRE k", /usage: EXPIRE key ms/],
    ["USAGE now", /usage: USAGE$/],
    ["PING PONG", /usage: PING$/],
    [`SET ${"k".repeat(1_025)} v`, /a key has 1 to 1024 bytes/],
    [`ADD ${"k".repeat(1_025)} 1`, /a key has 1 to 1024 bytes/],
    ["KEYS", /usage: KEYS prefix \[cursor\]/],
    ["KEYS k 17", /the cursor is not one that KEYS has given/],
    ["KEYS k x", /the cursor is not one that KEYS has given/],
    ["DROP", /usage: DROP prefix/],
    [`DROP ${"k".repeat(129)}`, /a prefix has at most 128 bytes/],
    [`SET k ${"v".repeat(2 ** 20 + 1)}`, /a value has at most 1048576 bytes, not 1048577/],
  ];
  for (const [request, message] of wrong) {
    peer.send(`${request}\n`);
    while (peer.turn());
    const [reply, nothing] = peer.take().split("\n");
    assertMatch(reply, /^ERROR /);
    assertMatch(reply, message);
    assertEquals(nothing, "");
  }
  assertEquals([store.count, counters.line], [0, wrong.length]);
});

test("a key that is too long is not there", () => {
  const { line } = openDoors();
  const key = "k".repeat(1_025);
  const missing = ["GET", "DEL", "TTL"].map((name) => line().ask(`${name} ${key}\n`));
  assertEquals(missing, ["NOT_FOUND\n", "NOT_FOUND\n", "NOT_FOUND\n"]);
  assertEquals(line().ask(`EXPIRE ${key} 10\n`), "NOT_FOUND\n");
  const longest = "k".repeat(1_024);
  assertEquals(line().ask(`SET ${longest} v\nGET ${longest}\n`), `OK\nVALUE ${base64("v")}\n`);
});

test("KEYS tells all keys of a prefix, page by page, and DROP removes them", () => {
  const { line, store } = openDoors();
  const peer = line();
  const keys = Array.from({ length: 2_500 }, (_, i) => `user:${i}`);
  for (const key of [...keys, "-dash", "other"]) peer.ask(`SET ${key} v\n`);
  const told: string[] = [];
  let [cursor, pages] = ["0", 0];
  do {
    const answer = peer.ask(`KEYS user: ${cursor}\n`).trimEnd().split(" ");
    cursor = answer[1];
    told.push(...answer.slice(2).map((text) => Buffer.from(text, "base64").toString()));
    pages++;
  } while (cursor !== "0");
  assertEquals([told.toSorted(), pages >= 3], [keys.toSorted(), true]);
  assertEquals(peer.ask("KEYS o\n"), `KEYS 0 ${base64("other")}\n`);
  assertEquals(peer.ask("DROP user:\nGET user:7\nKEYS user:\n"), "OK\nNOT_FOUND\nKEYS 0\n");
  assertEquals(peer.ask("KEYS -\n").trimEnd().split(" ").length, 4, "- is the empty prefix");
  assertEquals([peer.ask("DROP -\n"), store.count], ["OK\n", 0]);
});

test("lines that a browser is made to send are not carried out", () => {
  const { line, store } = openDoors();
  for (const method of ["GET", "POST", "PUT"]) {
    const peer = line();
    peer.send(`${method} / HTTP/1.1\r\nHost: 127.0.0.1:8765\r\n\r\nSET evil 1\r\n`);
    assertEquals(peer.take(), "");
    assertEquals([peer.isEnded, store.count], [true, 0]);
  }
});

test("the largest value can be stored and read", () => {
  const { line } = openDoors();
  const peer = line();
  const value = Buffer.alloc(2 ** 20, "\n").toString("base64");
  const request = `SETB64 ${"k".repeat(128)} ${value} ${Number.MAX_SAFE_INTEGER}\r\n`;
  peer.send(request);
  while (peer.turn());
  assertEquals(peer.take(), "OK\n");
  assertEquals(request.length <= MAX_LINE_BYTES, true);
  assertEquals(peer.ask(`GET ${"k".repeat(128)}\n`), `VALUE ${value}\n`);
});

test("a full store is reported", () => {
  const { line } = openDoors({ limitBytes: 2 ** 20, onFull: "refuse" });
  const peer = line();
  let answer = "OK\n";
  let keys = 0;
  for (; answer === "OK\n" && keys < 5_000; keys++) {
    answer = peer.ask(`SET k${keys} ${"v".repeat(1_000)}\n`);
  }
  assertEquals(answer, "ERROR the store is full\n");
  assertEquals(peer.ask(`DEL k0\nSET k0 ${"v".repeat(1_000)}\n`), "OK\nOK\n");
});

test("a new key alone, and a value only in place of the expected one", () => {
  const peer = openDoors().line();
  assertEquals(peer.ask(`NEWB64 k ${base64("a")} 60000\n`), "OK\n");
  assertEquals(peer.ask(`NEWB64 k ${base64("b")}\nGET k\n`), `EXISTS\nVALUE ${base64("a")}\n`);
  assertMatch(peer.ask("TTL k\n"), /^TTL \d{5}\n$/);
  assertEquals(peer.ask(`SETIF k ${base64("b")} ${base64("c")}\n`), "NOT_FOUND\n");
  assertEquals(peer.ask(`SETIF k ${base64("a")} - 5000\nGET k\n`), "OK\nVALUE \n");
  assertEquals(peer.ask(`SETIF none ${base64("a")} -\nGET none\n`), "NOT_FOUND\nNOT_FOUND\n");
  assertEquals(peer.ask(`DELETEIF k ${base64("a")}\nDELETEIF k -\n`), "NOT_FOUND\nOK\n");
  assertEquals(peer.ask("DELETEIF k -\n"), "NOT_FOUND\n");
  assertMatch(peer.ask("NEWB64 k a*\n"), /^ERROR the value is not base64/);
  assertMatch(peer.ask("SETIF k a* -\n"), /^ERROR the value is not base64/);
  assertMatch(peer.ask("SETIF k - - 0\n"), /^ERROR a time to live is/);
  assertMatch(peer.ask("SETIF k - - 1 more\n"), /^ERROR usage: SETIF key/);
  assertMatch(peer.ask("DELETEIF k\n"), /^ERROR usage: DELETEIF key expected-base64\n$/);
  assertEquals(peer.ask("GET k\n"), "NOT_FOUND\n");
});
