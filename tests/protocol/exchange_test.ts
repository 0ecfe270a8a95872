import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  AbortedError,
  ClosedError,
  DeadlineExceededError,
  KilogramError,
  OverloadedError,
} from "../../src/errors.ts";
import { copyBytes } from "../../src/bytes.ts";
import { MAX_WAITING } from "../../src/protocol/exchange.ts";
import { MAX_OUTSTANDING } from "../../src/protocol/lane.ts";
import { isMutationNonce, sequenceOf } from "../../src/protocol/nonces.ts";
import type { Calls } from "../../src/client.ts";
import {
  makeClient,
  makeLink,
  makeServer,
  oneClient,
  outcome,
  settled,
  watch,
  WorldClock,
} from "../world.ts";

const isMutation = (datagram: Uint8Array) => isMutationNonce(datagram);
const isQuery = (datagram: Uint8Array) => !isMutationNonce(datagram);

test("a query is one datagram out and one back, from a cold start", async () => {
  const { kv, run, requests, replies } = await oneClient();
  await run(kv.get("k"));
  assertEquals([requests.length, replies.length], [1, 1]);
});

test("a mutation is preceded by a PING only while no epoch is known", async () => {
  const { kv, run, requests } = await oneClient();
  await run(kv.set("k", "1"));
  assertEquals(requests.map(isMutation), [false, true]);
  await run(kv.set("k", "2", { overwrite: true }));
  assertEquals(requests.map(isMutation), [false, true, true]);
});

test("queries do not wait for mutations, nor mutations for queries", async () => {
  const { kv, run, link, requests } = await oneClient();
  await run(kv.set("k", "v"));
  const before = requests.length;
  link.onRequest = (datagram) => (isMutation(datagram) ? 0 : 1);
  const mutations = Array.from({ length: 100 }, () => watch(kv.add("n", 1)));
  assertEquals(requests.slice(before).filter(isMutation).length, MAX_OUTSTANDING);
  assertEquals(await run(kv.getText("k")), "v");
  assert(mutations.every(({ state }) => state === "waits"));
  link.onRequest = (datagram) => (isMutation(datagram) ? 1 : 0);
  const queries = Array.from({ length: 100 }, () => watch(kv.get("k")));
  await run(Promise.all(mutations.map(({ promise }) => promise)));
  assert(queries.every(({ state }) => state === "waits"));
});

test("slow mutations do not make queries wait longer for a copy", async () => {
  const { kv, run, clock, link, requests } = await oneClient();
  const { oneWayMs } = link;
  for (let i = 0; i < 20; i++) {
    await run(kv.get("k"));
    link.oneWayMs = 100;
    await run(kv.add("n", 1));
    link.oneWayMs = oneWayMs;
  }
  const before = requests.length;
  link.onRequest = () => 0;
  void kv.get("k").catch(() => {});
  void kv.add("n", 1).catch(() => {});
  await clock.pass(30);
  const copies = requests.slice(before);
  assert(copies.filter(isQuery).length > 3, `${copies.filter(isQuery).length} copies of a query`);
  assertEquals(copies.filter(isMutation).length, 1);
});

test("any reply teaches the epoch", async () => {
  const { kv, run, requests } = await oneClient();
  await run(kv.get("k"));
  await run(kv.set("k", "1"));
  assertEquals(requests.map(isMutation), [false, true]);
});

test("after 10 s without a reply a mutation asks for the epoch again", async () => {
  const { kv, run, requests, clock } = await oneClient();
  await run(kv.set("k", "1"));
  await clock.pass(9_900);
  await run(kv.delete("k"));
  assertEquals(requests.map(isMutation), [false, true, true]);
  await clock.pass(10_000);
  await run(kv.set("k", "2"));
  assertEquals(requests.map(isMutation), [false, true, true, false, true]);
});

