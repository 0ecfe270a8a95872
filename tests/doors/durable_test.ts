/** The text doors with durable changes: what waits, what does not, and what is refused. */

import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { LineConversation } from "../../src/doors/line/conversation.ts";
import { openWorld } from "../journal/journal_world.ts";
import { promisesRun } from "../virtual_clock.ts";
import { openDoors, type Peer } from "./door_world.ts";

interface DurableOptions {
  readonly limitBytes?: number;
  readonly maxHeldBytes?: number;
  readonly onFault?: (error: unknown) => void;
}

function openDurable(options: DurableOptions = {}) {
  const { maxHeldBytes, onFault, ...storeOptions } = options;
  const world = openWorld(storeOptions);
  const { executor, clock } = world;
  const { line, resp, connections } = openDoors({ executor, clock, maxHeldBytes, onFault });
  return { ...world, line, resp, connections };
}

/** The disk commits what it was given. */
async function commit({ clock, disk }: ReturnType<typeof openWorld>): Promise<void> {
  await clock.pass(1);
  disk.finish();
  await promisesRun();
}

async function ask(world: ReturnType<typeof openWorld>, peer: Peer, text: string) {
  peer.send(text);
  await commit(world);
  return peer.take();
}

test("the replies of a turn wait for the disk, in their order", async () => {
  const world = openDurable();
  const peer = world.line();
  peer.send("PING\nSET a 1\nGET a\nADD n 5\n");
  assertEquals(peer.take(), "");
  assert(peer.isPaused);
  await commit(world);
  assertEquals(peer.take(), "PONG\nOK\nVALUE MQ==\nVALUE NQ==\n");
  assert(!peer.isPaused);
  assertEquals(world.disk.text("n"), "5");
});

test("another connection's reads wait only for the key that is being changed", async () => {
  const world = openDurable();
  const [writer, reader] = [world.resp(), world.resp()];
  await ask(world, writer, "SET other x\r\n");
  writer.send("SET k v\r\n");
  assertEquals(reader.ask("GET other\r\n"), "$1\r\nx\r\n");
  assertEquals(reader.ask("GET k\r\n"), "");
  await commit(world);
  assertEquals([writer.take(), reader.take()], ["+OK\r\n", "$1\r\nv\r\n"]);
});

test("a failed commit turns the replies that it took back into errors, and no others", async () => {
  const world = openDurable();
  const peer = world.resp();
  peer.send("PING\r\nSET k v\r\nPING\r\nGET k\r\nECHO hi\r\n");
  await world.clock.pass(1);
  world.disk.fail("the disk is full");
  await promisesRun();
  const error = "-ERR taken back, since it could not be made durable: the disk is full\r\n";
  assertEquals(peer.take(), `+PONG\r\n${error}+PONG\r\n${error}$2\r\nhi\r\n`);
  assertEquals(await ask(world, peer, "GET k\r\nSET k w\r\n"), "$-1\r\n+OK\r\n");
});

test("a transaction is durable as one: all of it in one commit, or taken back as one", async () => {
  const world = openDurable();
  const peer = world.resp();
  await ask(world, peer, "SET n 1\r\n");
  world.disk.sizes.length = 0;
  const queue = "MULTI\r\nINCR n\r\nSET a 1\r\nDEL n\r\nEXEC\r\n";
  assertEquals(
    await ask(world, peer, queue),
    `+OK\r\n${"+QUEUED\r\n".repeat(3)}*3\r\n:2\r\n+OK\r\n:1\r\n`,
  );
  assertEquals([world.disk.sizes, [...world.disk.items.keys()]], [[3], ["a"]]);
  peer.send("MULTI\r\nINCR n\r\nSET a 2\r\nEXEC\r\n");
  await world.clock.pass(1);
  world.disk.fail("the disk is full");
  await promisesRun();
  const error = "-ERR taken back, since it could not be made durable: the disk is full\r\n";
  assertEquals(peer.take(), `+OK\r\n${"+QUEUED\r\n".repeat(2)}${error}`);
  assertEquals(await ask(world, peer, "GET n\r\nGET a\r\n"), "$-1\r\n$1\r\n1\r\n");
});

