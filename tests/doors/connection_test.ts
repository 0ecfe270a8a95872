import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { MAX_HOLD_MS } from "../../src/doors/connections.ts";
import { randomOf } from "../bytes.ts";
import { openDoors, type Peer } from "./door_world.ts";
import { request, script } from "./resp_script.ts";

const MIB = 2 ** 20;

/** Sends bytes in pieces that end at the given cuts. */
function sendInPieces(peer: Peer, bytes: Buffer, cuts: readonly number[]): string {
  let from = 0;
  for (
    const to of [...cuts.map((cut) => Math.floor(cut * bytes.length)).sort(byNumber), bytes.length]
  ) {
    peer.send(bytes.subarray(from, to));
    while (peer.turn());
    from = to;
  }
  return peer.take();
}

const byNumber = (a: number, b: number) => a - b;

test("it does not matter in which pieces requests arrive", () => {
  const resp = Buffer.concat(script(1, 100).map(({ bytes }) => bytes));
  const line = Buffer.from(
    "SET a 1\nGET a\r\nADD a 5\nSETB64 b aGVsbG8= 1000\nTTL b\nGET b\nFOO\n\nDEL a\nUSAGE\n".repeat(
      20,
    ),
  );
  const whole = {
    resp: sendInPieces(openDoors().resp(), resp, []),
    line: sendInPieces(openDoors().line(), line, []),
  };
  assert(whole.resp.length > 1_000 && whole.line.length > 1_000);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 }), (cuts) => {
      assertEquals(sendInPieces(openDoors().resp(), resp, cuts), whole.resp);
      assertEquals(sendInPieces(openDoors().line(), line, cuts), whole.line);
    }),
    { numRuns: 30 },
  );
  const bytes = Array.from({ length: line.length }, (_, i) => i / line.length);
  assertEquals(sendInPieces(openDoors().line(), line, bytes), whole.line);
});

test("replies that a client does not read are not made: its requests wait, and resume in order", () => {
  const { line, connections } = openDoors();
  const peer = line();
  peer.ask(`SET big ${"x".repeat(MIB)}\n`);
  peer.reads = false;
  peer.send("GET big\n".repeat(200));
  const held = connections.heldBytes;
  assert(peer.isPaused && held < 3 * MIB, `${held} bytes held`);
  let answers = 0;
  for (let i = 0; i < 5_000 && answers < 200; i++) {
    answers += peer.take().split("\n").length - 1;
    peer.drain();
    peer.reads = false;
    peer.turn();
    assert(connections.heldBytes < 3 * MIB);
  }
  assertEquals(answers, 200);
  peer.drain();
  assertEquals([peer.isPaused, connections.heldBytes], [false, 0]);
});

test("a client with many requests lets others have their turn", () => {
  const { resp } = openDoors();
  const [busy, other] = [resp(), resp()];
  busy.send(Buffer.concat(Array.from({ length: 20_000 }, () => request("PING"))));
  const first = busy.take().length;
  assert(busy.isPaused && first < 20_000, "it was not answered in full");
  assertEquals(other.ask(request("PING")), "+PONG\r\n");
  let turns = 0;
  while (busy.turn()) turns++;
  assert(turns > 5, `${turns} turns`);
  assertEquals(first + busy.take().length, 20_000 * "+PONG\r\n".length);
  assertEquals(busy.isPaused, false);
});

test("commands that look at many keys, or copy a large value, take their own turns", () => {
  const { resp } = openDoors({ limitBytes: 2 ** 25 });
  const peer = resp();
  const answers = (bytes: Buffer) => {
    peer.send(bytes);
    return peer.take().split("\r\n").filter((line) => /^[*+:]/.test(line)).length;
  };
  peer.send(request("SET", "large", "v".repeat(2 ** 20)));
  while (peer.turn());
  peer.take();
  const repeat = (command: Buffer) => Buffer.concat(Array.from({ length: 20 }, () => command));
  for (
    const [command, most] of [
      [request("SCAN", "0", "MATCH", "nothing*"), 2 * 4],
      [request("APPEND", "large", ""), 1],
      [request("COPY", "large", "other", "REPLACE"), 1],
    ] as const
  ) {
    assert(answers(repeat(command)) <= most, command.toString("latin1"));
    while (peer.turn());
    peer.take();
  }
});

test("a reply that is made and taken back takes its own turn", () => {
  const { resp } = openDoors({ limitBytes: 2 ** 25 });
  const peer = resp();
  peer.send(request("SET", "big", "x".repeat(MIB)));
  while (peer.turn());
  const tooLarge = request("MGET", "big", "big", "big", "big", "big");
  peer.send(Buffer.concat(Array.from({ length: 20 }, () => tooLarge)));
  let turns = 0;
  while (peer.turn()) turns++;
  assertEquals(turns, 20);
  assertMatch(peer.take(), /^\+OK\r\n(-ERR the reply would be larger than 4 MiB[^\r]*\r\n){20}$/);
});

