/** A server is killed at any moment, over and over, and keeps what it confirmed. */

import { test } from "node:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { randomOf } from "../bytes.ts";
import { Ledger } from "../journal/ledger.ts";
import { freshEnvironment, importLibrary, startServer } from "./programs.ts";

const { connect } = await importLibrary();
const hasSqlite = process.getBuiltinModule?.("node:sqlite") !== undefined;
const skip = hasSqlite ? false : "this runtime has no SQLite";

/** The binary runs on Bun; the other runtimes show that they are no different. */
const ROUNDS = "Bun" in globalThis ? 60 : 8;
/** The number of tests, each with a folder of its own. */
const PARTS = 4;
const CLIENTS = 4;
/** Keys of each client, each changed by one call after another. */
const KEYS = 12;
const MIN_LOAD_MS = 20;
const MAX_LOAD_MS = 160;
/** Least changes confirmed in a round. */
const CONFIRMATIONS = 2;
/** This many rounds end with SIGTERM instead. */
const GENTLE_EVERY = 10;
const TIMEOUT_MS = 20_000;

interface Kind {
  readonly args: readonly string[];
  readonly mayLose: boolean;
  readonly isGentle: (round: number) => boolean;
}

async function runRounds(rounds: number, { args, mayLose, isGentle }: Kind): Promise<Ledger> {
  const seed = Date.now();
  const random = randomOf(seed);
  const env = freshEnvironment();
  const folder = mkdtempSync(join(tmpdir(), "kilogram-kill-"));
  const ledger = new Ledger(random, mayLose);
  for (let round = 0; round < rounds; round++) {
    const loadMs = MIN_LOAD_MS + random() * (MAX_LOAD_MS - MIN_LOAD_MS);
    const server = await startServer(env, ["--data-dir", folder, ...args]);
    const connecting = Array.from(
      { length: CLIENTS },
      () => connect(server.addresses[0], { key: env.KG_KEY ?? "" }),
    );
    const clients = await Promise.all(connecting);
    const calls = clients.map((client) => client.within(TIMEOUT_MS));
    try {
      await Promise.all(ledger.keys.map((key, i) => ledger.check(calls[i % CLIENTS], key)));
      const end = new AbortController();
      let isOver = false;
      const lanes = calls.flatMap((kv, client) =>
        Array.from({ length: KEYS }, async (_, i) => {
          const key = `${client}:${i}${i % 4 === 0 ? ":counter" : ""}`;
          while (!isOver) await ledger.change(kv, key, end.signal).catch(() => isOver = true);
        })
      );
      // On a busy machine so short a load may confirm nothing: then it goes on.
      const enough = ledger.confirmations + CONFIRMATIONS;
      const startedAtMs = performance.now();
      do await new Promise((resolve) => setTimeout(resolve, loadMs)); while (
        ledger.confirmations < enough && performance.now() - startedAtMs < TIMEOUT_MS
      );
      const status = await server.stop(isGentle(round) ? "SIGTERM" : "SIGKILL");
      isOver = true;
      end.abort();
      await Promise.all(lanes);
      assertEquals(status, isGentle(round) ? 0 : null, server.output());
    } catch (error) {
      throw new Error(`round ${round}, seed ${seed}: ${error}`, { cause: error });
    } finally {
      for (const client of clients) client.close();
      server.process.kill("SIGKILL");
    }
  }
  return ledger;
}

for (let part = 1; part <= PARTS; part++) {
  const rounds = ROUNDS / PARTS;
  const title = `killed ${rounds} times under load, a server has all that it confirmed`;
  test(`${title} (${part} of ${PARTS})`, { skip }, async () => {
    const ledger = await runRounds(rounds, {
      args: [],
      mayLose: false,
      isGentle: (round) => round % GENTLE_EVERY === GENTLE_EVERY - 1,
    });
    assert(ledger.confirmations > rounds, `${ledger.confirmations} confirmed`);
    assert(ledger.doubts >= rounds, `${ledger.doubts} not`);
  });
}

const RELAXED = ["--durability", "relaxed", "--sync-interval", "50ms"];

test("relaxed and killed, it has for every key a value the key once had", { skip }, async () => {
  const ledger = await runRounds(Math.ceil(ROUNDS / 8), {
    args: RELAXED,
    mayLose: true,
    isGentle: () => false,
  });
  assert(ledger.confirmations > ROUNDS);
});

test("relaxed and stopped by SIGTERM, it has all", { skip }, async () => {
  await runRounds(5, {
    args: ["--durability", "relaxed", "--sync-interval", "1h"],
    mayLose: false,
    isGentle: () => true,
  });
});
