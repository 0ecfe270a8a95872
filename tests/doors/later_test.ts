/** A door whose store answers later gives the replies of one that answers at once, in their order. */

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { copyBytes } from "../../src/bytes.ts";
import { Action, type Job } from "../../src/execute/executor.ts";
import { MemoryExecutor } from "../../src/execute/memory.ts";
import { LogStore } from "../../src/store/log_store.ts";
import { Result } from "../../src/store/store.ts";
import { fillRandomOf, randomOf } from "../bytes.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { openDoors, type Peer } from "./door_world.ts";
import { request, script } from "./resp_script.ts";

/** Answers jobs when it is told to: each key's in their order, those of several keys in any. */
class WithheldExecutor extends MemoryExecutor {
  override readonly answersLater = true;
  override outage: string | null = null;
  readonly waiting: { job: Job; resume: () => void }[] = [];
  /** What a job meets instead of being carried out. */
  fate: (job: Job) => Result | null = () => null;

  override execute(job: Job, resume: () => void): boolean {
    for (const span of [job.key, job.value, job.expected]) {
      span.bytes = copyBytes(span.bytes, span.start, span.start + span.length);
      span.start = 0;
    }
    this.waiting.push({ job, resume });
    return false;
  }

  answer(place: number): void {
    const nameOf = ({ key }: Job) => Buffer.from(key.bytes).toString("latin1");
    const name = nameOf(this.waiting[place].job);
    const first = this.waiting.findIndex(({ job }) => nameOf(job) === name);
    const [{ job, resume }] = this.waiting.splice(first, 1);
    const fate = this.fate(job);
    if (fate === null) this.#carryOut(job);
    else Object.assign(job, { result: fate, problem: "the engine does not answer" });
    resume();
  }

  #carryOut(job: Job): void {
    // As an engine does that brings a value of any length.
    if (job.found.grows) job.found.bytes = new Uint8Array(2 ** 20);
    super.execute(job, () => {});
  }

  answerAll(random: () => number): void {
    for (let i = 0; this.waiting.length > 0; i++) {
      assert(i < 100_000, "it comes to an end");
      this.answer(Math.floor(random() * this.waiting.length));
    }
  }
}

function makeWorld() {
  const clock = new VirtualClock();
  const fillRandom = fillRandomOf(7);
  const store = new LogStore({ limitBytes: 2 ** 24, now: clock.now, fillRandom });
  const executor = new WithheldExecutor(store);
  return { executor, ...openDoors({ clock, executor }) };
}

function turnAll(peer: Peer): void {
  while (peer.turn());
}

test("a thousand commands, many sent at once, are answered as by a store that answers at once", () => {
  const random = randomOf(11);
  const [now, later] = [openDoors(), makeWorld()];
  const [one, other] = [now.resp(), later.resp()];
  let compared = 0;
  for (const { bytes } of script(3, 500)) {
    if (
      /MULTI|WATCH|EXEC|DISCARD|RANDOMKEY|DBSIZE|TIME|CLIENT|INFO/i.test(bytes.toString("latin1"))
    ) {
      continue;
    }
    one.send(bytes);
    turnAll(one);
    other.send(bytes);
    do {
      later.executor.answerAll(random);
    } while (other.turn() || later.executor.waiting.length > 0);
    assertEquals(other.take(), one.take(), bytes.toString("latin1"));
    compared++;
  }
  assert(compared > 500, String(compared));
  assertEquals([later.counters.hits, later.counters.misses], [
    now.counters.hits,
    now.counters.misses,
  ]);
  assertEquals(later.connections.heldBytes, now.connections.heldBytes);
});

test("requests of one connection are under way together, and answered in their order", () => {
  const { resp, executor } = makeWorld();
  const peer = resp();
  const keys = ["a", "b", "c", "d"];
  peer.send(Buffer.concat(keys.map((key) => request("SET", key, `value of ${key}`))));
  assertEquals(executor.waiting.length, 4);
  executor.answer(2);
  executor.answer(1);
  assertEquals(peer.take(), "", "the first has no answer yet");
  executor.answer(0);
  assertEquals(peer.take(), "+OK\r\n".repeat(3));
  peer.send(request("PING"));
  assertEquals(peer.take(), "");
  executor.answerAll(Math.random);
  assertEquals(peer.take(), "+OK\r\n+PONG\r\n");
  peer.send(request("MGET", ...keys, "none"));
  assertEquals(executor.waiting.length, 5);
  executor.answerAll(Math.random);
  assertEquals(peer.take().split("\r\n").filter((line) => line.startsWith("value")).length, 4);
});