test("one byte of the next request does not keep the buffer of the previous one", () => {
  const { resp, connections } = openDoors();
  const peer = resp();
  const set = request("SET", "big", "x".repeat(MIB));
  peer.send(set.subarray(0, 1_000));
  peer.send(set.subarray(1_000));
  while (peer.turn());
  peer.send(Buffer.concat([set.subarray(0, 1_000)]));
  peer.send(Buffer.concat([set.subarray(1_000), Buffer.from("*")]));
  while (peer.turn());
  assertEquals(peer.take(), "+OK\r\n+OK\r\n");
  assert(connections.heldBytes > 0 && connections.heldBytes <= 1_024, `${connections.heldBytes}`);
});

test("half a request may take half a minute, and no longer", async () => {
  const { clock, connections, line, resp } = openDoors();
  const [slow, slower, idle] = [line(), resp(), line()];
  slow.send("SET a ");
  slower.send("*2\r\n$3\r\nGET\r\n$");
  await clock.pass(MAX_HOLD_MS - 1);
  connections.sweep();
  assertEquals(slow.ask("b\nSET c "), "OK\n", "an answer restarts its time");
  slower.send("1");
  await clock.pass(2);
  connections.sweep();
  assertEquals([slow.isDestroyed, slower.isDestroyed, idle.isDestroyed], [false, true, false]);
  assertEquals(slower.take(), "-ERR timeout\r\n");
  await clock.pass(MAX_HOLD_MS);
  connections.sweep();
  assertEquals([slow.isDestroyed, slow.take()], [true, "ERROR timeout\n"]);
  assertEquals(idle.ask("PING\n"), "PONG\n", "a client that holds nothing may be silent for ever");
  assertEquals(connections.heldBytes, 0);
});

test("a client that never reads is cut off", async () => {
  const { clock, connections, line } = openDoors();
  const peer = line();
  peer.ask(`SET big ${"x".repeat(MIB)}\n`);
  peer.reads = false;
  peer.send("GET big\nGET big\n");
  await clock.pass(MAX_HOLD_MS + 1);
  connections.sweep();
  assert(peer.isDestroyed);
  assertEquals([connections.heldBytes, connections.count], [0, 0]);
});

test("unfinished requests share a limit: the longest idle client is cut off, a busy one is not", () => {
  const { connections, line } = openDoors({ maxHeldBytes: 10 * MIB });
  const working = line();
  const hoarders = Array.from({ length: 40 }, () => line());
  for (const [i, hoarder] of hoarders.entries()) {
    hoarder.send(`SET a${i} ${"x".repeat(MIB)}`);
    assert(connections.heldBytes <= 10 * MIB, `${connections.heldBytes} bytes`);
    assertEquals(working.ask(`SET w ${"y".repeat(1_000)}\nPING\n`), "OK\nPONG\n");
  }
  const left = hoarders.filter(({ isDestroyed }) => !isDestroyed);
  assert(left.length >= 8 && left.length <= 10, `${left.length} are left`);
  assertEquals(left, hoarders.slice(-left.length), "the last ones");
  assertEquals(hoarders[0].take(), "ERROR too many unfinished requests\n");
  for (const hoarder of left) assertEquals(hoarder.ask("\n"), "OK\n");
  assertEquals(connections.heldBytes, 0);
});

test("too many connections: those that never sent a request make room first", () => {
  const { connections, resp } = openDoors({ maxConnections: 10 });
  const honest = resp();
  assertEquals(honest.ask(request("PING")), "+PONG\r\n");
  const silent = Array.from({ length: 10_000 }, () => resp());
  assertEquals(connections.count, 10);
  assertEquals(silent.filter(({ isDestroyed }) => !isDestroyed), silent.slice(-9));
  assertEquals(silent[0].take(), "-ERR max number of clients reached\r\n");
  assertEquals(honest.ask(request("PING")), "+PONG\r\n");
  assertEquals(resp().ask(request("PING")), "+PONG\r\n", "and the newest is served");
});

test("too many connections: then the one that was answered longest ago makes room", () => {
  const { resp } = openDoors({ maxConnections: 10 });
  const all = Array.from({ length: 10 }, () => resp());
  for (const peer of [...all, all[0]]) assertEquals(peer.ask(request("PING")), "+PONG\r\n");
  assertEquals(resp().ask(request("PING")), "+PONG\r\n");
  assertEquals(all.map(({ isDestroyed }) => isDestroyed).indexOf(true), 1);
});

