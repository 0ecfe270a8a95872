import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openSkvsWire } from "../../src/doors/skvs.ts";
import { DeadlineExceededError, RequestError } from "../../src/errors.ts";
import { copyBytes } from "../../src/bytes.ts";
import { DATAGRAM_BYTES } from "../../src/protocol/datagram.ts";
import { type SkvsCommand, SkvsFlag, writeSkvsRequest } from "../../src/protocol/skvs.ts";
import { skvsCall } from "../../src/protocol/skvs_call.ts";
import { makeAlarm } from "../../src/runtime/alarm.ts";
import { chooseCrypto } from "../../src/runtime/detect.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { webCrypto } from "../../src/runtime/web_crypto.ts";
import { trafficCiphers } from "../../src/protocol/keys.ts";
import { Counters, MAX_KEYS } from "../../src/statistics.ts";
import { version1 } from "../../src/version1.ts";
import { everyByte, fillRandomOf, text } from "../bytes.ts";
import {
  awaited,
  makeClient,
  makeLink,
  makeServer,
  MASTER_KEY,
  outcome,
  WorldClock,
} from "../world.ts";
import { sealFrame } from "../seal.ts";

const KEY = text("01234567890123456789012345678901");
const NOTHING = new Uint8Array(0);
const { OVERWRITE, OLD } = SkvsFlag;

/** @param arrivals what a client is given, in one turn, where a server sent a reply */
async function begin(
  provider = nodeCrypto,
  arrivals = (reply: Uint8Array): Uint8Array[] => [reply],
  seed = 1,
) {
  const clock = new WorldClock();
  const cipher = await provider.cipher(KEY);
  const counters = new Counters();
  const fillRandom = fillRandomOf(seed);
  const world: Awaited<ReturnType<typeof makeServer>> = await makeServer(clock, {
    counters,
    fillRandom,
    wires: [
      version1(await trafficCiphers(MASTER_KEY, awaited(provider))),
      await openSkvsWire({ provider: awaited(provider), key: KEY, keySlot: MAX_KEYS }),
    ],
  });
  const call = (command: number, key: string, value: Uint8Array = NOTHING, flags = 0) =>
    skvsCall({ command: command as SkvsCommand, flags, key: text(key), value }, 500, {
      cipher,
      fillRandom,
      makeAlarm,
      dial: async (onDatagram) => ({
        async send(datagram) {
          onDatagram(new Uint8Array(3));
          onDatagram(new Uint8Array(DATAGRAM_BYTES));
          onDatagram(copyBytes(datagram));
          const reply = await world.ask(datagram);
          if (reply !== null) arrivals(reply).forEach(onDatagram);
        },
        close() {},
      }),
    });
  const asText = async (reply: Promise<Uint8Array | undefined>) => {
    const value = await reply;
    return value && Buffer.from(value).toString();
  };
  return { clock, world, call, counters, asText };
}

for (const provider of [nodeCrypto, webCrypto]) {
  test(`the four commands answer as the original does (${provider.name})`, async () => {
    const { call, asText, counters } = await begin(provider);
    assertEquals(await call(1, "k"), undefined);
    assertEquals(await asText(call(0, "k", text("one"))), "one", "the stored value");
    assertEquals(await asText(call(0, "k", text("two"))), "one", "the current value");
    assertEquals(await asText(call(0, "k", text("two"), OVERWRITE | OLD)), "one", "the old value");
    assertEquals(await asText(call(0, "new", text("x"), OLD)), "", "empty if there was none");
    assertEquals(await asText(call(1, "k")), "two");
    assertEquals([await asText(call(3, "k")), await asText(call(3, "none"))], ["1", "0"]);
    assertEquals(await asText(call(2, "k")), "two");
    assertEquals(await call(2, "k"), undefined);
    assertEquals(counters.skvs, 10);
    assertEquals(counters.droppedForAuthentication, 0);
  });
}

