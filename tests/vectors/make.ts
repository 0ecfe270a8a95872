/**
 * Makes the vectors of the wire. They were made once and change only when the wire does:
 *
 *     bun tests/vectors/make.ts > tests/vectors/wire1.json
 */

import { DATAGRAM_BYTES, FRAME_BYTES } from "../../src/protocol/datagram.ts";
import {
  Operation,
  type Outcome,
  ReplyToggle,
  RequestToggle,
  Status,
  VALUE_AT,
  writeReply,
  writeRequest,
} from "../../src/protocol/frame.ts";
import { isMutation } from "../../src/protocol/operations.ts";
import { NO_ADDITIONAL_DATA } from "../../src/protocol/seal.ts";
import {
  SKVS_REPLY_INFO,
  SKVS_REPLY_TAG_BYTES,
  SkvsCommand,
  SkvsFlag,
  writeSkvsRequest,
} from "../../src/protocol/skvs.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { sealFrame } from "../seal.ts";

const masterKey = Uint8Array.from({ length: 32 }, (_, i) => i);
const epoch = Uint8Array.from({ length: 16 }, (_, i) => (i < 8 ? 0xa0 + i : i === 8 ? 3 : 0));
const requestKey = await nodeCrypto.deriveKey(masterKey, "kilogram/1 request");
const replyKey = await nodeCrypto.deriveKey(masterKey, "kilogram/1 reply");
const serverName = "cache-1";
const namedRequestKey = await nodeCrypto.deriveKey(masterKey, `kilogram/1 request ${serverName}`);
const namedReplyKey = await nodeCrypto.deriveKey(masterKey, `kilogram/1 reply ${serverName}`);
const everyByte = (length: number) => Uint8Array.from({ length }, (_, i) => 255 - (i % 256));
const text = (value: string) => new TextEncoder().encode(value);
const concat = (...parts: ArrayLike<number>[]) =>
  Uint8Array.from(parts.flatMap((part) => Array.from(part)));
const NOTHING = new Uint8Array(0);
const CURSOR = Uint8Array.from([0x78, 0x56, 0x34, 0x12, 0xde, 0xbc, 0x0a, 0]);

const requests = [
  {
    name: "set",
    operation: Operation.SET,
    toggles: 0,
    key: text("greeting"),
    value: text("hello"),
    ttlMs: 0,
  },
  {
    name: "set with OVERWRITE, OLD and TTL, the longest key and the longest value beside it",
    operation: Operation.SET,
    toggles: RequestToggle.OVERWRITE | RequestToggle.OLD,
    key: everyByte(128),
    value: everyByte(855),
    ttlMs: 2 ** 53 - 1,
  },
  {
    name: "set of the longest value, which ends in NULs",
    operation: Operation.SET,
    toggles: RequestToggle.OVERWRITE,
    key: text("\u0000"),
    value: Uint8Array.from({ length: 863 }, (_, i) => (i < 800 ? i % 256 : 0)),
    ttlMs: 0,
  },
  {
    name: "get",
    operation: Operation.GET,
    toggles: 0,
    key: text("ключ"),
    value: NOTHING,
    ttlMs: 0,
  },
  {
    name: "delete",
    operation: Operation.DELETE,
    toggles: 0,
    key: text("k"),
    value: NOTHING,
    ttlMs: 0,
  },
  {
    name: "exists",
    operation: Operation.EXISTS,
    toggles: 0,
    key: text("k"),
    value: NOTHING,
    ttlMs: 0,
  },
  {
    name: "add",
    operation: Operation.ADD,
    toggles: 0,
    key: text("hits"),
    value: text("-9223372036854775808"),
    ttlMs: 60_000,
  },
  {
    name: "touch",
    operation: Operation.TOUCH,
    toggles: 0,
    key: text("hits"),
    value: NOTHING,
    ttlMs: 2 ** 32,
  },
  { name: "ping", operation: Operation.PING, toggles: 0, key: NOTHING, value: NOTHING, ttlMs: 0 },
  {
    name: "stats",
    operation: Operation.STATS,
    toggles: 0,
    key: text("store"),
    value: NOTHING,
    ttlMs: 0,
  },
  {
    name: "set if the value is the expected one",
    operation: Operation.SET,
    toggles: RequestToggle.IF_EQUAL,
    key: text("flag"),
    value: concat([13, 0], text("the old valuethe new value")),
    ttlMs: 60_000,
  },
  {
    name: "delete if the value is the expected one",
    operation: Operation.DELETE,
    toggles: RequestToggle.IF_EQUAL,
    key: text("lock"),
    value: concat([13, 0], text("the old value")),
    ttlMs: 0,
  },
  {
    name: "scan from the beginning",
    operation: Operation.SCAN,
    toggles: 0,
    key: text("user:"),
    value: NOTHING,
    ttlMs: 0,
  },
  {
    name: "scan all keys, from a cursor on",
    operation: Operation.SCAN,
    toggles: 0,
    key: NOTHING,
    value: CURSOR,
    ttlMs: 0,
  },
  {
    name: "drop",
    operation: Operation.DROP,
    toggles: 0,
    key: text("user:"),
    value: NOTHING,
    ttlMs: 0,
  },
];