test("a line that is too long is an error, in step, and takes no memory", () => {
  const { connections, line } = openDoors();
  const peer = line();
  peer.send("PING\nSET a ");
  for (let i = 0; i < 64; i++) {
    peer.send("x".repeat(MIB));
    while (peer.turn());
    assert(connections.heldBytes < 4 * MIB);
  }
  assertEquals(peer.take(), "PONG\n", "the error comes when the line ends");
  assertMatch(peer.ask("\nPING\n"), /^ERROR the line is longer than \d+ bytes\nPONG\n$/);
  peer.send(`SET a ${"x".repeat(2 * MIB)}\nPING\n`);
  while (peer.turn());
  assertMatch(peer.take(), /^ERROR .*\nPONG\n$/);
  assertEquals(connections.heldBytes, 0);
});

test("bytes after the end are not looked at, and not accepted for ever", () => {
  const { connections, resp, counters } = openDoors();
  const peer = resp();
  const answer = peer.ask("*1\r\n$1073741824\r\nxxxx");
  assertEquals(answer, "-ERR Protocol error: invalid bulk length\r\n");
  assert(peer.isEnded && !peer.isDestroyed);
  assertEquals([peer.ask(request("PING")), counters.resp], ["", 0]);
  for (let i = 0; i < 5; i++) peer.send(new Uint8Array(MIB));
  assert(peer.isDestroyed);
  assertEquals([connections.count, connections.heldBytes], [0, 0]);
});

test("a client that closes its side is answered first", () => {
  const { line } = openDoors();
  const peer = line();
  peer.reads = false;
  peer.send("PING\nPING\n");
  peer.end();
  assertEquals([peer.take(), peer.isEnded], ["PONG\nPONG\n", false]);
  peer.drain();
  assertEquals(peer.isEnded, true);
  const patient = line();
  patient.send("PING\nGET unfinished");
  patient.end();
  assertEquals([patient.take(), patient.isEnded], ["PONG\n", true]);
});

test("noise ends in an error or in silence, and others are served", () => {
  const { connections, line, resp } = openDoors();
  const random = randomOf(3);
  const honest = resp();
  for (let i = 0; i < 300; i++) {
    const noise = Uint8Array.from({ length: 2_000 }, () => random() * 256);
    const [a, b] = [line(), resp()];
    a.send(noise);
    b.send(i % 2 === 0 ? noise : Buffer.concat([Buffer.from("*3\r\n$"), noise]));
    assertEquals(honest.ask(request("PING")), "+PONG\r\n");
    assertMatch(a.take(), /^(ERROR [^\n]*\n)*$/);
    assertMatch(b.take(), /^(-ERR [^\r\n]*\r\n)*$/);
  }
  connections.closeAll();
  assertEquals([connections.count, connections.heldBytes], [0, 0]);
});

test("a connection that begins with another protocol ends before any of it is carried out", () => {
  const hostile = [
    Buffer.from("\x16\x03\x01\x02\x00\x01\n\r\nSET evil 1\r\n", "latin1"),
    Buffer.from("SET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Buffer.from("set /x http/1.0\nSET evil 1\n"),
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  ];
  for (const bytes of hostile) {
    for (const isWhole of [true, false]) {
      const { line, resp, store, counters } = openDoors();
      for (const peer of [line(), resp()]) {
        if (isWhole) peer.send(bytes);
        else for (const byte of bytes) peer.send(Buffer.from([byte]));
        assertEquals([peer.take(), peer.isEnded], ["", true]);
      }
      assertEquals([store.count, counters.line, counters.resp], [0, 0, 0]);
    }
  }
  // After the first line it is a value like any other.
  const { line } = openDoors();
  assertEquals(line().ask("PING\nSET /x HTTP/1.1\nGET /x\n"), "PONG\nOK\nVALUE SFRUUC8xLjE=\n");
});

test("a bug in one request cuts off its connection, and no client reads another's reply", () => {
  const faults: unknown[] = [];
  const { line, store, connections } = openDoors({ onFault: (error) => faults.push(error) });
  const [broken, other] = [line(), line()];
  other.ask("SET secret 1\nSET k v\n");
  const { get } = store;
  store.get = (key, found) => {
    get.call(store, key, found);
    throw new Error("a bug");
  };
  broken.send("PING\nGET secret\n");
  store.get = get;
  assertEquals([broken.isDestroyed, faults.length, connections.count], [true, 1, 1]);
  assertEquals(other.ask("GET k\n"), "VALUE dg==\n");
});
