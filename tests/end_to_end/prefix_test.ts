/** DROP, SCAN and IF_EQUAL on real sockets and processes: what the other tests assume of them. */

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Calls } from "../../src/client.ts";
import { randomOf } from "../bytes.ts";
import { request } from "../doors/resp_script.ts";
import { LossyRelay } from "./lossy_relay.ts";
import {
  freshEnvironment,
  importLibrary,
  kg,
  type RunningServer,
  startServer,
} from "./programs.ts";
import { StreamClient } from "./stream_client.ts";

const { connect } = await importLibrary();
const hasSqlite = process.getBuiltinModule?.("node:sqlite") !== undefined;
const skip = hasSqlite ? false : "this runtime has no SQLite";
/** The binary runs on Bun; the other runtimes show that they are no different. */
const isBun = "Bun" in globalThis;

const env = freshEnvironment();
const key = env.KG_KEY ?? "";
const timeout = 20_000;
let server: RunningServer;

before(async () => {
  const skvsKey = join(mkdtempSync(join(tmpdir(), "kilogram-key-")), "key");
  writeFileSync(skvsKey, "k".repeat(32), { mode: 0o600 });
  env.SKVS_ENCRYPTION_KEY = "k".repeat(32);
  const doors = ["--resp", "127.0.0.1:0", "--line", "127.0.0.1:0", "--skvs"];
  server = await startServer(env, ["--memory", "64MiB", ...doors, "--skvs-key-file", skvsKey]);
  env.KG_SERVER = server.addresses[0];
});
after(async () => {
  await server.stop("SIGKILL");
});

/** Stores many keys through the RESP door, a thousand at a time. */
async function fill(resp: StreamClient, prefix: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 1_000) {
    const items = Array.from({ length: Math.min(1_000, count - from) }, (_, i) => [
      `${prefix}${from + i}`,
      "value",
    ]);
    const answer = await resp.ask(request("MSET", ...items.flat()), "\r\n");
    assertEquals(answer.toString(), "+OK\r\n");
  }
}

async function keysOf(kv: Calls<true>, prefix: string): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const name of kv.keysText(prefix)) keys.add(name);
  return keys;
}

