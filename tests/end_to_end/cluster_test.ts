/** «Once» before an engine whose primaries are killed, whose slots move, and whose connections are cut. */

import { connect as connectStream, createServer, type Socket } from "node:net";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { ENGINE, startCluster, startEngine } from "./engines.ts";
import { freePort, freshEnvironment, importLibrary, startServer } from "./programs.ts";

const { connect, KilogramError } = await importLibrary();
const PATIENCE_MS = 30_000;
/** A Cluster takes seconds to make, and the engine's code is the same on all runtimes. */
const isSkipped = !("Bun" in globalThis) ||
  (ENGINE === undefined && !process.env.KG_NEED_RESP_SERVER);

const env = freshEnvironment();
const key = env.KG_KEY ?? "";
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function eventually(what: string, isSo: () => boolean): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    assert(performance.now() < untilMs, what);
    await pause(10);
  }
}

type Kv = ReturnType<Awaited<ReturnType<typeof connect>>["within"]>;

/** ADDs to keys of their own, so that a key's number is how often its ADD was carried out. */
class Load {
  readonly confirmed = new Set<string>();
  readonly unknown = new Set<string>();
  readonly undone = new Set<string>();
  readonly codes = new Map<string, number>();
  /** Of the latest failure. */
  failedAtMs = 0;
  #isOver = false;
  #count = 0;
  readonly #workers: Promise<void>[];

  constructor(clients: readonly Kv[], workers: number) {
    this.#workers = Array.from(
      { length: workers },
      (_, i) => this.#work(clients[i % clients.length]),
    );
  }

  async #work(kv: Kv): Promise<void> {
    while (!this.#isOver) {
      const name = `n:${this.#count++}`;
      try {
        await kv.add(name, 1);
        this.confirmed.add(name);
      } catch (error) {
        assert(error instanceof KilogramError, String(error));
        this.failedAtMs = performance.now();
        this.codes.set(error.code, (this.codes.get(error.code) ?? 0) + 1);
        (error.effect === "none" ? this.undone : this.unknown).add(name);
        await pause(2);
      }
      await pause(1);
    }
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
  }

  /** Compares what was said with what is there. @returns the confirmed ones that are missing */
  async check(kv: Kv): Promise<number> {
    const names = [...this.confirmed, ...this.unknown, ...this.undone];
    const values = await kv.getMany(names);
    let missing = 0;
    for (const name of names) {
      const value = values.get(name);
      const times = value === undefined ? 0 : Number(Buffer.from(value).toString());
      assert(times <= 1, `${name} was carried out ${times} times`);
      if (this.undone.has(name)) assertEquals(times, 0, `${name} was to have no effect`);
      if (this.confirmed.has(name) && times === 0) missing++;
    }
    return missing;
  }
}

test(
  "primaries are killed one after another while slots move: never twice, and lost is only what no replica had",
  {
    skip: isSkipped,
  },
  async () => {
    const cluster = await startCluster();
    const seeds = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(",");
    const server = await startServer(env, ["--backend", `redis://${seeds}`]);
    const client = await connect(server.addresses[0], { key });
    const kv = client.within(5_000);
    const load = new Load([kv], 16);
    await eventually("the load runs", () => load.confirmed.size > 500);
    const [first, second] = cluster.nodes;
    const survivor = cluster.nodes[2].port;
    // Slots go from the third to the first, with their keys, under load.
    const idOf = (port: number) => cluster.ask(port, "CLUSTER", "MYID");
    const moving = spawn(`${ENGINE}-cli`, [
      ...["--cluster", "reshard", `127.0.0.1:${survivor}`, "--cluster-from", idOf(survivor)],
      ...["--cluster-to", idOf(first.port), "--cluster-slots", "400", "--cluster-yes"],
    ], { stdio: "ignore" });
    await new Promise((resolve) => moving.once("exit", resolve));
    const movedAt = load.confirmed.size;
    await eventually("the load goes on", () => load.confirmed.size > movedAt + 200);
    const failuresOfMoving = [...load.codes.entries()];
    assertEquals(failuresOfMoving, [], "a slot that moves fails no call");
    for (const victim of [first, second]) {
      // After slots have moved a replica may have much to catch up on; what it has, is not lost.
      await eventually(
        "a replica has what its primary has",
        () => Number(cluster.ask(victim.port, "WAIT", "1", "1000")) >= 1,
      );
      const killedAtMs = performance.now();
      await victim.stop();
      // Keys of the third primary are served all the time.
      const living = Array.from({ length: 200 }, (_, i) => `living:${i}`).find((name) =>
        cluster.ask(survivor, "SET", name, "v") === "OK"
      );
      assert(living !== undefined);
      let reads = 0;
      const untilMs = performance.now() + 3_000;
      while (performance.now() < untilMs) {
        assertEquals(await kv.getText(living), "v");
        reads++;
        await pause(5);
      }
      assert(reads > 50, String(reads));
      await eventually(
        "a replica takes over, and all is well again",
        () => performance.now() - Math.max(load.failedAtMs, killedAtMs) > 2_500,
      );
      const brokenMs = load.failedAtMs - killedAtMs;
      assert(brokenMs < 20_000, `calls failed for ${brokenMs} ms`);
      console.log(`a primary was killed: calls to its slots failed for ${Math.round(brokenMs)} ms`);
    }
    await load.end();
    const missing = await load.check(kv);
    console.log(
      `${load.confirmed.size} confirmed, ${load.unknown.size} unknown, ${load.undone.size} without effect, ` +
        `${missing} confirmed ones lost with a primary: ${JSON.stringify([...load.codes])}`,
    );
    // Replication is asynchronous: how far behind it is depends on how busy the machine is.
    assert(missing < load.confirmed.size / 10, `${missing} confirmed ADDs are missing`);
    client.close();
    await server.stop("SIGKILL");
    await cluster.stop();
  },
);

