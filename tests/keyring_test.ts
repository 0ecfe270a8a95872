/** Which keys a server accepts, and how it changes them. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Keyring } from "../src/keyring.ts";
import { DATAGRAM_BYTES } from "../src/protocol/datagram.ts";
import { codeOf, Operation, Status, writeRequest } from "../src/protocol/frame.ts";
import { keyId, trafficCiphers } from "../src/protocol/keys.ts";
import { NO_ADDITIONAL_DATA } from "../src/protocol/seal.ts";
import { Published } from "../src/readers/published.ts";
import { nodeCrypto } from "../src/runtime/node_crypto.ts";
import { webCrypto } from "../src/runtime/web_crypto.ts";
import { encodeLines } from "../src/section.ts";
import { Counters } from "../src/statistics.ts";
import { openWires } from "../src/wires.ts";
import { text } from "./bytes.ts";
import { awaited, makeClient, makeLink, makeServer, outcome, WorldClock } from "./world.ts";

const keyOf = (fill: number) => new Uint8Array(32).fill(fill);
const accepted = (fill: number, isOriginal = false) => ({
  key: keyOf(fill),
  id: `id${fill}`,
  isOriginal,
});
const slotsOf = (keyring: Keyring) => keyring.keys.map(({ slot, key }) => `${slot}:${key[0]}`);

function makeKeyring() {
  const counters = new Counters();
  const clock = { nowMs: 1_000 };
  return { counters, clock, keyring: new Keyring(counters, () => clock.nowMs) };
}

test("a key keeps its slot and its counts as long as it is accepted", () => {
  const { counters, keyring } = makeKeyring();
  keyring.replace(keyring.plan([accepted(1)]));
  counters.byKey[0] = 5;
  keyring.replace(keyring.plan([accepted(2), accepted(1)]));
  assertEquals(slotsOf(keyring), ["1:2", "0:1"]);
  assertEquals([...counters.byKey], [5, 0, 0, 0]);
  counters.byKey[1] = 7;
  keyring.replace(keyring.plan([accepted(2)]));
  keyring.replace(keyring.plan([accepted(3), accepted(2)]));
  assertEquals(slotsOf(keyring), ["0:3", "1:2"]);
  assertEquals([...counters.byKey], [0, 7, 0, 0], "a new key does not inherit a count");
  assertEquals(keyring.ids, ["id3", "id2"]);
});

test("a key that replaces another in one step does not take its slot at once", () => {
  const { keyring } = makeKeyring();
  keyring.replace(keyring.plan([accepted(1)]));
  keyring.replace(keyring.plan([accepted(2)]));
  assertEquals(slotsOf(keyring), ["1:2"]);
  keyring.replace(keyring.plan([accepted(3), accepted(4)]));
  assertEquals(slotsOf(keyring), ["0:3", "1:4"]);
});

test("the original wire's keys are apart, even if they are the same bytes", () => {
  const { keyring } = makeKeyring();
  keyring.replace(keyring.plan([accepted(1), accepted(2), accepted(1, true), accepted(2, true)]));
  assertEquals(slotsOf(keyring), ["0:1", "1:2", "2:1", "3:2"]);
  keyring.replace(keyring.plan([accepted(2), accepted(1, true)]));
  assertEquals(slotsOf(keyring), ["1:2", "2:1"]);
  assertEquals(keyring.ids, ["id2"]);
});

test("STATS tells of each key how much it is used, and fits", () => {
  const { counters, clock, keyring } = makeKeyring();
  keyring.replace(keyring.plan([accepted(1), accepted(2), accepted(3, true), accepted(4, true)]));
  counters.byKey[1] = 3;
  counters.keyUsedAtMs[1] = 900;
  assertEquals(keyring.lines().slice(0, 5), [
    ["key_1", "id1"],
    ["key_1_requests", 0],
    ["key_2", "id2"],
    ["key_2_requests", 3],
    ["key_2_idle_ms", 100],
  ]);
  assertEquals(keyring.lines().at(-2), ["skvs_key_2", "id4"]);
  counters.byKey.fill(Number.MAX_SAFE_INTEGER);
  counters.keyUsedAtMs.fill(0);
  clock.nowMs = Number.MAX_SAFE_INTEGER;
  const all = encodeLines(keyring.lines(), 10_000);
  assertEquals(encodeLines(keyring.lines(), 863), all);
});

test("a key's id tells it from others", async () => {
  assertEquals(await keyId(keyOf(1), nodeCrypto), await keyId(keyOf(1), webCrypto));
  assert(await keyId(keyOf(1), nodeCrypto) !== await keyId(keyOf(2), nodeCrypto));
  assertEquals((await keyId(keyOf(1), nodeCrypto)).length, 8);
});

test("readers find the keys in shared memory, and none that is gone", () => {
  const published = new Published();
  const keys = [{ slot: 1, key: keyOf(9) }, { slot: 2, key: keyOf(8) }];
  published.setKeys(keys);
  const reader = new Published(published.words);
  assertEquals(reader.keys(), keys);
  const version = reader.keysVersion;
  published.setKeys(keys.slice(1));
  assertEquals(reader.keys(), keys.slice(1));
  assert(reader.keysVersion !== version);
  const bytes = new Uint8Array(published.words.buffer);
  assert(!bytes.includes(9), "the memory does not hold the key that is gone");
});

for (const provider of [nodeCrypto, webCrypto]) {
  test(`${provider.name}: clients of either key are served, and then those of one alone`, async () => {
    const clock = new WorldClock();
    const { counters, keyring } = makeKeyring();
    const wires = () => openWires(keyring.keys, awaited(provider));
    keyring.replace(keyring.plan([accepted(1)]));
    const world = await makeServer(clock, { counters, wires: await wires() });
    const clientOf = async (fill: number) => {
      const ciphers = await trafficCiphers(keyOf(fill), awaited(provider));
      return (await makeClient(clock, makeLink(world), { ciphers })).client.within(200);
    };
    const [before, after] = [await clientOf(1), await clientOf(2)];
    const run = <T>(promise: Promise<T>) => outcome(clock, promise.catch((e) => e.code));
    assertEquals((await run(before.add("n", 1))).value, 1n);
    assertEquals(await run(after.add("n", 1)), "DEADLINE_EXCEEDED");
    keyring.replace(keyring.plan([accepted(2), accepted(1)]));
    world.server.setWires(await wires());
    assertEquals((await run(before.add("n", 1))).value, 2n);
    assertEquals((await run(after.add("n", 1))).value, 3n);
    assertEquals(counters.byKey.every((count, slot) => count > 0 === slot < 2), true);
    keyring.replace(keyring.plan([accepted(2)]));
    world.server.setWires(await wires());
    assertEquals(await run(before.get("n")), "DEADLINE_EXCEEDED");
    assertEquals((await run(after.add("n", 1))).value, 4n);
  });
}

test("what a slow cipher opens under a key that is gone meanwhile is dropped", async () => {
  const clock = new WorldClock();
  const release: (() => void)[] = [];
  const slow = {
    ...nodeCrypto,
    async cipher(key: Uint8Array) {
      const cipher = await nodeCrypto.cipher(key);
      return {
        frame: cipher.frame,
        seal: cipher.seal.bind(cipher),
        open(...args: Parameters<typeof cipher.open>) {
          const opened = cipher.open(...args) as Uint8Array | null;
          return new Promise<Uint8Array | null>((go) => release.push(() => go(opened)));
        },
      };
    },
  };
  const { counters, keyring } = makeKeyring();
  keyring.replace(keyring.plan([accepted(1)]));
  const world = await makeServer(clock, { counters, wires: await openWires(keyring.keys, slow) });
  const { requests } = await trafficCiphers(keyOf(1), nodeCrypto);
  writeRequest(requests.frame, {
    operation: Operation.PING,
    toggles: 0,
    key: text(""),
    value: text(""),
    ttlMs: 0,
  });
  const datagram = new Uint8Array(DATAGRAM_BYTES);
  void requests.seal(datagram, NO_ADDITIONAL_DATA);
  const replies: Uint8Array[] = [];
  world.deliver(datagram, (reply) => replies.push(reply));
  keyring.replace(keyring.plan([accepted(2)]));
  world.server.setWires(await openWires(keyring.keys, nodeCrypto));
  release.forEach((each) => each());
  await clock.pass(1);
  assertEquals([replies.length, counters.droppedForAuthentication, counters.byKey[0]], [0, 1, 0]);
});

test("a wire of a key that stays goes on, also while it opens something", async () => {
  const clock = new WorldClock();
  const { counters, keyring } = makeKeyring();
  keyring.replace(keyring.plan([accepted(1)]));
  const [stays] = await openWires(keyring.keys, awaited(webCrypto));
  const world = await makeServer(clock, { counters, wires: [stays] });
  const ciphers = await trafficCiphers(keyOf(1), nodeCrypto);
  const { client } = await makeClient(clock, makeLink(world), { ciphers });
  const calls = Array.from({ length: 20 }, (_, i) => client.get(`k${i}`, { timeout: 500 }));
  const [other] = await openWires([{ slot: 1, key: keyOf(2) }], awaited(webCrypto));
  for (let i = 0; i < 20; i++) {
    await clock.pass(0.05);
    world.server.setWires(i % 2 === 0 ? [other, stays] : [stays]);
  }
  await outcome(clock, Promise.all(calls));
  assertEquals([counters.droppedForAuthentication, client.retransmissions], [0, 0]);
});

test("a reply is sealed under the key of its request", async () => {
  const clock = new WorldClock();
  const { counters, keyring } = makeKeyring();
  keyring.replace(keyring.plan([accepted(1), accepted(2)]));
  const wires = await openWires(keyring.keys, nodeCrypto);
  const world = await makeServer(clock, { counters, wires });
  const second = await trafficCiphers(keyOf(2), nodeCrypto);
  writeRequest(second.requests.frame, {
    operation: Operation.GET,
    toggles: 0,
    key: text("none"),
    value: text(""),
    ttlMs: 0,
  });
  const datagram = new Uint8Array(DATAGRAM_BYTES);
  void second.requests.seal(datagram, NO_ADDITIONAL_DATA);
  const reply = await world.ask(datagram);
  const frame = reply && second.replies.open(reply, NO_ADDITIONAL_DATA) as Uint8Array;
  assertEquals(frame && codeOf(frame), Status.NOT_FOUND);
});
