import { test } from "node:test";
import { Buffer } from "node:buffer";
import { assertEquals, assertThrows } from "@std/assert";
import { parseEngineAddress, toldAddress } from "../../src/backends/redis/address.ts";
import { encode } from "../../src/backends/redis/commands.ts";
import { crc16, slotOf } from "../../src/backends/redis/slots.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { text } from "../bytes.ts";

test("a command is its words with their lengths, and kept spans point into it", () => {
  const bytes = text("--key\r\n--");
  const key = { bytes, start: 2, length: 5 };
  const value = { bytes, start: 9, length: 0 };
  const command = encode(["SET", { span: key, keeps: true }, { span: value }, "PX", "1"]);
  assertEquals(
    command.toString("latin1"),
    "*5\r\n$3\r\nSET\r\n$5\r\nkey\r\n\r\n$0\r\n\r\n$2\r\nPX\r\n$1\r\n1\r\n",
  );
  bytes.fill(0);
  assertEquals(Buffer.from(key.bytes.subarray(key.start, key.start + 5)).toString(), "key\r\n");
  assertEquals(value.bytes, bytes);
});

test("slots are those of the Cluster specification", () => {
  const slot = (key: string) => slotOf(text(key), 0, text(key).length);
  assertEquals(crc16(text("123456789")), 0x31c3);
  assertEquals(slot("foo"), 12182);
  assertEquals(slot("bar"), 5061);
  assertEquals(slot("{user1000}.following"), slot("{user1000}.followers"));
  assertEquals(slot("{user1000}.following"), slot("user1000"));
  assertEquals(slot("foo{}{bar}"), crc16(text("foo{}{bar}")) % 16_384);
  assertEquals(slot("foo{{bar}}zap"), slot("{bar"));
  assertEquals(slot("foo{bar}{zap}"), slot("bar"));
  assertEquals(slot("foo{bar"), crc16(text("foo{bar")) % 16_384);
  // Within a longer run of bytes, its neighbours don't count.
  assertEquals(slotOf(text("{x}foo{y}"), 3, 3), slot("foo"));
});

test("an engine's address has hosts, and may have TLS and a password", () => {
  const plain = { isTls: false, user: undefined, password: undefined };
  assertEquals(parseEngineAddress("redis://a:7000,b,[::1]:7002/"), {
    ...plain,
    hosts: ["a:7000", "b", "[::1]:7002"],
  });
  assertEquals(parseEngineAddress("rediss://me:p%40ss%25:x@a"), {
    ...{ hosts: ["a"], isTls: true, user: "me", password: "p@ss%:x" },
  });
  assertEquals(parseEngineAddress("redis://:secret@a").password, "secret");
  for (
    const url of [
      "",
      "redis:/a",
      "redis://",
      "http://a",
      "redis://a/3",
      "redis://,",
      "redis://a?x",
      "redis://u:%@a",
    ]
  ) {
    assertThrows(() => parseEngineAddress(url), InvalidArgumentError);
  }
  // A message may be logged.
  try {
    parseEngineAddress("redis://u:hunter2@");
  } catch (error) {
    assertEquals((error as Error).message.includes("hunter2"), false);
  }
});

test("a node's address is told without brackets, and without a host for the one that was asked", () => {
  const cases: [told: string, asked: string, address: string | null][] = [
    ["127.0.0.1:7000", "a:1", "127.0.0.1:7000"],
    ["node-2.example:7000", "a:1", "node-2.example:7000"],
    ["2001:db8:1:2:3:4:5:6:7000", "a:1", "[2001:db8:1:2:3:4:5:6]:7000"],
    ["::1:7000", "a:1", "[::1]:7000"],
    [":7000", "10.0.0.1:7001", "10.0.0.1:7000"],
    ["?:7000", "10.0.0.1", "10.0.0.1:7000"],
    [":7000", "[::1]:7001", "[::1]:7000"],
    [":7000", "::1", "[::1]:7000"],
    ["", "a:1", null],
    ["a", "a:1", null],
    ["a:", "a:1", null],
    ["a:x", "a:1", null],
  ];
  for (const [told, asked, address] of cases) assertEquals(toldAddress(told, asked), address, told);
});
