import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Client } from "../src/client.ts";
import { AbortedError, DeadlineExceededError, InvalidArgumentError } from "../src/errors.ts";
import { makeClient, makeLink, makeServer, outcome, settled, watch, WorldClock } from "./world.ts";

const decode = (value: Uint8Array) => Buffer.from(value).toString();

/** Processes of one server, each with its own client, and a loader that counts its runs. */
async function begin(processes: number, loadMs = 30) {
  const clock = new WorldClock();
  const server = await makeServer(clock);
  const clients: Client[] = [];
  for (let i = 0; i < processes; i++) {
    clients.push((await makeClient(clock, makeLink(server))).client);
  }
  const counts = { loads: 0 };
  const load = () =>
    new Promise<string>((resolve) => {
      const count = ++counts.loads;
      clock.at(clock.now() + loadMs, () => resolve(`made ${count}`));
    });
  const run = <T>(promise: Promise<T>) => outcome(clock, promise);
  return { clock, server, clients, kv: clients[0], counts, load, run };
}

test("50 processes, two callers in each: the loader runs once each time the value expires", async () => {
  const { clients, counts, load, run, clock } = await begin(50);
  const ask = () =>
    run(Promise.all(
      [...clients, ...clients].map((kv) =>
        kv.remember("page", load, { timeout: 2_000, ttl: 10_000 })
      ),
    ));
  assertEquals(new Set((await ask()).map(decode)), new Set(["made 1"]));
  assertEquals(new Set((await ask()).map(decode)), new Set(["made 1"]));
  assertEquals(counts.loads, 1);
  await clock.pass(10_000);
  assertEquals(new Set((await ask()).map(decode)), new Set(["made 2"]));
  assertEquals(counts.loads, 2);
});

test("an existing value is only read", async () => {
  const { kv, counts, load, run } = await begin(1);
  await run(kv.set("k", "there", { timeout: 500 }));
  assertEquals(decode(await run(kv.remember("k", load, { timeout: 500 }))), "there");
  assertEquals(counts.loads, 0);
  assertEquals(await run(kv.exists("lease:k", { timeout: 500 })), undefined);
});

test("a lease that was lost to another is not given back", async () => {
  const { kv, clients, run, clock } = await begin(2);
  const slow = watch(kv.remember("k", async () => {
    await new Promise<void>((resolve) => clock.at(clock.now() + 50, () => resolve()));
    // The lease went to another meanwhile, as when a server has lost it.
    await clients[1].set("lease:k", "another's", { timeout: 500, overwrite: true });
    return "made";
  }, { timeout: 2_000 }));
  await clock.pass(500);
  assertEquals(slow.state, "answered");
  const lease = await run(clients[1].getText("lease:k", { timeout: 500 }));
  assertEquals(lease, "another's");
});

test("the value gets its time to live, and the lease is given back", async () => {
  const { kv, load, run } = await begin(1);
  await run(kv.remember("k", load, { timeout: 500, ttl: 5_000 }));
  const ttl = (await run(kv.exists("k", { timeout: 500 })))?.ttl ?? 0;
  assert(ttl > 4_900 && ttl <= 5_000, `${ttl}`);
  assertEquals(await run(kv.exists("lease:k", { timeout: 500 })), undefined);
  await run(kv.delete("k", { timeout: 500 }));
  await run(kv.remember("k", load, { timeout: 500 }));
  assertEquals(await run(kv.exists("k", { timeout: 500 })), { ttl: undefined });
});

test("a holder that dies is replaced after its lease", async () => {
  const { clients: [dying, living], counts, clock, load, run } = await begin(2);
  const forgotten = watch(dying.remember("k", () => new Promise<string>(() => {}), {
    timeout: 400,
    lease: 300,
  }));
  await clock.pass(5);
  const startedAtMs = clock.now();
  const value = await run(living.remember("k", load, { timeout: 2_000 }));
  const tookMs = clock.now() - startedAtMs;
  assertEquals([decode(value), counts.loads], ["made 1", 1]);
  assert(tookMs > 250 && tookMs < 600, `${tookMs} ms`);
  await clock.pass(500);
  assertEquals(forgotten.state, "DEADLINE_EXCEEDED");
});

test("a loader that outlives its lease does not remove another's", async () => {
  const { clients, counts, clock, load, run } = await begin(3, 50);
  const slow = watch(clients[0].remember("k", async () => {
    await new Promise<void>((resolve) => clock.at(clock.now() + 120, resolve));
    return "slow";
  }, { timeout: 1_000, lease: 100 }));
  await clock.pass(90);
  const second = watch(clients[1].remember("k", load, { timeout: 1_000, lease: 500 }));
  await clock.pass(50);
  assertEquals([slow.state, counts.loads], ["answered", 1]);
  const lease = await run(clients[2].exists("lease:k", { timeout: 500 }));
  assert(lease !== undefined, "the second holder's lease is there");
  await clock.pass(100);
  assertEquals(second.state, "answered");
});

test("an error of the loader reaches all callers in its process, and the next caller tries again", async () => {
  const { kv, counts, load, run } = await begin(1);
  const fail = () => Promise.reject(new Error("no database"));
  const options = { timeout: 500, ttl: 1_000 };
  const [one, two] = [kv.remember("k", fail, options), kv.within(500).remember("k", fail)];
  await run(Promise.allSettled([one, two]));
  await assertRejects(() => one, Error, "no database");
  await assertRejects(() => two, Error, "no database");
  assertEquals(decode(await run(kv.remember("k", load, options))), "made 1");
  assertEquals(counts.loads, 1);
});

