/** The cases that «once» was designed around, each as a short script on the virtual clock. */

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { OutcomeUnknownError, RequestError } from "../../src/errors.ts";
import { copyBytes } from "../../src/bytes.ts";
import { isMutationNonce, sequenceOf } from "../../src/protocol/nonces.ts";
import { version1 } from "../../src/version1.ts";
import { trafficCiphers } from "../../src/protocol/keys.ts";
import type { CryptoProvider } from "../../src/protocol/crypto_provider.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { MemoryExecutor } from "../../src/execute/memory.ts";
import { fillUp } from "../store/fill_up.ts";
import {
  type ClientInWorld,
  makeClient,
  makeLink,
  makeServer,
  MASTER_KEY,
  oneClient,
  outcome,
  watch,
  WorldClock,
} from "../world.ts";

const small = (maxStreams: number) => ({ maxStreams, generationMs: 60_000, keptBytes: 2 ** 16 });

function mutationsOf({ requests }: Pick<ClientInWorld, "requests">): Uint8Array[] {
  return requests.filter((datagram) => isMutationNonce(datagram));
}

function latestMutationOf(client: Pick<ClientInWorld, "requests">): Uint8Array {
  const latest = mutationsOf(client).at(-1);
  assert(latest !== undefined);
  return latest;
}

test("a reply held back over a restart arrives late: no call goes back to the dead boot", async () => {
  const { kv, run, clock, link, server, requests, exchange } = await oneClient();
  await run(kv.set("k", "v"));
  const held: Uint8Array[] = [];
  link.onReply = (reply) => {
    held.push(copyBytes(reply));
    return 0;
  };
  const call = watch(kv.get("k"));
  await clock.pass(0.5);
  const restarted = await makeServer(clock);
  link.server = restarted;
  link.onReply = () => 1;
  assertEquals((await run(kv.add("n", 1))).value, 1n, "on the new server");
  const late = watch(kv.get("k"));
  for (const reply of held) exchange.receive(reply);
  await run(Promise.allSettled([call.promise, late.promise]));
  const before = requests.length;
  const { droppedForAuthentication } = restarted.server.counters;
  assertEquals((await run(kv.add("n", 1))).value, 2n);
  assertEquals(requests.length, before + 1, "sealed for the new boot at once");
  assertEquals(server.server.counters.operations[4], 0);
  assertEquals(restarted.server.counters.droppedForAuthentication, droppedForAuthentication);
});

test("two copies of a mutation draw two FENCEDs: it is sealed anew once", async () => {
  const { kv, run, clock, link, server, requests } = await oneClient();
  await run(kv.set("k", "v"));
  for (let i = 0; i < 7; i++) {
    await clock.pass(9_000);
    await run(kv.get("k"));
  }
  link.onRequest = () => 2;
  const before = requests.length;
  assertEquals((await run(kv.add("n", 7))).value, 7n);
  await clock.pass(10);
  assertEquals(server.server.counters.fenced, 2);
  assertEquals(server.server.counters.operations[4], 1);
  const sent = mutationsOf({ requests: requests.slice(before) });
  assertEquals(new Set(sent.map((one) => sequenceOf(one))).size, 2);
});

test("a restarted server that is not FRESH: the outcome is unknown, and nothing counts twice", async () => {
  const { kv, run, clock, link, server } = await oneClient();
  await run(kv.set("k", "v"));
  link.onReply = () => 0;
  const call = watch(kv.add("n", 5));
  await clock.pass(1);
  assertEquals(server.server.counters.operations[4], 1, "it was carried out");
  const restarted = await makeServer(clock, {
    isFresh: false,
    executor: new MemoryExecutor(server.store),
  });
  link.server = restarted;
  link.onReply = () => 1;
  await clock.pass(50);
  const error = await assertRejects(() => call.promise, OutcomeUnknownError);
  assertEquals(error.effect, "unknown");
  assertEquals((await run(kv.add("n", 1))).value, 6n);
});

test("the stream that fills the table is fenced, and so is its retransmission", async () => {
  const { clock, server, run } = await oneClient({ fenceLimits: small(2) });
  const clients = [];
  for (let i = 0; i < 3; i++) clients.push(await makeClient(clock, makeLink(server)));
  for (const { client } of clients.slice(0, 2)) {
    await run(client.add("n", 1, { timeout: 500 }));
  }
  const last = clients[2];
  assertEquals((await run(last.client.add("n", 1, { timeout: 500 }))).value, 3n);
  assertEquals(server.server.counters.fenced, 1);
  const [fenced] = mutationsOf(last);
  for (let i = 0; i < 3; i++) assert((await server.ask(fenced)) !== null, "FENCED again");
  assertEquals(server.server.counters.fenced, 4);
  assertEquals(await run(last.client.getText("n", { timeout: 500 })), "3");
});

test("a mutation behind the previous table's window is met with silence", async () => {
  const { kv, client, run, clock, link, server, requests } = await oneClient({
    fenceLimits: small(1),
  });
  await run(kv.set("k", "v"));
  link.onRequest = () => 0;
  watch(client.add("n", 100, { timeout: 10 }));
  await clock.pass(11);
  const withheld = latestMutationOf({ requests });
  link.onRequest = () => 1;
  await run(kv.add("n", 1));
  const other = await makeClient(clock, makeLink(server));
  await run(other.client.add("n", 1, { timeout: 500 }));
  assertEquals(server.server.fence.streams, 1, "the generation turned");
  assertEquals(await server.ask(withheld), null);
  assertEquals(await run(kv.getText("n")), "2");
});

