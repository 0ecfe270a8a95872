import { test } from "node:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  EngineError,
  NoRespError,
  type Reply,
  ReplyReader,
} from "../../src/backends/redis/replies.ts";

type Plain = string | number | bigint | null | Uint8Array | { error: string } | Plain[];

/** Copies a reply, since its bytes are views. */
function plain(reply: Reply): Plain {
  if (reply instanceof EngineError) return { error: reply.text };
  if (reply instanceof Uint8Array) return Uint8Array.from(reply);
  if (Array.isArray(reply)) return reply.map(plain);
  return reply as string | number | bigint | null;
}

function read(chunks: readonly Buffer[]): Plain[] {
  const reader = new ReplyReader();
  const replies: Plain[] = [];
  for (const chunk of chunks) reader.take(chunk, (reply) => replies.push(plain(reply)));
  return replies;
}

const WIRE = Buffer.from(
  "+PONG\r\n-MOVED 3999 127.0.0.1:7001\r\n:-42\r\n:9223372036854775807\r\n$-1\r\n*-1\r\n$0\r\n\r\n" +
    "$4\r\na\r\nb\r\n*2\r\n$1\r\nk\r\n*1\r\n:7\r\n*0\r\n",
);
const REPLIES: Plain[] = [
  "PONG",
  { error: "MOVED 3999 127.0.0.1:7001" },
  -42,
  9223372036854775807n,
  null,
  null,
  new Uint8Array(0),
  Uint8Array.from(Buffer.from("a\r\nb")),
  [Uint8Array.from(Buffer.from("k")), [7]],
  [],
];

test("replies are read however the bytes come in pieces", () => {
  assertEquals(read([WIRE]), REPLIES);
  for (let cut = 1; cut < WIRE.length; cut++) {
    assertEquals(read([WIRE.subarray(0, cut), WIRE.subarray(cut)]), REPLIES, `cut at ${cut}`);
  }
  assertEquals(read([...WIRE].map((byte) => Buffer.from([byte]))), REPLIES);
});

test("what is no RESP is told, at the first byte that shows it", () => {
  const wrong = [
    "HTTP/1.1 400 Bad Request\r\n",
    "SSH-2.0-OpenSSH_9.2",
    "\0\0\0\0",
    ":12x\r\n",
    ":\r\n",
    "$x\r\n",
    "$-2\r\n",
    "$99999999999\r\n",
    "*1048577\r\n",
    `${"*1\r\n".repeat(20)}:1\r\n`,
    `+${"x".repeat(70_000)}`,
  ];
  for (const text of wrong) {
    assertThrows(() => read([Buffer.from(text)]), NoRespError);
  }
});

test("any bytes are replies, the beginning of one, or no RESP", () => {
  const noise = fc.array(
    fc.oneof(
      fc.constantFrom("+", "-", ":", "$", "*", "\r\n", "\r", "1", "-1", "3", "OK", "MOVED"),
      fc.string({ unit: "binary-ascii", maxLength: 4 }),
    ),
    { maxLength: 40 },
  );
  fc.assert(fc.property(noise, (pieces) => {
    const whole = outcomeOf([Buffer.from(pieces.join(""), "latin1")]);
    const parts = outcomeOf(pieces.map((piece) => Buffer.from(piece, "latin1")));
    // Cut or whole, the same replies come first; only how soon an error is seen may differ.
    const common = Math.min(whole.length, parts.length);
    assertEquals(whole.slice(0, common), parts.slice(0, common));
  }));

  function outcomeOf(chunks: readonly Buffer[]): Plain[] {
    const reader = new ReplyReader();
    const replies: Plain[] = [];
    try {
      for (const chunk of chunks) reader.take(chunk, (reply) => replies.push(plain(reply)));
    } catch (error) {
      assert(error instanceof NoRespError, String(error));
    }
    return replies;
  }
});
