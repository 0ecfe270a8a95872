/** A Cluster of nodes that a test makes up, on a virtual clock: where commands go, and what is learnt. */

import { test } from "node:test";
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { encode } from "../../src/backends/redis/commands.ts";
import { EngineDrop } from "../../src/backends/redis/drop.ts";
import { Engine } from "../../src/backends/redis/engine.ts";
import type { SocketEvents } from "../../src/backends/redis/node.ts";
import { EngineScan } from "../../src/backends/redis/scan.ts";
import type { Fill } from "../../src/backends/later_executor.ts";
import { Action, Job } from "../../src/execute/executor.ts";
import { Result } from "../../src/store/store.ts";
import { promisesRun, VirtualClock } from "../virtual_clock.ts";

/** What a node answers to a command, as RESP; null for nothing. */
type Answers = (words: readonly string[]) => string | null;

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
const array = (...parts: readonly string[]) => `*${parts.length}\r\n${parts.join("")}`;
/** A reply to CLUSTER SLOTS: ranges of slots and where they are. */
const slots = (...ranges: readonly [number, number, string, number][]) =>
  array(
    ...ranges.map(([first, last, host, port]) =>
      array(`:${first}\r\n`, `:${last}\r\n`, array(bulk(host), `:${port}\r\n`))
    ),
  );

function madeUp(nodes: Record<string, Answers>, seeds = Object.keys(nodes)) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const asked: string[] = [];
  const engine = new Engine({
    ...{ seeds, user: undefined, password: undefined, mute: "mute", timeoutMs: 2_000 },
    time: { now: clock.now, makeAlarm: clock.makeAlarm },
    defer: (run) => void clock.at(clock.now(), run),
    log: (line, isProblem) => void log.push(`${isProblem ? "a problem: " : ""}${line}`),
    dial(address, events) {
      if (address.includes("bad")) throw new Error(`"${address}" is no address.`);
      const later = (run: (events: SocketEvents) => void) =>
        void clock.at(clock.now() + 1, () => run(events));
      later((to) => {
        if (address in nodes) to.onOpen();
        else to.onClose("nothing listens there", false);
      });
      return {
        write(bytes) {
          for (const words of commandsOf(Buffer.from(bytes).toString("latin1"))) {
            const reply = words[0] === "PING" ? "+PONG\r\n" : nodes[address](words);
            if (words[0] !== "PING") asked.push(`${address} ${words.join(" ")}`);
            if (reply !== null) later((to) => to.onBytes(Buffer.from(reply)));
          }
        },
        destroy: () => {},
      };
    },
  });
  /** The reply to a command about a slot, or why there is none. */
  const send = async (word: string, slot = 0, isRead = false) => {
    let outcome = "nothing";
    engine.send(encode([word]), slot, isRead, {
      onReply: (reply) => void (outcome = String(reply)),
      onFailure: (problem, isUnknown) =>
        void (outcome = `${isUnknown ? "unknown" : "none"}: ${problem}`),
    });
    await clock.pass(1_000);
    return outcome;
  };
  return { clock, engine, log, asked, send, nodes };
}

function commandsOf(text: string): string[][] {
  const parts = text.split("\r\n");
  const commands: string[][] = [];
  for (let at = 0; parts[at]?.startsWith("*");) {
    const count = Number(parts[at].slice(1));
    commands.push(Array.from({ length: count }, (_, i) => parts[at + 2 + 2 * i]));
    at += 1 + 2 * count;
  }
  return commands;
}

const ALL_AT = (host: string, port: number) => slots([0, 16_383, host, port]);