test("many mutations at once wait for one PING", async () => {
  const { kv, run, requests } = await oneClient();
  await run(Promise.all(Array.from({ length: 20 }, (_, i) => kv.add("n", i))));
  assertEquals(requests.filter(isQuery).length, 1);
  assertEquals(await run(kv.getText("n")), "190");
});

test("a lost PING is sent again", async () => {
  const { kv, run, link, requests } = await oneClient();
  link.onRequest = (_, count) => (count <= 2 ? 0 : 1);
  await run(kv.set("k", "v"));
  assertEquals(requests.map(isMutation), [false, false, false, true]);
});

test("after a long outage, mutations go on as soon as the server answers", async () => {
  for (const outageMs of [5_000, 15_000, 60_000]) {
    const { client, run, clock, link } = await oneClient();
    await run(client.set("k", "0", { timeout: 1_000 }));
    link.onRequest = () => 0;
    for (let ms = 0; ms < outageMs; ms += 150) {
      const call = watch(client.set("k", "x", { timeout: 50, overwrite: true }));
      await clock.pass(150);
      assertEquals(call.state, "DEADLINE_EXCEEDED");
    }
    link.onRequest = () => 1;
    const { stored } = await run(client.set("k", "1", { timeout: 200, overwrite: true }));
    assert(stored, `after ${outageMs} ms`);
  }
});

test("within 100 ms of a restarted server's first answer, calls succeed again", async () => {
  for (const downMs of [50, 700, 5_000, 30_000]) {
    const { client, run, clock, link } = await oneClient();
    await run(client.set("k", "v", { timeout: 1_000 }));
    link.server = null;
    const kinds = [0, 1, 2, 3].map((kind) => kind % 2 === 0);
    let backAtMs = Infinity;
    const firstMs: number[] = [];
    const work = async (isMutation: boolean, place: number) => {
      while (firstMs[place] === undefined) {
        const options = { timeout: 200 };
        const call = isMutation ? client.add("n", 1, options) : client.get("n", options);
        await call.then(() => {
          firstMs[place] = clock.now() - backAtMs;
        }, () => {});
        await new Promise<void>((resolve) => clock.at(clock.now() + 5, resolve));
      }
    };
    const workers = kinds.map(work);
    await clock.pass(downMs);
    link.server = await makeServer(clock);
    backAtMs = clock.now();
    await run(Promise.all(workers));
    for (const ms of firstMs) assert(ms <= 100, `down ${downMs} ms: ${firstMs}`);
  }
});

test("on a slow network the estimate follows, and requests are not sent twice", async () => {
  const { kv, run, link, requests } = await oneClient();
  for (let i = 0; i < 20; i++) await run(kv.get("k"));
  for (const oneWayMs of [5, 12, 25]) {
    link.oneWayMs = oneWayMs;
    for (let i = 0; i < 20; i++) await run(kv.get("k"));
    const before = requests.length;
    for (let i = 0; i < 50; i++) await run(kv.get("k"));
    assert(requests.length - before <= 55, `${requests.length - before} for 50 of ${oneWayMs} ms`);
  }
});

test("a request is sent again after 20 ms, then 40, then 80, byte for byte", async () => {
  const { kv, clock, link, requests } = await oneClient();
  link.onRequest = () => 0;
  const call = watch(kv.get("k"));
  const sentAfter: number[] = [];
  for (let ms = 0; ms < 150; ms++) {
    await clock.pass(1);
    while (sentAfter.length < requests.length) sentAfter.push(ms);
  }
  assertEquals(sentAfter, [0, 19, 59, 139]);
  for (const copy of requests) assertEquals(copy, requests[0]);
  link.onRequest = () => 1;
  await clock.pass(200);
  assertEquals(call.state, "answered");
});

test("after a sample the first retransmission adapts to the round trip", async () => {
  const { kv, run, clock, link, requests } = await oneClient();
  for (let i = 0; i < 30; i++) await run(kv.get("k"));
  const before = requests.length;
  link.onRequest = () => 0;
  watch(kv.get("k"));
  await clock.pass(1.9);
  assertEquals(requests.length, before + 1);
  await clock.pass(0.2);
  assertEquals(requests.length, before + 2, "the floor is 2 ms");
});