test("a request waits until a drop before it is durable, on every connection", async () => {
  const world = openDurable();
  const [flusher, other] = [world.resp(), world.line()];
  await ask(world, flusher, "MSET a 1 b 2\r\n");
  flusher.send("FLUSHALL\r\nDBSIZE\r\nSET a 3\r\n");
  other.send("GET b\nSET b 4\n");
  assertEquals([flusher.take(), other.take()], ["", ""]);
  await commit(world);
  assertEquals(flusher.take(), "+OK\r\n");
  await commit(world);
  assertEquals([flusher.take(), other.take()], [":0\r\n+OK\r\n", "NOT_FOUND\nOK\n"]);
  assertEquals([...world.disk.items.keys()].toSorted(), ["a", "b"]);
  const queued = "MULTI\r\nFLUSHALL\r\nEXEC\r\n";
  assertMatch(
    await ask(world, flusher, queued),
    /QUEUED\r\n\*1\r\n-ERR a durable store can't drop/,
  );
});

test("a connection that ends after a change still gets its reply", async () => {
  const world = openDurable();
  const [quits, ends] = [world.line(), world.line()];
  quits.send("SET a 1\nQUIT\n");
  ends.send("SET b 2\n");
  ends.end();
  assertEquals([quits.take(), quits.isEnded, ends.isEnded], ["", false, false]);
  await commit(world);
  assertEquals([quits.take(), quits.isEnded], ["OK\n", true]);
  assertEquals([ends.take(), ends.isEnded], ["OK\n", true]);
});

test("requests that arrive while replies are held are answered after them, and nothing is sent twice", async () => {
  const world = openDurable();
  const peer = world.line();
  peer.send("SET a 1\n");
  peer.send("GET a\n");
  peer.send("SET a 2\nGE");
  assertEquals(peer.take(), "");
  await commit(world);
  assertEquals(peer.take(), "OK\n");
  await commit(world);
  assertEquals(peer.take(), "VALUE MQ==\nOK\n");
  peer.send("T a\n");
  assertEquals(peer.take(), "VALUE Mg==\n");
});

test("a client that is gone, or does not read, harms no other when the disk is done", async () => {
  const world = openDurable();
  const [gone, deaf] = [world.line(), world.line()];
  gone.send("SET a 1\n");
  deaf.reads = false;
  deaf.send("SET b 2\nGET b\n");
  gone.close();
  await commit(world);
  assertEquals([gone.take(), deaf.take()], ["", "OK\nVALUE Mg==\n"]);
  deaf.send("GET b\n");
  assertEquals(deaf.take(), "");
  deaf.drain();
  assertEquals(deaf.take(), "VALUE Mg==\n");
  assertEquals([world.disk.text("a"), world.disk.text("b")], ["1", "2"]);
});

test("a long pipeline is committed in parts, and answered in full", async () => {
  const world = openDurable();
  const peer = world.resp();
  const count = 2_000;
  peer.send(Array.from({ length: count }, (_, i) => `SET key:${i} v\r\n`).join(""));
  let replies = "";
  for (let i = 0; i < count && replies.length < count * 5; i++) {
    await commit(world);
    peer.turn();
    replies += peer.take();
  }
  assertEquals(replies, "+OK\r\n".repeat(count));
  assert(world.disk.sizes.length < count / 20, `${world.disk.sizes.length} commits`);
});

test("PERSIST in a full journal reports that, and leaves the expiry", async () => {
  const world = openDurable();
  const peer = world.resp();
  await ask(world, peer, "SET k v EX 1000\r\n");
  Object.defineProperty(world.journal, "isFull", { get: () => true });
  assertEquals(peer.ask("PERSIST k\r\n").slice(0, 4), "-OOM");
  assertEquals(peer.ask("TTL k\r\n"), ":1000\r\n");
});

test("a command about all keys waits for every change", async () => {
  const world = openDurable();
  const [writer, line, resp] = [world.line(), world.line(), world.resp()];
  writer.send("SET a 1\n");
  resp.send("DBSIZE\r\nINFO keyspace\r\n");
  line.send("USAGE\n");
  assertEquals([resp.take(), line.take()], ["", ""]);
  await commit(world);
  assertEquals(line.take(), "USAGE 2\n");
  assert(resp.take().startsWith(":1\r\n"));
});

test("a command that changed nothing waits only for what it reports", async () => {
  const world = openDurable();
  const [writer, other] = [world.resp(), world.resp()];
  await ask(world, writer, "SET settled v\r\n");
  writer.send("SET k v\r\n");
  assertEquals(other.ask("SETNX settled w\r\nDEL missing\r\n"), ":0\r\n:0\r\n");
  assertEquals(other.ask("SETNX k w\r\n"), "");
  await commit(world);
  assertEquals([writer.take(), other.take()], ["+OK\r\n", ":0\r\n"]);
});