test("each caller waits until its deadline, and the value is stored even if nobody waits", async () => {
  const { clients: [kv, other], clock, counts, load, run } = await begin(2, 200);
  const hasty = watch(kv.remember("k", load, { timeout: 100, lease: 400 }));
  const patient = watch(kv.remember("k", load, { timeout: 1_000 }));
  const elsewhere = watch(other.remember("k", load, { timeout: 150 }));
  await clock.pass(160);
  const states = [hasty.state, patient.state, elsewhere.state];
  assertEquals(states, ["DEADLINE_EXCEEDED", "waits", "DEADLINE_EXCEEDED"]);
  const error = await hasty.promise.catch((error) => error);
  assert(error instanceof DeadlineExceededError);
  assertMatch(
    error.message,
    /remember of "\w+" had no answer after 100 ms: .*loader.* was not done/,
  );
  await clock.pass(100);
  assertEquals([patient.state, counts.loads], ["answered", 1]);
  assertEquals(await run(other.getText("k", { timeout: 500 })), "made 1");
});

test("a caller that waits for a lease takes over when the holder runs out of time", async () => {
  const { clients: [kv, other], clock, counts, load, run } = await begin(2);
  await run(other.set("lease:k", "", { timeout: 500, ttl: 300 }));
  const hasty = watch(kv.remember("k", load, { timeout: 100 }));
  const patient = watch(kv.remember("k", load, { timeout: 1_000 }));
  await clock.pass(150);
  assertEquals([hasty.state, patient.state, counts.loads], ["DEADLINE_EXCEEDED", "waits", 0]);
  await clock.pass(400);
  assertEquals([patient.state, counts.loads], ["answered", 1]);
});

test("a signal ends one caller's wait, not the loader", async () => {
  const { kv, clock, counts, load } = await begin(1);
  const controller = new AbortController();
  const one = kv.remember("k", load, { timeout: 500, signal: controller.signal });
  const aborted = watch(one);
  const other = watch(kv.remember("k", load, { timeout: 500 }));
  await clock.pass(10);
  controller.abort("enough");
  await settled();
  assertEquals(aborted.state, "ABORTED");
  await assertRejects(() => one, AbortedError);
  await clock.pass(50);
  assertEquals([other.state, counts.loads], ["answered", 1]);
});

test("a value that can't be stored now is returned all the same, unless it never could be stored", async () => {
  const clock = new WorldClock();
  const server = await makeServer(clock, { onFull: "refuse" });
  const { client: kv } = await makeClient(clock, makeLink(server));
  const run = <T>(promise: Promise<T>) => outcome(clock, promise);
  // A value that a full store has no room for, although it has room for a lease.
  const value = "v".repeat(800);
  for (let i = 0, isFull = false; !isFull && i < 5_000; i++) {
    isFull = await run(kv.set(`k${i}`, value, { timeout: 500 })).then(() => false, () => true);
  }
  await run(kv.delete("k0", { timeout: 500 }));
  await run(kv.set("small", "v".repeat(600), { timeout: 500 }));
  assertEquals(decode(await run(kv.remember("k", () => value, { timeout: 500 }))), value);
  assertEquals(await run(kv.get("k", { timeout: 500 })), undefined);
  const tooLong = kv.remember("j", () => "v".repeat(864), { timeout: 500 });
  await assertRejects(() => run(tooLong), InvalidArgumentError, "864 bytes");
});

test("in a store that has no room even for a lease, each process loads for itself", async () => {
  const clock = new WorldClock();
  const server = await makeServer(clock, { onFull: "refuse" });
  const { client: kv } = await makeClient(clock, makeLink(server));
  const run = <T>(promise: Promise<T>) => outcome(clock, promise);
  for (const size of [800, 100, 1]) {
    let isFull = false;
    for (let i = 0; !isFull && i < 50_000; i++) {
      const set = kv.set(`${size}:${i}`, "v".repeat(size), { timeout: 500, ttl: 1e9 });
      isFull = await run(set).then(() => false, () => true);
    }
  }
  const long = "k".repeat(122);
  assertEquals(decode(await run(kv.remember(long, () => "made", { timeout: 500 }))), "made");
  assertEquals(await run(kv.get(long, { timeout: 500 })), undefined);
});

test("each caller gets its own copy of the value", async () => {
  const { kv, run } = await begin(1);
  const own = Buffer.from("made");
  const load = () => own;
  const [one, two] = await run(
    Promise.all([0, 1].map(() => kv.remember("k", load, { timeout: 500 }))),
  );
  one.fill(0);
  assertEquals([decode(two), own.toString()], ["made", "made"]);
});

test("keys, and JSON", async () => {
  const { kv, run } = await begin(1);
  const timeout = 500;
  await assertRejects(
    () => run(kv.remember("k".repeat(123), () => "v", { timeout })),
    InvalidArgumentError,
    "122 are left for remember",
  );
  await run(kv.remember("k".repeat(122), () => "v", { timeout }));
  await assertRejects(() => kv.remember("k", () => "v", { timeout, ttl: 0 }), InvalidArgumentError);
  await assertRejects(
    () => kv.remember("k", () => "v", { timeout, lease: -1 }),
    InvalidArgumentError,
  );
  const made = await run(kv.rememberJson("json", () => ({ beta: true }), { timeout }));
  assertEquals(made, { beta: true });
  const kept = await run(kv.rememberJson("json", () => ({ beta: false }), { timeout }));
  assertEquals(kept, { beta: true });
  const nothing = run(kv.rememberJson("none", () => undefined, { timeout }));
  await assertRejects(() => nothing, InvalidArgumentError);
});
