/** One connection to an engine, on a virtual clock: what is sent again after it is lost, and what never is. */

import { test } from "node:test";
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { encode } from "../../src/backends/redis/commands.ts";
import { EngineNode, type SocketEvents } from "../../src/backends/redis/node.ts";
import { EngineRequest } from "../../src/backends/redis/request.ts";
import { promisesRun, VirtualClock } from "../virtual_clock.ts";

const TIMEOUT_MS = 2_000;

interface Connection extends SocketEvents {
  sent: string;
  isDestroyed: boolean;
  say(text: string): void;
}

function oneNode(options: { user?: string; password?: string } = {}) {
  const clock = new VirtualClock();
  const connections: Connection[] = [];
  const returned: EngineRequest[] = [];
  const states: (string | null)[] = [];
  const node = new EngineNode("engine:6379", {
    ...{ now: clock.now, makeAlarm: clock.makeAlarm, defer: (run) => run() },
    ...{ user: options.user, password: options.password },
    ...{ mute: "it says nothing", timeoutMs: TIMEOUT_MS },
    dial(_, events) {
      const connection: Connection = {
        ...events,
        sent: "",
        isDestroyed: false,
        say: (text) => events.onBytes(Buffer.from(text)),
      };
      connections.push(connection);
      return {
        write: (bytes) => void (connection.sent += bytes.toString()),
        destroy: () => void (connection.isDestroyed = true),
      };
    },
    onReturned: (request) => void returned.push(request),
    onState: (_, problem) => void states.push(problem),
  });
  const log: string[] = [];
  const request = (word: string, isRead: boolean) =>
    new EngineRequest(encode([word]), { slot: 0, isRead, deadlineAtMs: clock.now() + TIMEOUT_MS }, {
      onReply: (reply) => void log.push(`${word}: ${String(reply)}`),
      onFailure: (problem, isUnknown) =>
        void log.push(`${word}: ${isUnknown ? "unknown" : "none"}, ${problem}`),
    });
  /** Opens the newest connection. */
  const welcome = () => {
    const connection = connections[connections.length - 1];
    connection.onOpen();
    connection.say("+PONG\r\n");
    return connection;
  };
  return { clock, connections, returned, states, node, request, log, welcome };
}

test("it says its password first, and gets replies in the order of the requests", async () => {
  const { node, request, connections, log, states } = oneNode({ user: "me", password: "s" });
  node.connect();
  node.send(request("ONE", false));
  connections[0].onOpen();
  await promisesRun();
  const greeting = "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$1\r\ns\r\n*1\r\n$4\r\nPING\r\n";
  assertEquals(connections[0].sent, greeting);
  connections[0].say("+OK\r\n+PO");
  assertEquals(connections[0].sent, greeting);
  connections[0].say("NG\r\n");
  node.send(request("TWO", true));
  await promisesRun();
  assertMatch(connections[0].sent, /PING\r\n\*1\r\n\$3\r\nONE\r\n\*1\r\n\$3\r\nTWO\r\n$/);
  connections[0].say(":1\r\n:2\r\n");
  assertEquals(log, ["ONE: 1", "TWO: 2"]);
  assertEquals(states, [null]);
  assertEquals(node.underWay, 0);
});

test("of a lost connection, changes that were written are unknown, and never written again", async () => {
  const { node, request, connections, log, returned, welcome, clock } = oneNode();
  node.connect();
  welcome();
  node.send(request("CHANGE", false));
  node.send(request("READ", true));
  connections[0].onClose("it closed the connection", false);
  assertEquals(log, ["CHANGE: unknown, engine:6379: it closed the connection"]);
  assertEquals(returned.map(({ bytes }) => bytes.toString()), ["*1\r\n$4\r\nREAD\r\n"]);
  // Until it is time to connect again, nothing waits for that.
  node.send(request("LATER", false));
  assertEquals([returned.length, connections.length], [2, 1]);
  await clock.pass(60);
  assertEquals(connections.length, 2);
  node.send(request("WAITS", false));
  const second = welcome();
  await promisesRun();
  assert(!second.sent.includes("CHANGE") && second.sent.includes("WAITS"), second.sent);
  // What the first one still says does not count.
  connections[0].say(":1\r\n");
  assertEquals(node.underWay, 1);
});

