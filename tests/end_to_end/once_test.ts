/** «Once» on real sockets and processes; the simulator goes further, on a virtual clock. */

import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { randomOf } from "../bytes.ts";
import { LossyRelay } from "./lossy_relay.ts";
import { freshEnvironment, importLibrary, type RunningServer, startServer } from "./programs.ts";

const { connect, KilogramError } = await importLibrary();
const env = freshEnvironment();
const key = env.KG_KEY ?? "";
let server: RunningServer;

before(async () => {
  server = await startServer(env);
});
after(async () => {
  await server.stop("SIGKILL");
});

const CLIENTS = 4;
const ADDS = 20_000;
const COUNTERS = 10;
/** Calls that each client has under way. */
const CONCURRENCY = 16;
/** On a busy machine a round trip takes 100 ms, and a lost call needs several. */
const DEADLINE_MS = 5_000;
const RATES = { loss: 0.1, duplication: 0.05, delay: 0.05, maxDelayMs: 4, corruption: 0.01 };

test("20,000 ADDs of four clients through a lossy relay: exact sums, and no call fails", async () => {
  const relay = await LossyRelay.to(server.addresses[0], RATES, randomOf(Date.now()));
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => connect(relay.address, { key })),
  );
  const expected = new Array<bigint>(COUNTERS).fill(0n);
  const failures: string[] = [];
  let started = 0;
  const work = async (place: number) => {
    const kv = clients[place % CLIENTS].within(DEADLINE_MS);
    while (started < ADDS) {
      const number = started++;
      const delta = BigInt(number);
      expected[number % COUNTERS] += delta;
      try {
        await kv.add(`counter:${number % COUNTERS}`, delta);
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS * CONCURRENCY }, (_, i) => work(i)));
  for (const client of clients) client.close();
  relay.close();
  assertEquals(failures, []);
  assert(Math.min(relay.dropped, relay.doubled, relay.delayed, relay.corrupted) > 100);
  const direct = await connect(server.addresses[0], { key });
  for (const [i, sum] of expected.entries()) {
    const value = await direct.getText(`counter:${i}`, { timeout: 5_000 });
    assertEquals(value, String(sum), `counter ${i}`);
  }
  direct.close();
});

test("the server is killed and started again: no call hangs, and calls succeed again", async () => {
  const alone = freshEnvironment();
  let running = await startServer(alone);
  const address = running.addresses[0];
  const client = await connect(address, { key: alone.KG_KEY ?? "" });
  const timeout = 400;
  let isOver = false;
  let longestMs = 0;
  let answered = 0;
  const work = async (place: number) => {
    while (!isOver) {
      const startedAt = performance.now();
      try {
        if (place % 2 === 0) await client.add("n", 1, { timeout });
        else await client.get("n", { timeout });
        answered++;
      } catch (error) {
        assert(error instanceof KilogramError, String(error));
      }
      longestMs = Math.max(longestMs, performance.now() - startedAt);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const workers = Array.from({ length: 8 }, (_, i) => work(i));
  for (let kill = 0; kill < 3; kill++) {
    await until(() => answered > 50, "calls succeed");
    await running.stop("SIGKILL");
    answered = 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
    running = await startServer(alone, ["--listen", address]);
  }
  await until(() => answered > 50, "calls succeed after the last start");
  isOver = true;
  await Promise.all(workers);
  client.close();
  await running.stop("SIGKILL");
  // The alarm rings at the deadline; the slack is for a machine that is busy with other things.
  assert(longestMs < timeout + 3_000, `a call took ${longestMs} ms`);
});

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 2_000 && !holds(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert(holds(), what);
}