test(
  "two gateways, of which one is killed and comes back: never twice, none lost, and calls go on",
  {
    skip: isSkipped,
  },
  async () => {
    const engine = await startEngine();
    const backend = ["--backend", `redis://127.0.0.1:${engine.port}`];
    const first = await startServer(env, backend);
    const second = await startServer(env, backend);
    const places = [first.addresses[0], second.addresses[0]];
    const clients = await Promise.all([0, 1].map(() => connect(places, { key, spread: "any" })));
    const kvs = clients.map((client) => client.within(3_000));
    const load = new Load(kvs, 16);
    await eventually("the load runs", () => load.confirmed.size > 300);
    await first.stop("SIGKILL");
    const before = load.confirmed.size;
    await eventually("the other takes over", () => load.confirmed.size > before + 300);
    assertEquals(clients[0].servers().map(({ isDown }) => isDown), [true, false]);
    const again = await startServer(env, ["--listen", places[0], ...backend]);
    await eventually("the first is used again", () => !clients[0].servers()[0].isDown);
    const then = load.confirmed.size;
    await eventually("the load goes on", () => load.confirmed.size > then + 300);
    await load.end();
    const one = await connect(places[1], { key });
    assertEquals(await load.check(one.within(5_000)), 0);
    for await (const key of kvs[0].keysText("n:1")) assert(key.startsWith("n:1"));
    for (const client of [...clients, one]) client.close();
    for (const server of [again, second]) await server.stop("SIGKILL");
    await engine.stop();
  },
);

test("connections to the engine are cut in the middle of commands: never twice, none lost", {
  skip: isSkipped,
}, async () => {
  const engine = await startEngine();
  const sockets = new Set<Socket>();
  const proxy = createServer((socket) => {
    const to = connectStream(engine.port, "127.0.0.1");
    for (const [from, other] of [[socket, to], [to, socket]] as const) {
      sockets.add(from);
      from.on("data", (bytes) => {
        // Now and then only a part passes, and then nothing any more.
        if (Math.random() < 0.02) {
          other.write(bytes.subarray(0, Math.floor(Math.random() * bytes.length)));
          socket.destroy();
          to.destroy();
        } else other.write(bytes);
      });
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        other.destroy();
      });
    }
  });
  const port = await freePort();
  await new Promise<void>((resolve) => proxy.listen(port, "127.0.0.1", resolve));
  const server = await startServer(env, ["--backend", `redis://127.0.0.1:${port}`]);
  const client = await connect(server.addresses[0], { key });
  const load = new Load([client.within(3_000)], 8);
  await eventually(
    "there are enough of both",
    () => load.confirmed.size > 1_000 && load.unknown.size > 20,
  );
  await load.end();
  const direct = await startServer(env, ["--backend", `redis://127.0.0.1:${engine.port}`]);
  const checker = await connect(direct.addresses[0], { key });
  assertEquals(await load.check(checker.within(5_000)), 0);
  client.close();
  checker.close();
  for (const each of [server, direct]) await each.stop("SIGKILL");
  proxy.close();
  for (const socket of sockets) socket.destroy();
  await engine.stop();
});