test("redirects are followed to any address, and one that is none harms only its own command", async () => {
  const { send, clock, engine } = madeUp({
    "10.0.0.1:7000": ([word]) =>
      word === "CLUSTER"
        ? ALL_AT("10.0.0.1", 7000)
        : word === "SIX"
        ? "-MOVED 0 2001:db8:1:2:3:4:5:6:7000\r\n"
        : word === "OWN"
        ? "-ASK 0 :7001\r\n"
        : word === "BAD"
        ? "-MOVED 0 bad:7000\r\n"
        : word === "NOWHERE"
        ? "-MOVED 0\r\n"
        : "+one\r\n",
    "[2001:db8:1:2:3:4:5:6]:7000": ([word]) =>
      word === "CLUSTER" ? ALL_AT("10.0.0.1", 7000) : "+six\r\n",
    "10.0.0.1:7001": ([word]) => word === "ASKING" ? "+OK\r\n" : "+own\r\n",
  }, ["10.0.0.1:7000"]);
  await clock.pass(100);
  assertEquals(await send("GET"), "one");
  assertEquals(await send("SIX"), "six");
  assertEquals(await send("OWN"), "own");
  assertMatch(await send("NOWHERE"), /^none: .*nowhere/);
  assertMatch(await send("BAD"), /^none: /);
  assertEquals(await send("GET"), "one");
  assertEquals(engine.outage, null);
});

test("a node that can't be reached is a problem in the log, and one that is there is none", async () => {
  const { clock, log } = madeUp({ "a:1": () => ALL_AT("a", 1) }, ["a:1", "b:1"]);
  await clock.pass(100);
  assert(log.includes("engine: a:1 is there"), log.join());
  assert(log.includes("engine: a Cluster of 1 primaries"), log.join());
  assert(log.some((line) => /^a problem: engine: b:1: .*nothing listens/.test(line)), log.join());
});

test("a node that has left tells no slots, and does not empty what is known", async () => {
  const nodes: Record<string, Answers> = {
    "a:1": ([word]) => word === "CLUSTER" ? ALL_AT("b", 1) : "-CLUSTERDOWN gone\r\n",
    "b:1": ([word]) => word === "CLUSTER" ? ALL_AT("b", 1) : "+b\r\n",
  };
  const { send, clock, engine } = madeUp(nodes);
  await clock.pass(100);
  assertEquals(await send("GET"), "b");
  nodes["a:1"] = ([word]) => word === "CLUSTER" ? "*0\r\n" : "-CLUSTERDOWN gone\r\n";
  for (let i = 0; i < 1_000; i++) {
    await clock.pass(100);
    assertEquals(engine.outage, null, `after ${i} looks`);
  }
  assertEquals(await send("GET"), "b");
});

test("a node that is cut off and knows only how it was does not stop commands", async () => {
  const { send, clock } = madeUp({
    "a:1": ([word]) => word === "CLUSTER" ? ALL_AT("a", 1) : "-CLUSTERDOWN The cluster is down\r\n",
    "b:1": ([word]) => word === "CLUSTER" ? ALL_AT("b", 1) : "+b\r\n",
  });
  await clock.pass(300);
  await send("GET");
  for (let i = 0; i < 100; i++) assertEquals(await send("GET"), "b", `second ${i}`);
});

test("commands for one slot stay in their order while the first of them is tried again", async () => {
  const done: string[] = [];
  let isReadOnly = true;
  const { clock, engine } = madeUp({
    "a:1": ([word]) => {
      if (word === "CLUSTER") return ALL_AT("a", 1);
      if (isReadOnly) return "-READONLY You can't write against a read only replica.\r\n";
      done.push(word);
      return "+OK\r\n";
    },
  });
  await clock.pass(200);
  const events = { onReply: () => {}, onFailure: () => {} };
  const words = Array.from({ length: 12 }, (_, i) => `SET${i}`);
  for (const [i, word] of words.entries()) {
    engine.send(encode([word]), 7, false, events);
    engine.send(encode([`OTHER${i}`]), 8, false, events);
    await clock.pass(4);
    if (i === 7) isReadOnly = false;
  }
  await clock.pass(500);
  assertEquals(done.filter((word) => word.startsWith("SET")), words);
  assertEquals(done.filter((word) => word.startsWith("OTHER")).length, 12);
});