type Caller = (kv: Calls<true>) => Promise<unknown>;
const QUERY: Caller = (kv) => kv.get("k");
const MUTATION: Caller = (kv) => kv.add("n", 1);

/** A server that is 1.5 ms busy with each of the next requests; a lost one takes no time. */
async function withBusyServer(call: Caller, isLost: (request: number) => boolean) {
  const world = await oneClient();
  const { kv, run, link, requests } = world;
  for (let i = 0; i < 30; i++) await run(call(kv));
  const { oneWayMs } = link;
  const before = requests.length;
  let busyMs = 0;
  link.onRequest = (_, count) => {
    if (isLost(count - before - 1)) return 0;
    busyMs += 1.5;
    link.oneWayMs = oneWayMs + busyMs;
    return 1;
  };
  link.onReply = () => {
    link.oneWayMs = oneWayMs;
    return 1;
  };
  return { ...world, sent: () => requests.slice(before) };
}

for (const [kind, call] of [["queries", QUERY], ["mutations", MUTATION]] as const) {
  test(`while replies come in order, the ${kind} behind them are not repeated`, async () => {
    const { kv, run, sent } = await withBusyServer(call, () => false);
    await run(Promise.all(Array.from({ length: 20 }, () => call(kv))));
    assertEquals(sent().length, 20);
  });
}

test("a request is repeated soon after a later one was answered", async () => {
  const { kv, run, clock, sent } = await withBusyServer(QUERY, (request) => request === 2);
  const calls = Array.from({ length: 20 }, () => kv.get("k"));
  await clock.pass(5);
  assertEquals(sent().length, 21);
  assertEquals(sent()[20], sent()[2]);
  await run(Promise.all(calls));
});

test("an unanswered mutation is repeated as it is, with a PING beside it", async () => {
  const { kv, run, link, requests, server } = await oneClient();
  await run(kv.get("k"));
  link.onReply = (_, count) => (count <= 3 ? 0 : 1);
  assertEquals((await run(kv.add("n", 1))).value, 1n);
  const mutations = requests.filter(isMutation);
  assert(mutations.length >= 2);
  for (const copy of mutations) assertEquals(copy, mutations[0]);
  assert(requests.filter(isQuery).length >= 2, "the first GET and a PING");
  assertEquals(server.server.counters.operations[4], 1);
});

test("no reply: the deadline ends the call, and says what is known", async () => {
  const { kv, run, clock, link, requests } = await oneClient();
  link.onRequest = () => 0;
  const query = await assertRejects(() => run(kv.get("k")), DeadlineExceededError, "another key");
  assertEquals(query.effect, "none");
  const unsent = await assertRejects(() => run(kv.set("k", "v")), DeadlineExceededError);
  assertEquals(unsent.effect, "none");
  assertStringIncludes(unsent.message, "It was not carried out");
  link.onRequest = () => 1;
  await run(kv.get("k"));
  link.onReply = () => 0;
  const sent = await assertRejects(() => run(kv.set("k", "v")), DeadlineExceededError);
  assertEquals(sent.effect, "unknown");
  const before = requests.length;
  await clock.pass(60_000);
  assertEquals(requests.length, before, "nothing is sent for a call that ended");
});

test("a call ends at its deadline, not later", async () => {
  const { client, clock, link } = await oneClient();
  link.onRequest = () => 0;
  const call = watch(client.get("k", { timeout: 77 }));
  await clock.pass(76.9);
  assertEquals(call.state, "waits");
  await clock.pass(0.1);
  assertEquals(call.state, "DEADLINE_EXCEEDED");
});

test("the network's own words are in the deadline's message", async () => {
  const { kv, run, link, exchange } = await oneClient();
  link.onRequest = () => 0;
  const call = kv.get("k");
  exchange.noteNetworkError(new Error("connection refused"));
  await assertRejects(() => run(call), DeadlineExceededError, "connection refused");
});