test("a refused mutation, replayed when it would succeed, stays refused", async () => {
  const { kv, run, server, requests } = await oneClient({ onFull: "refuse" });
  const replayLatest = () => server.ask(latestMutationOf({ requests }));
  await run(kv.set("n", "no number"));
  await assertRejects(() => run(kv.add("n", 1)), RequestError);
  const refusedAdd = latestMutationOf({ requests });
  await run(kv.delete("n"));
  assert((await server.ask(refusedAdd)) !== null, "ERROR, again");
  assertEquals(await run(kv.get("n")), undefined);

  assertEquals(await run(kv.touch("n")), false);
  const notFound = latestMutationOf({ requests });
  await run(kv.set("n", "v", { ttl: 60_000 }));
  assert((await server.ask(notFound)) !== null, "NOT_FOUND, again");
  assert((await run(kv.exists("n")))?.ttl !== undefined, "the time to live stays");

  fillUp(server.store);
  await assertRejects(() => run(kv.set("large", new Uint8Array(863))), Error, "full");
  assert((await replayLatest()) !== null, "FULL, again");
  assertEquals(server.server.counters.replaysAnswered, 3);
  assertEquals(await run(kv.get("large")), undefined);
});

test("a mutation withheld past its deadline is not carried out after a later answer", async () => {
  const { kv, client, run, clock, link, server, requests } = await oneClient();
  await run(kv.set("k", "v"));
  link.onRequest = () => 0;
  const call = watch(client.add("n", 100, { timeout: 10 }));
  await clock.pass(11);
  assertEquals(call.state, "DEADLINE_EXCEEDED");
  const withheld = latestMutationOf({ requests });
  link.onRequest = () => 1;
  assertEquals((await run(kv.add("n", 1))).value, 1n);
  assertEquals(await server.ask(withheld), null);
  assertEquals(server.server.counters.droppedForWindow, 1);
  assertEquals(await run(kv.getText("n")), "1");
});

test("one mutation lost among several thousand is carried out once, and holds up only its window", async () => {
  const { client, run, link, server } = await oneClient();
  const kv = client.within(60_000);
  await run(kv.get("k"));
  let unlucky = -1;
  link.onRequest = (datagram) => {
    if (!isMutationNonce(datagram)) return 1;
    if (unlucky < 0) unlucky = sequenceOf(datagram);
    const isUnlucky = sequenceOf(datagram) === unlucky;
    return isUnlucky && server.server.counters.operations[4] < 1_000 ? 0 : 1;
  };
  const sums = await run(Promise.all(Array.from({ length: 4_000 }, () => kv.add("n", 1))));
  assertEquals(new Set(sums.map(({ value }) => value)).size, 4_000);
  assertEquals(server.server.counters.operations[4], 4_000);
  assertEquals(server.server.counters.droppedForWindow, 0);
});

test("an idle client two generations behind asks first, and is answered", async () => {
  const { kv, run, clock, server, requests } = await oneClient();
  await run(kv.set("k", "v"));
  const other = await makeClient(clock, makeLink(server));
  for (let turn = 0; turn < 2; turn++) {
    await clock.pass(60_000);
    await run(other.client.add("other", 1, { timeout: 500 }));
  }
  const before = requests.length;
  assertEquals((await run(kv.add("n", 1))).value, 1n);
  const kinds = requests.slice(before).map((datagram) => isMutationNonce(datagram));
  assertEquals(kinds[0], false, "a PING");
  assertEquals(kinds.filter(Boolean).length, 1, "and one mutation, for the newest epoch");
});

/** node:crypto, whose answers come when they are released, in any order. */
function withheldCrypto(): {
  provider: CryptoProvider;
  release: (order: (pending: number) => number) => void;
} {
  const pending: (() => void)[] = [];
  let isHolding = false;
  const later = <T>(value: T): Promise<T> =>
    new Promise((resolve) => {
      if (isHolding) pending.push(() => resolve(value));
      else resolve(value);
    });
  const provider: CryptoProvider = {
    ...nodeCrypto,
    name: "withheld",
    async cipher(key) {
      const cipher = await nodeCrypto.cipher(key);
      return {
        frame: cipher.frame,
        seal: (...args) => later(cipher.seal(...args) as undefined),
        open: (...args) => later(cipher.open(...args) as Uint8Array | null),
      };
    },
  };
  const release = (order: (pending: number) => number) => {
    if (!isHolding) {
      isHolding = true;
      return;
    }
    while (pending.length > 0) pending.splice(order(pending.length), 1)[0]();
  };
  return { provider, release };
}

test("mutations opened before a turn and judged after it, last first, are not carried out twice", async () => {
  const clock = new WorldClock();
  const { provider, release } = withheldCrypto();
  const ciphers = await trafficCiphers(MASTER_KEY, provider);
  const slow = await makeServer(clock, { wires: [version1(ciphers)], fenceLimits: small(2) });
  const clients = [];
  for (let i = 0; i < 3; i++) clients.push((await makeClient(clock, makeLink(slow))).client);
  for (const client of clients) await outcome(clock, client.ping({ timeout: 500 }));
  const calls = clients.map((client) => client.add("n", 1, { timeout: 5_000 }));
  release(() => 0);
  for (const call of calls) watch(call);
  for (let round = 0; round < 200; round++) {
    await clock.pass(3);
    release((pending) => pending - 1);
  }
  const sums = await Promise.all(calls);
  assertEquals(sums.map(({ value }) => value).sort(), [1n, 2n, 3n]);
  assert(slow.server.counters.fenced > 0, "the table of two was full");
  assertEquals(slow.server.counters.operations[4], 3);
});