test("a node that was closed hands back what it is given", () => {
  const { node, request, returned, states, connections } = oneNode();
  node.connect();
  node.close();
  node.send(request("READ", true));
  assertEquals([returned.length, node.underWay], [1, 0]);
  assert(connections[0].isDestroyed);
  assertEquals(states, [], "a node that is not wanted any more is no news");
});

test("what was not written when a connection is lost has done nothing", () => {
  const { node, request, connections, log, returned } = oneNode();
  node.send(request("CHANGE", false));
  connections[0].onClose("nothing listens there", false);
  assertEquals([log.length, returned.length], [0, 1]);
});

test("a reply that is late ends the connection, so that a later one is not taken for another's", async () => {
  const { node, request, connections, log, welcome, clock } = oneNode();
  node.connect();
  welcome();
  node.send(request("CHANGE", false));
  await clock.pass(TIMEOUT_MS + 200);
  assertEquals(log.length, 1);
  assertMatch(log[0], /^CHANGE: unknown, .*has not replied for 2\d\d\d ms/);
  assert(connections[0].isDestroyed);
  assert(connections.length === 2, "it connects again");
});

test("a node that nobody asks anything is asked whether it is there", async () => {
  const { node, clock, connections, welcome } = oneNode();
  node.connect();
  welcome();
  const { sent } = connections[0];
  await clock.pass(1_200);
  assert(connections[0].sent.endsWith("PING\r\n") && connections[0].sent.length > sent.length);
  connections[0].say("+PONG\r\n");
  assertEquals([node.problem, node.underWay], [null, 0]);
  await clock.pass(TIMEOUT_MS + 1_500);
  assertMatch(String(node.problem), /has not replied/);
});

test("after a pause of this process, what came meanwhile is read before the node is blamed", async () => {
  const { node, request, clock, connections, log, welcome } = oneNode();
  node.connect();
  welcome();
  node.send(request("CHANGE", false));
  clock.sleep(TIMEOUT_MS + 500);
  await clock.pass(1);
  connections[0].say(":1\r\n");
  await clock.pass(500);
  assertEquals([log, node.problem], [["CHANGE: 1"], null]);
});

test("a node that never accepts is tried again, ever more seldom, and requests end in time", async () => {
  const { node, request, connections, log, returned, clock } = oneNode();
  node.send(request("CHANGE", false));
  await clock.pass(TIMEOUT_MS + 200);
  assertEquals([...log, ...returned].length, 1);
  const refuse = () => connections[connections.length - 1].onClose("nothing listens there", false);
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    refuse();
    const [count, sinceMs] = [connections.length, clock.now()];
    while (connections.length === count) await clock.pass(10);
    waits.push(clock.now() - sinceMs);
  }
  assert(waits[7] <= 1_100 && waits[7] >= 900, String(waits));
});

test("a node that closes again and again without a word is told from one that does it once", async () => {
  const { node, clock, connections, welcome } = oneNode();
  node.connect();
  const close = async () => {
    connections[connections.length - 1].onOpen();
    connections[connections.length - 1].onClose("it closed the connection", false);
    await clock.pass(1_500);
  };
  await close();
  welcome();
  for (let i = 0; i < 3; i++) {
    connections[connections.length - 1].onClose("it closed the connection", false);
    await clock.pass(1_500);
  }
  assertEquals(node.isFatal, false);
  for (let i = 0; i < 4; i++) await close();
  assertEquals(node.isFatal, true);
  assertMatch(String(node.problem), /does it want TLS/);
});

test("a wrong password is fatal, replies that nobody asked for end the connection", () => {
  const wrong = oneNode({ password: "no" });
  wrong.node.connect();
  wrong.connections[0].onOpen();
  wrong.connections[0].say("-WRONGPASS invalid username-password pair\r\n");
  assertEquals([wrong.node.isFatal, wrong.connections[0].isDestroyed], [true, true]);
  assertMatch(String(wrong.node.problem), /WRONGPASS/);

  const extra = oneNode();
  extra.node.connect();
  extra.welcome().say(":1\r\n");
  assertEquals([extra.node.isFatal, extra.connections[0].isDestroyed], [false, true]);

  const web = oneNode();
  web.node.connect();
  web.connections[0].onOpen();
  web.connections[0].say("HTTP/1.1 400 Bad Request\r\n\r\n");
  assertEquals(web.node.isFatal, true);
  assertMatch(String(web.node.problem), /no Redis or Valkey: it said "HTTP\/1.1 400/);
});