test("a duplicate, late or foreign reply answers no other call", async () => {
  const { kv, run, link, clock, exchange, replies } = await oneClient();
  await run(kv.set("a", "1"));
  await run(kv.set("b", "2"));
  link.onReply = () => 3;
  assertEquals(await run(kv.getText("a")), "1");
  link.onReply = () => 0;
  const abandoned = watch(kv.getText("a", { timeout: 10 }));
  await clock.pass(11);
  assertEquals(abandoned.state, "DEADLINE_EXCEEDED");
  link.onReply = () => 1;
  const next = kv.getText("b");
  for (const old of replies) exchange.receive(copyBytes(old));
  assertEquals(await run(next), "2");
});

test("datagrams that are not replies are ignored", async () => {
  const { kv, run, exchange, requests } = await oneClient();
  const call = kv.get("k");
  await settled();
  exchange.receive(new Uint8Array(1024));
  exchange.receive(new Uint8Array(1023));
  exchange.receive(new Uint8Array(0));
  exchange.receive(copyBytes(requests[0]));
  assertEquals(await run(call), undefined);
});

test("at most 64 are outstanding; the others wait their turn, and their wait counts", async () => {
  const { kv, client, clock, link, run, requests } = await oneClient();
  link.onRequest = () => 0;
  const calls = Array.from({ length: 100 }, (_, i) => watch(kv.get(`k${i}`)));
  const hurried = watch(client.get("hurried", { timeout: 5 }));
  await clock.pass(4);
  assertEquals(requests.length, MAX_OUTSTANDING);
  await clock.pass(2);
  assertEquals(hurried.state, "DEADLINE_EXCEEDED");
  link.onRequest = () => 1;
  await clock.pass(100);
  assertEquals(
    calls.filter(({ state }) => state === "answered").length,
    100,
    "all have their turn",
  );
  assertEquals(await run(kv.get("after")), undefined);
});

test("the error of a call behind 64 unanswered ones names them", async () => {
  const { client, kv, run, link } = await oneClient();
  link.onRequest = () => 0;
  for (let i = 0; i < 64; i++) watch(kv.get("k"));
  const call = client.get("k", { timeout: 5 });
  await assertRejects(() => run(call), DeadlineExceededError, "64 calls before it");
});

test("more calls than the bound are refused at once", async () => {
  const { kv, client, run, link } = await oneClient();
  link.onRequest = () => 0;
  const calls = [];
  for (let i = 0; i < MAX_OUTSTANDING + MAX_WAITING; i++) calls.push(watch(kv.get("k")));
  await assertRejects(() => kv.get("k"), OverloadedError, String(MAX_WAITING));
  client.close();
  await run(Promise.allSettled(calls.map(({ promise }) => promise)));
});

async function withRoom(maxWaiting: number) {
  const clock = new WorldClock();
  const link = makeLink(await makeServer(clock));
  const { client } = await makeClient(clock, link, { maxWaiting });
  return { clock, link, client, kv: client.within(1_000) };
}

test("a burst waits its turn where more calls may wait, in order, until deadline or signal", async () => {
  const { clock, link, client, kv } = await withRoom(1_000);
  const ended: number[] = [];
  const sums = Array.from({ length: 600 }, (_, i) => {
    const added = kv.add("n", 1);
    void added.then(() => ended.push(i));
    return added;
  });
  const abort = new AbortController();
  const aborted = watch(kv.set("n", "aborted", { overwrite: true, signal: abort.signal }));
  const late = watch(client.set("n", "late", { overwrite: true, timeout: 0.3 }));
  abort.abort();
  const all = await outcome(clock, Promise.all(sums));
  assertEquals(all.map(({ number }) => number), sums.map((_, i) => i + 1));
  assertEquals(ended, sums.map((_, i) => i));
  assertEquals([aborted.state, late.state], ["ABORTED", "DEADLINE_EXCEEDED"]);
  assertEquals(await outcome(clock, kv.getText("n")), "600", "neither was sent");
  link.onRequest = () => 0;
  const waiting = Array.from({ length: 1_064 }, () => watch(kv.get("k")));
  await assertRejects(() => kv.get("k"), OverloadedError, "1000 calls already wait");
  await assertRejects(() => kv.set("k", ""), OverloadedError, "maxWaiting");
  await clock.pass(1_000);
  assertEquals([...new Set(waiting.map(({ state }) => state))], ["DEADLINE_EXCEEDED"]);
  client.close();
});

