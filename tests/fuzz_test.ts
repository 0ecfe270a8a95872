/**
 * Hostile input: a million datagrams on Bun, fewer elsewhere, into the server's and the client's
 * receive paths: random, truncated, altered, replayed, and sealed with the right key by a peer
 * that has a bug. Nothing throws or hangs, and nothing changes that should not.
 */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { KilogramError } from "../src/errors.ts";
import { copyBytes, writeU16 } from "../src/bytes.ts";
import { DATAGRAM_BYTES, FRAME_BYTES } from "../src/protocol/datagram.ts";
import {
  codeOf,
  META_AT,
  META_BYTES,
  META_EPOCH_AT,
  Status,
  VALUE_AT,
  writeHead,
} from "../src/protocol/frame.ts";
import { trafficCiphers } from "../src/protocol/keys.ts";
import { type Cipher, NO_ADDITIONAL_DATA } from "../src/protocol/seal.ts";
import { NonceStream } from "../src/protocol/nonces.ts";
import { nodeCrypto } from "../src/runtime/node_crypto.ts";
import { Server } from "../src/server.ts";
import { version1 } from "../src/version1.ts";
import { LogStore } from "../src/store/log_store.ts";
import type { Found, Result, Span } from "../src/store/store.ts";
import { fillRandomOf, randomOf } from "./bytes.ts";
import { sealFrame } from "./seal.ts";
import { FakeSocket, throwLater } from "./world.ts";
import { MemoryExecutor } from "../src/execute/memory.ts";
import {
  makeClient,
  makeLink,
  makeServer,
  MASTER_KEY,
  outcome,
  watch,
  WorldClock,
} from "./world.ts";

const DATAGRAMS = "Bun" in globalThis ? 1_000_000 : 40_000;
const AT_SERVER = DATAGRAMS * 0.6;
const AT_CLIENT = DATAGRAMS * 0.4;

const ciphers = await trafficCiphers(MASTER_KEY, nodeCrypto);

/** Counts changes, also those that would happen only if the key were there. */
class WatchedStore extends LogStore {
  changes = 0;

  override set(k: Span, v: Span, expiresAtMs: number, overwrite: boolean, f: Found): Result {
    this.changes++;
    return super.set(k, v, expiresAtMs, overwrite, f);
  }
  override delete(key: Span, found: Found): Result {
    this.changes++;
    return super.delete(key, found);
  }
  override add(key: Span, delta: bigint, expiresAtMs: number, found: Found): Result {
    this.changes++;
    return super.add(key, delta, expiresAtMs, found);
  }
  override touch(key: Span, expiresAtMs: number): Result {
    this.changes++;
    return super.touch(key, expiresAtMs);
  }
  override setIfEqual(k: Span, e: Span, v: Span, expiresAtMs: number, f: Found): Result {
    this.changes++;
    return super.setIfEqual(k, e, v, expiresAtMs, f);
  }
  override deleteIfEqual(key: Span, expected: Span, found: Found): Result {
    this.changes++;
    return super.deleteIfEqual(key, expected, found);
  }
  override drop(prefix: Span): void {
    this.changes++;
    super.drop(prefix);
  }
}

/** Makes bad input of each kind from good datagrams; a seed decides everything. */
class Hostile {
  readonly random: () => number;
  readonly #fill: (bytes: Uint8Array) => void;
  readonly #good: Uint8Array[];