test("only replies that depend on what failed become errors", async () => {
  const world = openDurable();
  const [first, second, both] = [world.line(), world.line(), world.line()];
  first.send("SET a 1\n");
  await world.clock.pass(1);
  second.send("SET b 2\n");
  both.send("GET a\nGET b\n");
  await world.clock.pass(1);
  world.disk.finish(1);
  await promisesRun();
  world.disk.fail("it fails");
  await promisesRun();
  assertEquals(first.take(), "OK\n");
  const [kept, error] = both.take().split("\n");
  assertEquals([kept, error.slice(0, 5)], ["VALUE MQ==", "ERROR"]);
});

const MIB = 2 ** 20;

test("a client that waits for the disk gets no others cut off, and is not cut off while it reads", async () => {
  const world = openDurable({ limitBytes: 2 ** 24, maxHeldBytes: 16 * MIB });
  const writer = world.resp();
  await ask(world, writer, `*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${MIB}\r\n${"x".repeat(MIB)}\r\n`);
  const idle = Array.from({ length: 30 }, () => world.resp());
  const busy = Array.from({ length: 40 }, () => world.resp());
  busy.forEach((peer, i) => peer.send(`SET k${i} v\r\nMGET big big big\r\n`));
  const told = new Array<number>(40).fill(0);
  const isDone = () => told.every((bytes) => bytes > 3 * MIB);
  for (let turn = 0; turn < 200 && !isDone(); turn++) {
    assert(world.connections.heldBytes <= 16 * MIB, `${world.connections.heldBytes} bytes`);
    await commit(world);
    busy.forEach((peer, i) => {
      peer.turn();
      told[i] += peer.take().length;
    });
  }
  assert(isDone(), "everybody was answered");
  assertEquals([...idle, ...busy].filter(({ isDestroyed }) => isDestroyed).length, 0);
});

test("a bug while replies are released cuts off one connection, and the others are answered", async () => {
  const faults: unknown[] = [];
  const world = openDurable({ onFault: (error) => faults.push(error) });
  const [broken, other] = [world.line(), world.line()];
  broken.send("SET a MQ==\n");
  other.send("SET b MQ==\n");
  const { writeError } = LineConversation.prototype;
  LineConversation.prototype.writeError = function (problem, replies) {
    LineConversation.prototype.writeError = writeError;
    writeError.call(this, problem, replies);
    throw new Error("a bug");
  };
  await world.clock.pass(1);
  world.disk.fail("it fails");
  await promisesRun();
  assertEquals([broken.isDestroyed, broken.take(), faults.length], [true, "", 1]);
  assertMatch(other.take(), /^ERROR [^\n]*\n$/);
});

test("clients that don't take their replies keep nobody from being served", async () => {
  const world = openDurable({ limitBytes: 2 ** 24, maxHeldBytes: 16 * MIB });
  const writer = world.resp();
  await ask(world, writer, `*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${MIB}\r\n${"x".repeat(MIB)}\r\n`);
  for (let i = 0; i < 10; i++) {
    const deaf = world.resp();
    deaf.reads = false;
    deaf.send("GET big\r\n");
  }
  assert(world.connections.heldBytes > 9 * MIB);
  writer.send("SET k v\r\n");
  const other = world.resp();
  other.send("PING\r\n");
  assertEquals(other.take(), "+PONG\r\n", "while a change waits for the disk");
});

test("a value that is copied for a small request is charged to its turn", async () => {
  const world = openDurable({ limitBytes: 2 ** 24 });
  const peer = world.resp();
  for (const key of ["a", "b", "c"]) {
    await ask(world, peer, `*3\r\n$3\r\nSET\r\n$1\r\n${key}\r\n$${MIB}\r\n${"x".repeat(MIB)}\r\n`);
  }
  peer.send("DEL a\r\nDEL b\r\nDEL c\r\n");
  assertEquals(world.store.count, 2, "one of them was a turn");
  let replies = "";
  for (let i = 0; i < 10; i++) {
    await commit(world);
    peer.turn();
    replies += peer.take();
  }
  assertEquals([replies, world.store.count], [":1\r\n".repeat(3), 0]);
});