test("nothing overtakes a command that reads before it changes", () => {
  const { resp, executor } = makeWorld();
  const peer = resp();
  peer.send(
    Buffer.concat([request("APPEND", "k", "a"), request("APPEND", "k", "b"), request("GET", "k")]),
  );
  assertEquals(executor.waiting.map(({ job }) => job.action), [Action.PEEK]);
  executor.answerAll(Math.random);
  assertEquals(peer.take(), ":1\r\n:2\r\n$2\r\nab\r\n");
  peer.send(Buffer.concat([request("RENAME", "k", "l"), request("GET", "l"), request("GET", "k")]));
  executor.answerAll(Math.random);
  assertEquals(peer.take(), "+OK\r\n$2\r\nab\r\n$-1\r\n");
});

test("a rename whose first half fails does not begin the second", () => {
  const { resp, executor } = makeWorld();
  const peer = resp();
  peer.send(request("SET", "k", "v"));
  executor.answerAll(Math.random);
  executor.fate = ({ action }) => action === Action.SET ? Result.UNKNOWN : null;
  peer.send(request("RENAME", "k", "l"));
  executor.answerAll(Math.random);
  peer.take();
  executor.fate = () => null;
  peer.send(request("GET", "k"));
  executor.answerAll(Math.random);
  assertEquals(peer.take(), "$1\r\nv\r\n");
});

test("what the store can't do is an error that says what is known, in either protocol", () => {
  const { resp, line, executor } = makeWorld();
  const [redis, lines] = [resp(), line()];
  const ask = (peer: Peer, bytes: string | Buffer) => {
    peer.send(bytes);
    executor.answerAll(Math.random);
    return peer.take();
  };
  executor.fate = () => Result.UNAVAILABLE;
  assertEquals(ask(redis, request("GET", "k")), "-ERR the engine does not answer\r\n");
  assertEquals(ask(lines, "GET k\n"), "ERROR the engine does not answer\n");
  assertEquals(ask(redis, request("MGET", "a", "b")), "-ERR the engine does not answer\r\n");
  executor.fate = () => Result.UNKNOWN;
  const unknown = "the engine does not answer; it is not known whether this was carried out";
  assertEquals(ask(redis, request("INCR", "k")), `-ERR ${unknown}\r\n`);
  assertEquals(ask(lines, "ADD k 1\n"), `ERROR ${unknown}\n`);
  executor.fate = () => null;
  assertEquals(
    ask(redis, Buffer.concat([request("GET", "k"), request("PING")])),
    "$-1\r\n+PONG\r\n",
  );
});

test("a client that sends without end has so many requests under way, and the rest waits", () => {
  const { resp, executor, connections } = makeWorld();
  const peer = resp();
  const count = 5_000;
  peer.send(Buffer.concat(Array.from({ length: count }, (_, i) => request("SET", `k${i}`, "v"))));
  assert(executor.waiting.length <= 256 && peer.isPaused, String(executor.waiting.length));
  do {
    executor.answerAll(() => 0);
  } while (peer.turn() || executor.waiting.length > 0);
  assertEquals(peer.take(), "+OK\r\n".repeat(count));
  assertEquals([connections.heldBytes, peer.isPaused], [0, false]);
});

test("who asks and ends its side gets the answers, and who goes away leaves nothing", () => {
  const { resp, executor, connections } = makeWorld();
  const [patient, gone] = [resp(), resp()];
  patient.send(Buffer.concat([request("SET", "k", "v"), request("GET", "k")]));
  patient.end();
  gone.send(request("GET", "k"));
  gone.close();
  assertEquals(patient.isEnded, false);
  executor.answerAll(() => 0);
  assertEquals([patient.take(), patient.isEnded], ["+OK\r\n$1\r\nv\r\n", true]);
  patient.close();
  assertEquals([connections.heldBytes, connections.count], [0, 0]);
  const quitter = resp();
  quitter.send(Buffer.concat([request("GET", "k"), request("QUIT"), request("GET", "k")]));
  assertEquals(quitter.isEnded, false);
  executor.answerAll(() => 0);
  assertEquals([quitter.take(), quitter.isEnded], ["$1\r\nv\r\n+OK\r\n", true]);
});

test("transactions are refused, since each command is by itself there", () => {
  const { resp } = makeWorld();
  for (const command of [["MULTI"], ["WATCH", "k"]]) {
    const peer = resp();
    peer.send(request(...command));
    assert(peer.take().startsWith("-ERR this server stands before an engine"));
  }
});