  constructor(seed: number, good: Uint8Array[]) {
    this.random = randomOf(seed);
    this.#fill = fillRandomOf(seed + 1);
    this.#good = good;
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick(): Uint8Array {
    return this.#good[this.below(this.#good.length)];
  }

  garbage(): Uint8Array {
    const isWhole = this.random() < 0.5;
    const bytes = new Uint8Array(isWhole ? DATAGRAM_BYTES : this.below(2_000));
    // Filling the start is enough: the rest authenticates no better.
    this.#fill(bytes.subarray(0, 40));
    return bytes;
  }

  truncated(): Uint8Array {
    return copyBytes(this.pick(), 0, this.below(DATAGRAM_BYTES));
  }

  altered(): Uint8Array {
    const datagram = copyBytes(this.pick());
    for (let flips = 1 + this.below(3); flips > 0; flips--) {
      const bit = 8 + this.below((DATAGRAM_BYTES - 1) * 8);
      datagram[bit >> 3] ^= 1 << (bit & 7);
    }
    // Two flips of one bit would cancel out: the first byte always differs.
    datagram[0] ^= 2;
    return datagram;
  }

  /** A frame of random contents, whose head is nearly right in half of the cases. */
  frame(): Uint8Array {
    const frame = new Uint8Array(FRAME_BYTES);
    this.#fill(frame.subarray(0, 150));
    if (this.random() < 0.5) {
      const toggles = this.random() < 0.5 ? this.below(16) : 0;
      writeHead(frame, this.below(11), toggles, this.below(140), this.below(900));
      // Half of the expected values are whole, and some of the cursors.
      if (this.random() < 0.5) writeU16(frame, VALUE_AT, this.below(900));
      if (this.random() < 0.1) writeHead(frame, 8, 0, this.below(3), 8 * this.below(2));
    }
    return frame;
  }
}

function sealNow(cipher: Cipher, datagram: Uint8Array, frame: Uint8Array, aad: Uint8Array): void {
  assert(sealFrame(cipher, datagram, frame, aad) === undefined);
}

function openNow(cipher: Cipher, datagram: Uint8Array): Uint8Array {
  const frame = cipher.open(datagram, NO_ADDITIONAL_DATA);
  assert(frame instanceof Uint8Array);
  return frame;
}

test(`${AT_SERVER} hostile datagrams leave the server answering, and the store as it should be`, () => {
  let nowMs = 1_000;
  const fillRandom = fillRandomOf(1);
  const store = new WatchedStore({ limitBytes: 2 ** 20, now: () => nowMs, fillRandom });
  const server = new Server({
    wires: [version1(ciphers)],
    executor: new MemoryExecutor(store),
    now: () => nowMs,
    fillRandom,
    onFault: throwLater,
  });
  const socket = new FakeSocket((...arrived) => server.receive(...arrived));
  const streams = [
    NonceStream.forQueries(fillRandomOf(2)),
    NonceStream.forMutations(fillRandomOf(3)),
  ];
  let epoch: Uint8Array = NO_ADDITIONAL_DATA;
  const good: Uint8Array[] = [];
  const hostile = new Hostile(4, good);

  /** Sends a frame as a peer with the key, and returns the status. */
  const send = (frame: Uint8Array, isMutation: boolean): number => {
    const datagram = new Uint8Array(DATAGRAM_BYTES);
    streams[isMutation ? 1 : 0].take(datagram);
    sealNow(ciphers.requests, datagram, frame, isMutation ? epoch : NO_ADDITIONAL_DATA);
    const reply = socket.ask(datagram);
    assert(reply !== null, "a peer that has the key gets an answer");
    const answer = openNow(ciphers.replies, reply);
    epoch = copyBytes(answer, META_EPOCH_AT, META_EPOCH_AT + 16);
    if (good.length < 500) good.push(datagram);
    else good[hostile.below(500)] = datagram;
    return codeOf(answer);
  };
  const ping = new Uint8Array(FRAME_BYTES);
  writeHead(ping, 6, 0, 0, 0);
  send(ping, false);

  for (let i = 0; i < AT_SERVER; i++) {
    if (i % 1_000 === 0) nowMs += 500;
    const before = store.changes;
    const kind = i % 6;
    if (kind < 2) {
      const status = send(hostile.frame(), hostile.random() < 0.7);
      const isRefused = status === Status.ERROR || status === Status.FENCED;
      // An ADD to a value that is not a number reaches the store, which refuses it.
      if (isRefused && store.changes !== before) assertEquals(status, Status.ERROR);
      continue;
    }
    if (kind === 2) socket.ask(hostile.pick());
    else if (kind === 3) assertEquals(socket.ask(hostile.truncated()), null);
    else if (kind === 4) assertEquals(socket.ask(hostile.altered()), null);
    else assertEquals(socket.ask(hostile.garbage()), null);
    assertEquals(store.changes, before, "a replay or a stranger changes nothing");
  }
  assertEquals(send(ping, false), Status.OK);
  assert(store.changes > 0 && store.usedBytes <= store.limitBytes);
  const { counters } = server;
  assert(counters.droppedForSize > AT_SERVER / 10);
  assert(counters.droppedForAuthentication > AT_SERVER / 6);
});

test(`${AT_CLIENT} hostile datagrams leave the client working`, async () => {
  const clock = new WorldClock();
  const server = await makeServer(clock);
  const link = makeLink(server);
  const { client, exchange, requests, replies } = await makeClient(clock, link);
  await outcome(clock, client.set("k", "v", { timeout: 500 }));
  for (let i = 0; i < 50; i++) await outcome(clock, client.get("k", { timeout: 500 }));
  const hostile = new Hostile(5, [...requests, ...replies]);
  const nonces = NonceStream.forReplies(fillRandomOf(6));
  link.onRequest = () => 0;
  let calls: ReturnType<typeof watch<unknown>>[] = [];
  let answeredByBug = 0;

  for (let i = 0; i < AT_CLIENT; i++) {
    if (i % 500 === 0) {
      for (const { state } of calls) if (state !== "waits") answeredByBug++;
      calls = Array.from({ length: 20 }, (_, j) => {
        const options = { timeout: 50 };
        const isQuery = j % 2 === 0;
        return watch<unknown>(isQuery ? client.get("k", options) : client.add("n", 1, options));
      });
      await clock.pass(5);
    }
    const kind = i % 5;
    if (kind === 0) {
      exchange.receive(brokenReply(hostile, nonces, requests));
    } else {
      const bad = [hostile.pick, hostile.truncated, hostile.altered, hostile.garbage][kind - 1];
      exchange.receive(bad.call(hostile));
    }
    if (i % 500 === 499) await clock.pass(100);
  }
  for (const { promise } of calls) {
    await promise.catch((error) =>
      assert(error instanceof KilogramError || error instanceof SyntaxError)
    );
  }
  assert(answeredByBug > 0, "a peer that has the key and a bug does answer calls");
  link.onRequest = () => 1;
  await clock.pass(11_000);
  const fresh = await makeClient(clock, link);
  assertEquals(await outcome(clock, fresh.client.getText("k", { timeout: 500 })), "v");
  assertEquals(await outcome(clock, client.getText("k", { timeout: 500 })), "v");
  const sum = await outcome(clock, client.add("sum", 7, { timeout: 500 }));
  assertEquals(sum.value, 7n, "also a mutation, whatever epochs the bug sent");
  await clock.pass(2_000);
  assertEquals(clock.pendingTasks, 0, "an alarm that is left over rings once, for nothing");
});

/** Sealed with the right key, often for a request that waits, with random contents. */
function brokenReply(hostile: Hostile, nonces: NonceStream, requests: Uint8Array[]): Uint8Array {
  const frame = hostile.frame();
  if (hostile.random() < 0.7) {
    writeHead(frame, hostile.below(10), hostile.below(4), META_BYTES, hostile.below(1_024));
  }
  if (hostile.random() < 0.5) {
    const recent = requests[requests.length - 1 - hostile.below(Math.min(30, requests.length))];
    frame.set(recent.subarray(0, 12), META_AT);
  }
  const datagram = new Uint8Array(DATAGRAM_BYTES);
  nonces.take(datagram);
  sealNow(ciphers.replies, datagram, frame, NO_ADDITIONAL_DATA);
  return datagram;
}
