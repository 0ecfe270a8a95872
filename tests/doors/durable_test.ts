/** The doors for text where changes become durable: what waits, what does not, and what is refused. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { openWorld } from "../journal/journal_world.ts";
import { promisesRun } from "../virtual_clock.ts";
import { openDoors, type Peer } from "./door_world.ts";

function openDurable() {
  const world = openWorld();
  const doors = openDoors({ journaled: world.store, clock: world.clock });
  return { ...world, line: doors.line, resp: doors.resp };
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

test("another connection's reads wait for nothing but the key that is being changed", async () => {
  const world = openDurable();
  const [writer, reader] = [world.resp(), world.resp()];
  await ask(world, writer, "SET other x\r\n");
  writer.send("SET k v\r\n");
  assertEquals(reader.ask("GET other\r\n"), "$1\r\nx\r\n");
  assertEquals(reader.ask("GET k\r\n"), "");
  await commit(world);
  assertEquals([writer.take(), reader.take()], ["+OK\r\n", "$1\r\nv\r\n"]);
});

test("a failed commit makes errors of what it took back, and of nothing else", async () => {
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

test("a connection that ends behind a change still hears of it", async () => {
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

test("what comes while replies are held is answered behind them, and nobody is sent twice", async () => {
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

test("a client that is gone, or does not read, harms nobody when the disk is done", async () => {
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

test("a long pipeline is committed in parts, and all of it is answered", async () => {
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