test("more calls may wait than do by default", async () => {
  const { link, client, kv, clock } = await withRoom(MAX_WAITING + 10);
  link.onRequest = () => 0;
  const calls = [];
  for (let i = 0; i < MAX_OUTSTANDING + MAX_WAITING + 10; i++) {
    calls.push(kv.get("k").catch(() => {}));
  }
  await assertRejects(() => kv.get("k"), OverloadedError, String(MAX_WAITING + 10));
  client.close();
  await outcome(clock, Promise.all(calls));
});

test("queries do not wait for mutations that wait for the epoch", async () => {
  const { kv, clock, link } = await oneClient();
  link.onRequest = (_, count) => (count === 1 ? 0 : 1);
  const mutation = watch(kv.set("k", "v"));
  const query = watch(kv.get("k"));
  await clock.pass(0.25);
  assertEquals([mutation.state, query.state], ["waits", "answered"]);
  await clock.pass(0.25);
  assertEquals(mutation.state, "answered", "the query's reply brought the epoch");
});

test("a signal ends a call that waits, and with one that fired before nothing is sent", async () => {
  const { client, run, clock, link, requests } = await oneClient();
  await run(client.get("k", { timeout: 100 }));
  link.onReply = () => 0;
  const controller = new AbortController();
  const { signal } = controller;
  const query = client.get("k", { timeout: 1000, signal });
  const mutation = client.set("k", "v", { timeout: 1000, signal });
  watch(query);
  watch(mutation);
  await clock.pass(5);
  controller.abort(new Error("enough"));
  const error = await assertRejects(() => query, AbortedError);
  assertEquals([(error.cause as Error).message, error.effect], ["enough", "none"]);
  assertEquals((await assertRejects(() => mutation, AbortedError)).effect, "unknown");
  const before = requests.length;
  await assertRejects(() => client.get("k", { timeout: 1000, signal }), AbortedError);
  await clock.pass(5_000);
  assertEquals(requests.length, before);
});

test("one signal for many calls sends none of those that had no turn", async () => {
  const { kv, run, requests } = await oneClient();
  await run(kv.set("n", "0"));
  const before = requests.length;
  const controller = new AbortController();
  const { signal } = controller;
  const calls = Array.from({ length: 200 }, () => watch(kv.add("n", 1, { signal })));
  assertEquals(requests.length, before + MAX_OUTSTANDING);
  controller.abort();
  const errors = await Promise.all(
    calls.map(({ promise }) => promise.then(() => null, (error: AbortedError) => error.effect)),
  );
  assertEquals(errors.filter((effect) => effect === "unknown").length, MAX_OUTSTANDING);
  assertEquals(errors.filter((effect) => effect === "none").length, 200 - MAX_OUTSTANDING);
  assertEquals(requests.length, before + MAX_OUTSTANDING);
  assert(Number(await run(kv.getText("n"))) <= MAX_OUTSTANDING);
});

test("closing ends every call, and later ones", async () => {
  const { client, clock, link, kv } = await oneClient();
  link.onRequest = () => 0;
  const calls = Array.from({ length: 70 }, () => watch(kv.get("k")));
  const mutation = watch(kv.set("k", "v"));
  await clock.pass(1);
  client.close();
  await settled();
  for (const call of calls) assertEquals(call.state, "CLOSED");
  assertEquals(mutation.state, "CLOSED");
  await assertRejects(() => kv.get("k"), ClosedError);
  await clock.pass(60_000);
  assertEquals(clock.pendingTasks, 0, "no alarm is left");
  client.close();
});