test("what can't be learnt is said: no permission, and several addresses of no Cluster", async () => {
  const forbidden = madeUp({
    "a:1": ([word]) => word === "CLUSTER" ? "-NOPERM no permissions\r\n" : "+a\r\n",
  });
  await forbidden.clock.pass(500);
  assertMatch(String(forbidden.engine.fatalProblem), /^a:1: it refuses: NOPERM/);
  const single: Answers = ([word]) =>
    word === "CLUSTER" ? "-ERR This instance has cluster support disabled\r\n" : "+x\r\n";
  const two = madeUp({ "a:1": single, "b:1": single });
  await two.clock.pass(500);
  assertMatch(String(two.engine.fatalProblem), /no Cluster, so give one address/);
  const one = madeUp({ "a:1": single });
  await one.clock.pass(500);
  assertEquals([one.engine.outage, one.engine.isCluster], [null, false]);
});

test("a node whose last slot goes while a DROP walks there: the DROP is answered", async () => {
  let page: string | null = null;
  const nodes: Record<string, Answers> = {
    "a:1": ([word]) =>
      word === "CLUSTER"
        ? slots([0, 8_000, "a", 1], [8_001, 16_383, "b", 1])
        : word === "SCAN"
        ? array(bulk("7"), array(bulk("k")))
        : page,
    "b:1": ([word]) =>
      word === "CLUSTER"
        ? slots([0, 8_000, "a", 1], [8_001, 16_383, "b", 1])
        : word === "SCAN"
        ? array(bulk("0"), array())
        : page,
  };
  const { clock, engine } = madeUp(nodes, ["b:1"]);
  await clock.pass(200);
  const fills: Fill[] = [];
  new EngineDrop(engine).begin(Buffer.from("k"), (fill) => void fills.push(fill));
  await clock.pass(50);
  nodes["b:1"] = ([word]) => word === "CLUSTER" ? ALL_AT("b", 1) : ":1\r\n";
  nodes["a:1"] = () => null;
  page = ":1\r\n";
  await clock.pass(40_000);
  await promisesRun();
  assertEquals(fills.length, 1);
  const job = new Job();
  fills[0](job);
  assertEquals(job.result, Result.UNKNOWN);
  engine.close();
});

test("a DROP that could remove nothing says so, and a walk begins anew when the nodes change", async () => {
  const nodes: Record<string, Answers> = {
    "a:1": ([word]) =>
      word === "CLUSTER"
        ? slots([0, 8_000, "a", 1], [8_001, 16_383, "b", 1])
        : word === "SCAN"
        ? array(bulk("5"), array(bulk("one")))
        : "-NOPERM no\r\n",
    "b:1": ([word]) => word === "SCAN" ? array(bulk("0"), array(bulk("two"))) : "-NOPERM no\r\n",
  };
  const { clock, engine } = madeUp(nodes, ["a:1"]);
  await clock.pass(200);
  const drop = new Job();
  new EngineDrop(engine).begin(new Uint8Array(0), (fill) => fill(drop));
  await clock.pass(100);
  assertEquals([drop.result, drop.problem], [Result.UNAVAILABLE, "the engine refuses: NOPERM no"]);

  const scan = new EngineScan(engine);
  const walk = async (cursor: number): Promise<Job> => {
    const job = Object.assign(new Job(), { action: Action.SCAN });
    job.page = {
      ...{ cursor, bytes: new Uint8Array(800), start: 0, room: 800, mostKeys: 10 },
      ...{ maxKeyBytes: 128, count: 0, length: 0 },
    };
    let isDone = false;
    scan.begin(job, (fill) => {
      fill(job);
      isDone = true;
    });
    await clock.pass(100);
    assert(isDone);
    return job;
  };
  const first = await walk(0);
  assertEquals([first.result, first.page.count], [Result.DONE, 1]);
  assertEquals((await walk(first.page.cursor)).page.count, 1, "a page may be asked for again");
  const { "a:1": before } = nodes;
  nodes["a:1"] = (words) =>
    words[0] === "CLUSTER" ? slots([0, 100, "c", 1], [101, 16_383, "a", 1]) : before(words);
  nodes["c:1"] = () => "-ERR\r\n";
  await clock.pass(31_000);
  assertEquals((await walk(first.page.cursor)).result, Result.NO_CURSOR);
});