test("from the reply to a DROP on nobody finds its keys, and their memory comes back", async () => {
  const client = await connect(server.addresses[0], { key });
  const kv = client.within(timeout);
  const [resp, line] = await Promise.all([
    StreamClient.open(server.doors("resp")[0]),
    StreamClient.open(server.doors("line")[0]),
  ]);
  const count = 100_000;
  await fill(resp, "goes:", count);
  await fill(resp, "stays:", 500);
  const store = async () => (await kv.stats({ section: "store" })) ?? {};
  const { used_bytes: usedBytes } = await store();
  await kv.drop("goes:");
  const last = `goes:${count - 1}`;
  assertEquals([await kv.get("goes:0"), await kv.exists(last)], [undefined, undefined]);
  assertEquals((await resp.ask(request("GET", last), "\r\n")).toString(), "$-1\r\n");
  assertEquals((await resp.ask(request("EXISTS", "goes:7"), "\r\n")).toString(), ":0\r\n");
  assertEquals((await line.ask(Buffer.from("GET goes:9\n"), "\n")).toString(), "NOT_FOUND\n");
  assertEquals((await line.ask(Buffer.from("KEYS goes:\n"), "\n")).toString().split(" ").length, 2);
  assertEquals(kg(env, ["get", "goes:11", "--skvs"]).status, 1);
  assertEquals(await keysOf(kv, "goes:"), new Set());
  await kv.set("goes:7", "new");
  assertEquals(await keysOf(kv, ""), new Set(["goes:7", ...await keysOf(kv, "stays:")]));
  // Some tens of milliseconds for so many; a busy machine has a thousand times as long.
  for (let i = 0; i < 600 && (await store()).drops_under_way !== 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const after = await store();
  assertEquals([after.drops_under_way, after.keys], [0, 501]);
  assert(Number(after.used_bytes) < Number(usedBytes) / 4, `${after.used_bytes} of ${usedBytes}`);
  assertEquals(await kv.getText("goes:7"), "new");
  for (const each of [resp, line, client]) each.close();
});

test("a walk over keys finds those that stay, while four clients store and remove others", async () => {
  const clients = await Promise.all(
    Array.from({ length: 5 }, () => connect(server.addresses[0], { key })),
  );
  const [walker, ...writers] = clients.map((client) => client.within(timeout));
  await walker.drop("");
  const resp = await StreamClient.open(server.doors("resp")[0]);
  await fill(resp, "stays:", 2_000);
  resp.close();
  let isOver = false;
  const writing = writers.map(async (kv, writer) => {
    for (let i = 0; !isOver; i++) {
      await kv.set(`comes:${writer}:${i}`, "x".repeat(i % 400));
      if (i >= 100) await kv.delete(`comes:${writer}:${i - 100}`);
      if (i % 500 === 0) await kv.drop(`comes:${writer}:`);
      await kv.set(`stays:${i % 2_000}`, "x".repeat(i % 300), { overwrite: true });
    }
  });
  for (let walk = 0; walk < 3; walk++) {
    const found = await keysOf(walker, "stays:");
    assertEquals(found.size, 2_000);
  }
  isOver = true;
  await Promise.all(writing);
  for (const client of clients) client.close();
});

/** Rounds in which a server is killed at a drop: right after its reply, or at any moment before. */
const KILLS = isBun ? 10 : 3;

test("killed right after a DROP or before its reply, a server has nothing of it or all", {
  skip,
}, async () => {
  const random = randomOf(Date.now());
  const folder = mkdtempSync(join(tmpdir(), "kilogram-drop-"));
  const alone = freshEnvironment();
  for (let round = 0; round < KILLS; round++) {
    const args = ["--data-dir", folder, "--resp", "127.0.0.1:0"];
    const running = await startServer(alone, args);
    const client = await connect(running.addresses[0], { key: alone.KG_KEY ?? "" });
    const kv = client.within(timeout);
    const resp = await StreamClient.open(running.doors("resp")[0]);
    await fill(resp, "goes:", 3_000);
    await fill(resp, "stays:", 100);
    let isConfirmed = false;
    const dropped = kv.drop("goes:").then(() => isConfirmed = true, () => false);
    if (round % 2 === 0) await dropped;
    else await new Promise((resolve) => setTimeout(resolve, random() * 8));
    const wasConfirmed: boolean = isConfirmed;
    await running.stop("SIGKILL");
    client.close();
    resp.close();
    const again = await startServer(alone, ["--data-dir", folder]);
    const reader = await connect(again.addresses[0], { key: alone.KG_KEY ?? "" });
    const left = (await keysOf(reader.within(timeout), "goes:")).size;
    assert(left === 0 || (left === 3_000 && !wasConfirmed), `${left} left, ${wasConfirmed}`);
    assertEquals((await keysOf(reader.within(timeout), "stays:")).size, 100);
    reader.close();
    await again.stop("SIGTERM");
  }
});

const LOCKS = 4;
const WORKERS = 24;
const ROUNDS = isBun ? 20_000 : 1_500;
const RATES = { loss: 0.1, duplication: 0.1, delay: 0.1, maxDelayMs: 6, corruption: 0.01 };

test(`locks by ifEqual, ${ROUNDS} rounds through a lossy relay: never two holders`, async () => {
  const relay = await LossyRelay.to(server.addresses[0], RATES, randomOf(Date.now()));
  const clients = await Promise.all(
    Array.from({ length: 4 }, () => connect(relay.address, { key })),
  );
  const holders = new Map<string, string>();
  const faults: string[] = [];
  let [rounds, taken] = [0, 0];
  const work = async (worker: number) => {
    const kv = clients[worker % clients.length].within(timeout);
    while (rounds < ROUNDS) {
      const lock = `lock:${rounds++ % LOCKS}`;
      const token = `${worker}:${rounds}`;
      if (!(await kv.set(lock, token)).stored) {
        // Another's is not given back, whatever comes late or twice.
        if (await kv.delete(lock, { ifEqual: token }) !== undefined) {
          faults.push(`${lock} was taken`);
        }
        continue;
      }
      taken++;
      if (holders.has(lock)) faults.push(`${lock}: ${holders.get(lock)} and ${token}`);
      holders.set(lock, token);
      // While it is held, nobody else has it; now and then it is prolonged, which only the holder can.
      const isKept = rounds % 3 === 0
        ? (await kv.set(lock, token, { ifEqual: token, ttl: 60_000 })).stored
        : await kv.getText(lock) === token;
      if (!isKept) faults.push(`${lock} was lost by ${token}`);
      holders.delete(lock);
      const removed = await kv.delete(lock, { ifEqual: token });
      if (Buffer.from(removed ?? "").toString() !== token) {
        faults.push(`${lock} of ${token} was gone`);
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
  for (const client of clients) client.close();
  relay.close();
  assertEquals(faults, []);
  assert(taken > ROUNDS / 20, `${taken} taken`);
});