test("a value of 863 bytes comes back whole, and trailing NULs do not", async () => {
  const { call, asText } = await begin();
  const value = everyByte(863);
  await call(0, "k", value);
  assertEquals(await call(1, "k"), value);
  await call(0, "nul", text("a\u0000b\u0000\u0000"));
  assertEquals(await asText(call(1, "nul")), "a\u0000b");
});

test("an unknown command and an empty key are errors", async () => {
  const { call } = await begin();
  await assertRejects(() => call(4, "k"), RequestError);
  await assertRejects(() => call(1, ""), RequestError);
});

test("the server's own reply, sent back to it, is not a request", async () => {
  const { world, counters } = await begin();
  const cipher = await nodeCrypto.cipher(KEY);
  const datagram = new Uint8Array(DATAGRAM_BYTES);
  fillRandomOf(9)(datagram.subarray(0, 12));
  const frame = new Uint8Array(996);
  writeSkvsRequest(frame, { command: 0, flags: 0, key: text("k"), value: text("evil") });
  await sealFrame(cipher, datagram, frame, new Uint8Array(0));
  const reply = await world.ask(datagram);
  assert(reply !== null);
  assertEquals(await world.ask(reply), null);
  assertEquals([counters.skvs, counters.droppedForAuthentication], [1, 1]);
});

test("a reply that was recorded before a restart is not a request afterwards", async () => {
  const { world: first, call } = await begin();
  await call(0, "k", text("recorded"));
  const recorded: Uint8Array[] = [];
  const cipher = await nodeCrypto.cipher(KEY);
  for (let i = 0; i < 5; i++) {
    const datagram = new Uint8Array(DATAGRAM_BYTES);
    fillRandomOf(30 + i)(datagram.subarray(0, 12));
    writeSkvsRequest(cipher.frame, { command: 1, flags: 0, key: text("k"), value: NOTHING });
    await cipher.seal(datagram, new Uint8Array(0));
    const reply = await first.ask(datagram);
    assert(reply !== null);
    recorded.push(reply);
  }
  const { world: second, counters } = await begin(nodeCrypto, undefined, 2);
  for (const reply of recorded) assertEquals(await second.ask(reply), null);
  assertEquals([counters.skvs, counters.droppedForAuthentication], [0, 5]);
  const ids = recorded.map((reply) => Buffer.from(reply.subarray(4, 12)).toString("hex"));
  assertEquals(new Set(ids).size, 5, "and every nonce is different");
});

test("both wires reach the same store; the version 1 key is tried first", async () => {
  const { clock, world, call, asText } = await begin();
  const { client } = await makeClient(clock, makeLink(world));
  await outcome(clock, client.set("k", "from version 1", { timeout: 500 }));
  assertEquals(await asText(call(1, "k")), "from version 1");
  await call(0, "k", text("from the original"), OVERWRITE);
  assertEquals(await outcome(clock, client.getText("k", { timeout: 500 })), "from the original");
});

test("a forged datagram after the reply does not change what the caller reads", async () => {
  // On Bun this is OpenSSL, which opens every datagram into the same memory.
  const { call, asText } = await begin(await chooseCrypto(), (reply) => {
    const forged = copyBytes(reply);
    forged[13] ^= 0x0f;
    return [reply, forged];
  });
  assertEquals(await asText(call(0, "k", text("genuine"))), "genuine");
});

test("without the door, the original wire is met with silence", async () => {
  const clock = new WorldClock();
  const world = await makeServer(clock);
  const cipher = await nodeCrypto.cipher(KEY);
  const call = skvsCall({ command: 1, flags: 0, key: text("k"), value: NOTHING }, 20, {
    cipher,
    fillRandom: fillRandomOf(2),
    makeAlarm,
    dial: async (onDatagram) => ({
      async send(datagram) {
        const reply = await world.ask(datagram);
        if (reply !== null) onDatagram(reply);
      },
      close() {},
    }),
  });
  await assertRejects(() => call, DeadlineExceededError);
  assertEquals(world.server.counters.droppedForAuthentication, 1);
  assert(world.store.count === 0);
});