test("with nothing to wait for, no alarm is set", async () => {
  const { kv, client, run, clock, link } = await oneClient();
  link.onRequest = () => 0;
  const lost = [10, 50].map((timeout) => watch(client.get("k", { timeout })));
  const waiting = client.set("w", "v", { timeout: 60_000 });
  watch(waiting);
  await clock.pass(30);
  link.onRequest = () => 1;
  await run(waiting);
  link.onRequest = () => 0;
  lost.push(watch(client.get("k", { timeout: 20 })));
  await clock.pass(100);
  assertEquals(lost.map(({ state }) => state), Array(3).fill("DEADLINE_EXCEEDED"));
  assertEquals(clock.pendingTasks, 0);
  link.onRequest = () => 1;
  await run(kv.set("k", "v"));
  await run(kv.get("k"));
  assertEquals(clock.pendingTasks, 0);
});

test("after the machine slept, calls go on", async () => {
  const { kv, clock, run, requests, link } = await oneClient();
  await run(kv.set("k", "1"));
  link.onReply = () => 0;
  const over = watch(kv.get("k"));
  await clock.pass(1);
  link.onReply = () => 1;
  clock.sleep(8 * 3_600_000);
  await clock.pass(1);
  assertEquals(over.state, "DEADLINE_EXCEEDED", "its deadline passed in the night");
  const before = requests.length;
  assertEquals((await run(kv.set("k", "2", { overwrite: true, timeout: 100 }))).stored, true);
  assert(isQuery(requests[before]), "the epoch is asked for first");
});

test("a fresh server after a restart: waiting mutations are sealed anew, and carried out once", async () => {
  const { kv, run, clock, link, requests } = await oneClient();
  await run(kv.set("k", "v"));
  link.server = null;
  const call = kv.add("n", 5);
  watch(call);
  await clock.pass(30);
  const restarted = await makeServer(clock);
  link.server = restarted;
  assertEquals((await run(call)).value, 5n);
  assertEquals(restarted.server.counters.operations[4], 1);
  const sealings = new Set(requests.filter(isMutation).map((one) => sequenceOf(one)));
  assertEquals(sealings.size, 3, "the SET, the ADD, and the ADD sealed anew");
});

test("a mutation two generations behind has an unknown outcome", async () => {
  const { kv, run, clock, link, server } = await oneClient();
  const other = await makeClient(clock, makeLink(server));
  await run(kv.set("k", "v"));
  link.onReply = () => 0;
  const call = watch(kv.add("n", 5, { timeout: 500_000 }));
  await clock.pass(10);
  link.onRequest = () => 0;
  for (let turn = 0; turn < 2; turn++) {
    await clock.pass(60_000);
    await run(other.client.set("other", "x", { timeout: 1000, overwrite: true }));
  }
  link.onReply = () => 1;
  link.onRequest = () => 1;
  await clock.pass(120_000);
  assertEquals(call.state, "OUTCOME_UNKNOWN");
});

test("under loss and duplication both ways every call is answered and carried out once", async () => {
  const { client, run, link } = await oneClient();
  let count = 0;
  const fate = () => [1, 0, 2, 1, 1, 0, 1, 3, 1, 1][count++ % 10];
  link.onRequest = fate;
  link.onReply = fate;
  const kv = client.within(10_000);
  const sums = await run(Promise.all(Array.from({ length: 300 }, () => kv.add("n", 1))));
  assertEquals(new Set(sums.map(({ value }) => value)).size, 300);
  assertEquals(await run(kv.getText("n")), "300");
});

test("every error of a call is a KilogramError with a code", async () => {
  const { client, run, link } = await oneClient();
  link.onRequest = () => 0;
  const error = await assertRejects(() => run(client.get("k", { timeout: 1 })), KilogramError);
  assertEquals([error.code, error.name], ["DEADLINE_EXCEEDED", "DeadlineExceededError"]);
});