const reply = (
  name: string,
  status: number,
  toggles: number,
  value: Uint8Array,
  remainingMs = 0,
) => ({
  name,
  status,
  toggles,
  value,
  remainingMs,
});

const replies = [
  reply("ok with a value", Status.OK, ReplyToggle.PRESENT, everyByte(863)),
  reply("ok with an empty value", Status.OK, ReplyToggle.PRESENT, NOTHING, 1),
  reply("ok without a value", Status.OK, 0, NOTHING, 2 ** 53 - 1),
  reply("not found", Status.NOT_FOUND, 0, NOTHING),
  reply("error", Status.ERROR, 0, text("operation 255 does not exist")),
  reply("exists", Status.EXISTS, ReplyToggle.PRESENT, text("hello")),
  reply("fenced", Status.FENCED, 0, NOTHING),
  reply("duplicate", Status.DUPLICATE, 0, NOTHING),
  reply("full", Status.FULL, 0, NOTHING),
  reply("too large", Status.TOO_LARGE, 0, NOTHING),
  reply(
    "a page of keys",
    Status.OK,
    ReplyToggle.PRESENT,
    concat(CURSOR, [6, 0], text("user:1"), [8, 0], text("ключ")),
  ),
];

function nonceOf(first: number, sequence: number): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce.set([first, 1, 2, 3, 4, 5, 6, 7]);
  new DataView(nonce.buffer).setUint32(8, sequence, true);
  return nonce;
}

async function seal(key: Uint8Array, nonce: Uint8Array, frame: Uint8Array, additional: Uint8Array) {
  const datagram = new Uint8Array(DATAGRAM_BYTES);
  datagram.set(nonce);
  await sealFrame(await nodeCrypto.cipher(key), datagram, frame, additional);
  return datagram;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

async function requestVector(request: (typeof requests)[number], i: number, key = requestKey) {
  const isFenced = isMutation(request.operation);
  const nonce = nonceOf(isFenced ? 0x11 : 0x10, 1000 + i);
  const frame = new Uint8Array(FRAME_BYTES);
  writeRequest(frame, request);
  const additionalData = isFenced ? epoch : NO_ADDITIONAL_DATA;
  const datagram = await seal(key, nonce, frame, additionalData);
  return {
    ...request,
    key: hex(request.key),
    value: hex(request.value),
    nonce: hex(nonce),
    additionalData: hex(additionalData),
    frame: hex(frame),
    datagram: hex(datagram),
  };
}

async function replyVector(described: (typeof replies)[number], i: number, key = replyKey) {
  const answers = nonceOf(0x10, 1000 + i);
  const nonce = nonceOf(0x77, 5000 + i);
  const frame = new Uint8Array(FRAME_BYTES);
  const { status, toggles, value, remainingMs } = described;
  const outcome: Outcome = { status, toggles, expiresAtMs: remainingMs, length: value.length };
  frame.set(value, VALUE_AT);
  writeReply(frame, outcome, ReplyToggle.FRESH, answers, epoch, 0);
  const datagram = await seal(key, nonce, frame, NO_ADDITIONAL_DATA);
  return {
    ...described,
    toggles: toggles | ReplyToggle.FRESH,
    value: hex(value),
    answers: hex(answers),
    nonce: hex(nonce),
    frame: hex(frame),
    datagram: hex(datagram),
  };
}

async function skvsVector() {
  const request = {
    command: SkvsCommand.SET,
    flags: SkvsFlag.OVERWRITE | SkvsFlag.OLD,
    key: text("greeting"),
    value: text("hello"),
  };
  const nonce = nonceOf(0x42, 7);
  const frame = new Uint8Array(FRAME_BYTES);
  writeSkvsRequest(frame, request);
  const datagram = await seal(masterKey, nonce, frame, NO_ADDITIONAL_DATA);
  return {
    ...request,
    key: hex(request.key),
    value: hex(request.value),
    nonce: hex(nonce),
    frame: hex(frame),
    datagram: hex(datagram),
  };
}

const vectors = {
  about: "Vectors of the Kilogram wire, version 1: docs/WIRE.md. Bytes are in hex.",
  masterKey: hex(masterKey),
  requestKey: hex(requestKey),
  replyKey: hex(replyKey),
  epoch: hex(epoch),
  requests: await Promise.all(requests.map((request, i) => requestVector(request, i))),
  replies: await Promise.all(replies.map((described, i) => replyVector(described, i))),
  named: {
    serverName,
    requestKey: hex(namedRequestKey),
    replyKey: hex(namedReplyKey),
    request: await requestVector(requests[0], 0, namedRequestKey),
    reply: await replyVector(replies[0], 0, namedReplyKey),
  },
  skvsKey: hex(masterKey),
  skvsReplyTag: hex(
    (await nodeCrypto.deriveKey(masterKey, SKVS_REPLY_INFO)).subarray(0, SKVS_REPLY_TAG_BYTES),
  ),
  skvsRequest: await skvsVector(),
};
process.stdout.write(`${JSON.stringify(vectors, null, 2)}\n`);
