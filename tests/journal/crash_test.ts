/**
 * Clients, a server, and a disk that is slow and fails, on a virtual clock: the power fails at any
 * moment, and confirmed changes are there when it is back.
 */

import { test } from "node:test";
import { assert } from "@std/assert";
import type { Calls } from "../../src/client.ts";
import { randomOf } from "../bytes.ts";
import { makeClient, makeLink, makeServer, outcome, WorldClock } from "../world.ts";
import { FakeDisk } from "./fake_disk.ts";
import { openWorld } from "./journal_world.ts";
import { Ledger } from "./ledger.ts";

const SEEDS = "Bun" in globalThis ? 30 : 5;
const CRASHES = 5;
const CLIENTS = 3;
const KEYS = 4;
const MAX_LOAD_MS = 120;
const MAX_COMMIT_MS = 12;
/** The share of commits that fail, and of datagrams that are lost each way. */
const FAILURES = 0.1;
const LOSS = 0.05;
const TIMEOUT_MS = 10_000;

async function runSeed(seed: number): Promise<Ledger> {
  const random = randomOf(seed);
  const clock = new WorldClock();
  const disk = new FakeDisk();
  const ledger = new Ledger(random);
  disk.onCommit = () =>
    void clock.at(clock.now() + random() * MAX_COMMIT_MS, () => {
      if (random() < FAILURES) disk.fail("it fails");
      else disk.finish(Math.ceil(random() * disk.waiting));
    });
  for (let crash = 0; crash < CRASHES; crash++) {
    const { executor, journal } = openWorld({ disk, clock });
    const server = await makeServer(clock, { executor, isFresh: false });
    const calls: Calls<true>[] = [];
    for (let i = 0; i < CLIENTS; i++) {
      const link = makeLink(server);
      link.onRequest = link.onReply = () => (random() < LOSS ? 0 : 1);
      calls.push((await makeClient(clock, link)).client.within(TIMEOUT_MS));
    }
    await outcome(
      clock,
      Promise.all(ledger.keys.map((key, i) => ledger.check(calls[i % CLIENTS], key))),
    );
    const end = new AbortController();
    const lanes = calls.flatMap((kv, client) =>
      Array.from({ length: KEYS }, async (_, i) => {
        const key = `${client}:${i}${i === 0 ? ":counter" : ""}`;
        while (!end.signal.aborted) await ledger.change(kv, key, end.signal).catch(() => {});
      })
    );
    await clock.pass(random() * MAX_LOAD_MS);
    journal.stop();
    disk.crash(Math.floor(random() * (disk.waiting + 1)));
    end.abort();
    await outcome(clock, Promise.all(lanes));
  }
  return ledger;
}

test(`${SEEDS} times a few crashes on a disk that fails: confirmed changes are there`, async () => {
  let [confirmations, doubts] = [0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const ledger = await runSeed(seed);
      confirmations += ledger.confirmations;
      doubts += ledger.doubts;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error}`, { cause: error });
    }
  }
  assert(confirmations > SEEDS * 100, `${confirmations} confirmed`);
  assert(doubts > SEEDS * 30, `${doubts} not`);
});
