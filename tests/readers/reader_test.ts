/** A reader answers as the server would, and hands on all that is not its own. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { codeOf, Operation, Status, writeRequest } from "../../src/protocol/frame.ts";
import { trafficCiphers } from "../../src/protocol/keys.ts";
import { NO_ADDITIONAL_DATA } from "../../src/protocol/seal.ts";
import { Reader } from "../../src/readers/reader.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { LogStore } from "../../src/store/log_store.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { NONE, type Span } from "../../src/store/store.ts";
import { version1 } from "../../src/version1.ts";
import { fillRandomOf, text } from "../bytes.ts";
import { FakeSocket, MASTER_KEY } from "../world.ts";

const ciphers = await trafficCiphers(MASTER_KEY, nodeCrypto);
const spanOf = (value: string): Span => ({ bytes: text(value), start: 0, length: value.length });

function makeWorld() {
  let nowMs = 1_000;
  const fillRandom = fillRandomOf(3);
  const store = new LogStore({
    ...{ limitBytes: 2 ** 20, fillRandom, readers: 1 },
    now: () => nowMs,
  });
  const handedOn: number[] = [];
  let hasRoom = true;
  const reader = new Reader({
    ...{ wires: [version1(ciphers)], fillRandom, isFresh: true, hasCurrentWires: () => true },
    store: new StoreReader(store.shared, 0),
    now: () => nowMs,
    epoch: () => new Uint8Array(16).fill(5),
    handOn: (datagram) => {
      if (hasRoom) handedOn.push(datagram[0]);
      return hasRoom;
    },
    onFault: (error) => {
      throw error;
    },
  });
  const socket = new FakeSocket((...arrived) => reader.receive(...arrived));
  const set = (key: string, value: string, expiresAtMs = 0) => {
    const nothing = { bytes: text(""), start: 0, room: NONE, length: NONE, expiresAtMs: 0 };
    store.set(spanOf(key), spanOf(value), expiresAtMs, true, nothing);
  };
  const request = (operation: Operation, key: string, nonce = 0) => {
    const frame = ciphers.requests.frame;
    writeRequest(frame, { operation, key: text(key), value: text(""), toggles: 0, ttlMs: 0 });
    const datagram = new Uint8Array(1024).fill(nonce, 0, 12);
    void ciphers.requests.seal(datagram, NO_ADDITIONAL_DATA);
    return datagram;
  };
  /** Status and value of the reply, or null for silence. */
  const ask = (operation: Operation, key: string) => {
    const reply = socket.ask(request(operation, key));
    if (reply === null) return null;
    const frame = ciphers.replies.open(reply, NO_ADDITIONAL_DATA) as Uint8Array;
    return [codeOf(frame), Buffer.from(frame.subarray(133)).toString().replace(/\0+$/, "")];
  };
  return {
    ...{ reader, store, socket, handedOn, set, request, ask },
    pass: (ms: number) => nowMs += ms,
    fillRing: () => hasRoom = false,
  };
}

test("GET, EXISTS and PING are answered, also for a key that expired", () => {
  const { ask, set, pass, handedOn, reader } = makeWorld();
  set("k", "value");
  set("t", "timed", 2_000);
  assertEquals(ask(Operation.GET, "k"), [Status.OK, "value"]);
  assertEquals(ask(Operation.GET, "t"), [Status.OK, "timed"]);
  assertEquals(ask(Operation.EXISTS, "t"), [Status.OK, ""]);
  pass(1_000);
  assertEquals(ask(Operation.GET, "t"), [Status.NOT_FOUND, ""]);
  assertEquals(ask(Operation.EXISTS, "none"), [Status.NOT_FOUND, ""]);
  assertEquals(ask(Operation.PING, ""), [Status.OK, ""]);
  assertEquals(handedOn, []);
  // As for the server, a key is there until the very moment.
  set("u", "until", 2_002);
  pass(1.3);
  assertEquals(ask(Operation.GET, "u"), [Status.OK, "until"]);
  const { hits, misses, operations, datagramsReceived, datagramsSent } = reader.counters;
  assertEquals([hits, misses, operations[Operation.GET]], [4, 2, 4]);
  assertEquals([datagramsReceived, datagramsSent, reader.received], [7, 7, 7]);
});

test("a wrong GET is answered with an error", () => {
  const { ask, reader } = makeWorld();
  assertEquals(ask(Operation.GET, "")?.[0], Status.ERROR);
  assertEquals(reader.counters.errors, 1);
});

test("statistics, mutations on either stream, and held keys are handed on, and not counted", () => {
  const { ask, socket, request, set, store, handedOn, reader } = makeWorld();
  set("k", "v");
  assertEquals(ask(Operation.STATS, ""), null);
  assertEquals(ask(Operation.DELETE, "k"), null);
  assertEquals(socket.ask(request(Operation.GET, "k", 1)), null);
  const held = store.hold(spanOf("k"));
  assertEquals(ask(Operation.GET, "k"), null);
  store.release(held);
  assertEquals(ask(Operation.GET, "k"), [Status.OK, "v"]);
  assertEquals(handedOn, [0, 0, 1, 0]);
  assertEquals([reader.received, reader.handedOn, reader.counters.datagramsReceived], [5, 4, 1]);
});

test("a value in pieces is the writer's", () => {
  const { ask, set, handedOn } = makeWorld();
  set("large", "x".repeat(50_000));
  assertEquals(ask(Operation.GET, "large"), null);
  assertEquals(handedOn.length, 1);
});

test("what can't be handed on is dropped and counted", () => {
  const { ask, fillRing, reader } = makeWorld();
  fillRing();
  assertEquals(ask(Operation.STATS, ""), null);
  assertEquals([reader.counters.droppedForLoad, reader.handedOn], [1, 0]);
});

test("strangers get silence, and are counted", () => {
  const { socket, reader } = makeWorld();
  assertEquals(socket.ask(new Uint8Array(1024)), null);
  assertEquals(socket.ask(new Uint8Array(1023)), null);
  const { droppedForAuthentication, droppedForSize, bytesReceived } = reader.counters;
  assertEquals([droppedForAuthentication, droppedForSize, bytesReceived], [1, 1, 2_047]);
});

test("what a reader has read is marked when the writer looks, and then stays longest", () => {
  const { ask, set, store } = makeWorld();
  const many = (from: number, to: number) => {
    for (let i = from; i < to; i++) set(`key${i}`, "v".repeat(400));
  };
  many(0, 500);
  for (let i = 0; i < 100; i++) assertEquals(ask(Operation.GET, `key${i}`)?.[0], Status.OK);
  store.sweep();
  many(500, 2_600);
  let kept = 0;
  for (let i = 0; i < 100; i++) kept += ask(Operation.GET, `key${i}`)?.[0] === Status.OK ? 1 : 0;
  let others = 0;
  for (let i = 100; i < 200; i++) {
    others += ask(Operation.GET, `key${i}`)?.[0] === Status.OK ? 1 : 0;
  }
  assert(kept > 90 && others < 10, `${kept} that were read and ${others} others are left`);
});
