import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { copyBytes } from "../src/bytes.ts";
import { DATAGRAM_BYTES, FRAME_BYTES } from "../src/protocol/datagram.ts";
import { Epoch } from "../src/protocol/epoch.ts";
import {
  codeOf,
  META_AT,
  META_EPOCH_AT,
  Operation,
  remainingTtlOf,
  ReplyToggle,
  type Request,
  RequestToggle,
  Status,
  togglesOf,
  VALUE_AT,
  valueLengthOf,
  writeHead,
  writeRequest,
} from "../src/protocol/frame.ts";
import { type TrafficCiphers, trafficCiphers } from "../src/protocol/keys.ts";
import { NO_ADDITIONAL_DATA } from "../src/protocol/seal.ts";
import { NonceStream } from "../src/protocol/nonces.ts";
import { nodeCrypto } from "../src/runtime/node_crypto.ts";
import { webCrypto } from "../src/runtime/web_crypto.ts";
import { MemoryExecutor } from "../src/execute/memory.ts";
import { LogStore } from "../src/store/log_store.ts";
import { NONE, spanOf } from "../src/store/store.ts";
import { everyByte, fillRandomOf, text } from "./bytes.ts";
import { sealFrame } from "./seal.ts";
import { fillUp } from "./store/fill_up.ts";
import { makeServer, MASTER_KEY, type ServerInWorld, settled, WorldClock } from "./world.ts";

const NOTHING = new Uint8Array(0);
const { OVERWRITE, OLD, IF_EQUAL } = RequestToggle;
const { PRESENT, FRESH } = ReplyToggle;

/** A peer without a client's rules: it seals whatever a test gives it. */
class Peer {
  readonly #ciphers: TrafficCiphers;
  readonly #in: ServerInWorld;
  readonly #queries = NonceStream.forQueries(fillRandomOf(11));
  readonly #mutations = NonceStream.forMutations(fillRandomOf(12));
  epoch: Uint8Array = NO_ADDITIONAL_DATA;

  private constructor(server: ServerInWorld, ciphers: TrafficCiphers) {
    this.#in = server;
    this.#ciphers = ciphers;
  }

  static async of(server: ServerInWorld): Promise<Peer> {
    const peer = new Peer(server, await trafficCiphers(MASTER_KEY, nodeCrypto));
    await peer.query({ operation: Operation.PING, key: NOTHING });
    return peer;
  }

  async sealFrame(frame: Uint8Array, isMutation: boolean): Promise<Uint8Array> {
    const datagram = new Uint8Array(DATAGRAM_BYTES);
    (isMutation ? this.#mutations : this.#queries).take(datagram);
    const additionalData = isMutation ? this.epoch : NO_ADDITIONAL_DATA;
    await sealFrame(this.#ciphers.requests, datagram, frame, additionalData);
    return datagram;
  }

  async send(datagram: Uint8Array) {
    const reply = await this.#in.ask(datagram);
    if (reply === null) return null;
    const frame = await this.#ciphers.replies.open(reply, NO_ADDITIONAL_DATA);
    assert(frame !== null, "a reply authenticates");
    this.epoch = Epoch.read(frame, META_EPOCH_AT).bytes;
    return {
      status: codeOf(frame),
      toggles: togglesOf(frame),
      value: copyBytes(frame, VALUE_AT, VALUE_AT + valueLengthOf(frame)),
      ttlMs: remainingTtlOf(frame),
      echo: copyBytes(frame, META_AT, META_AT + 12),
      rest: copyBytes(frame, VALUE_AT + valueLengthOf(frame)),
    };
  }

  #ask(request: Partial<Request>, isMutation: boolean) {
    const frame = new Uint8Array(FRAME_BYTES);
    const whole = {
      operation: Operation.GET,
      toggles: 0,
      key: text("k"),
      value: NOTHING,
      ttlMs: 0,
    };
    writeRequest(frame, { ...whole, ...request });
    return this.sealFrame(frame, isMutation);
  }

  async query(request: Partial<Request>) {
    const reply = await this.send(await this.#ask(request, false));
    assert(reply !== null);
    return reply;
  }

  async mutation(request: Partial<Request>) {
    const reply = await this.send(await this.#ask(request, true));
    assert(reply !== null);
    return reply;
  }

  mutationDatagram(request: Partial<Request>) {
    return this.#ask(request, true);
  }

  queryDatagram(request: Partial<Request>) {
    return this.#ask(request, false);
  }
}

async function begin(options: Parameters<typeof makeServer>[1] = {}) {
  const clock = new WorldClock();
  const world = await makeServer(clock, options);
  return { clock, ...world, peer: await Peer.of(world) };
}

const set = (value: Uint8Array, toggles = 0, ttlMs = 0): Partial<Request> => ({
  operation: Operation.SET,
  value,
  toggles,
  ttlMs,
});

test("SET stores, and reports what it found", async () => {
  const { peer } = await begin();
  const first = await peer.mutation(set(text("one")));
  assertEquals([first.status, first.toggles, first.value], [Status.OK, FRESH, NOTHING]);
  const second = await peer.mutation(set(text("two")));
  assertEquals([second.status, second.value], [Status.EXISTS, text("one")]);
  assertEquals(second.toggles, FRESH | PRESENT);
  const third = await peer.mutation(set(text("three"), OVERWRITE | OLD));
  assertEquals(
    [third.status, third.toggles, third.value],
    [Status.OK, FRESH | PRESENT, text("one")],
  );
  const fourth = await peer.mutation(set(text("four"), OVERWRITE));
  assertEquals([fourth.toggles, fourth.value], [FRESH, NOTHING]);
  const fresh = await peer.mutation({ ...set(text("x"), OLD), key: text("new") });
  assertEquals([fresh.status, fresh.toggles], [Status.OK, FRESH], "OLD without an old value");
  assertEquals((await peer.query({})).value, text("four"));
});

test("an empty value is not a missing value", async () => {
  const { peer } = await begin();
  await peer.mutation(set(NOTHING));
  const found = await peer.query({});
  assertEquals([found.status, found.toggles], [Status.OK, FRESH | PRESENT]);
  const missing = await peer.query({ key: text("other") });
  assertEquals([missing.status, missing.toggles], [Status.NOT_FOUND, FRESH]);
});

test("863 bytes of every byte value, trailing NULs included, come back under a key of 128", async () => {
  const { peer } = await begin();
  const value = everyByte(863);
  value.fill(0, 800);
  const key = everyByte(128);
  await peer.mutation({ ...set(value), key });
  assertEquals((await peer.query({ key })).value, value);
});

test("DELETE returns the value, EXISTS whether there is one", async () => {
  const { peer } = await begin();
  await peer.mutation(set(text("one")));
  assertEquals((await peer.query({ operation: Operation.EXISTS })).status, Status.OK);
  const removed = await peer.mutation({ operation: Operation.DELETE });
  assertEquals([removed.status, removed.value], [Status.OK, text("one")]);
  assertEquals((await peer.mutation({ operation: Operation.DELETE })).status, Status.NOT_FOUND);
  assertEquals((await peer.query({ operation: Operation.EXISTS })).status, Status.NOT_FOUND);
});

/** The value field of a request with IF_EQUAL. */
function expecting(expected: string, value = ""): Uint8Array {
  const bytes = new Uint8Array(2 + expected.length + value.length);
  bytes.set([expected.length & 0xff, expected.length >> 8]);
  bytes.set(text(expected + value), 2);
  return bytes;
}

test("SET and DELETE with IF_EQUAL act on the expected value alone", async () => {
  const { peer } = await begin();
  const swap = (expected: string, value: string, ttlMs = 0) =>
    peer.mutation(set(expecting(expected, value), IF_EQUAL, ttlMs));
  const remove = (expected: string) =>
    peer.mutation({ operation: Operation.DELETE, toggles: IF_EQUAL, value: expecting(expected) });
  assertEquals((await swap("", "x")).status, Status.NOT_FOUND);
  assertEquals((await remove("")).status, Status.NOT_FOUND);
  await peer.mutation(set(text("one")));
  const other = await swap("two", "three");
  assertEquals([other.status, other.value], [Status.EXISTS, text("one")]);
  const prefix = await swap("on", "three");
  assertEquals([prefix.status, prefix.value], [Status.EXISTS, text("one")]);
  const done = await swap("one", "two", 5_000);
  assertEquals([done.status, done.toggles, done.value], [Status.OK, FRESH, NOTHING]);
  const found = await peer.query({});
  assertEquals([found.value, found.ttlMs], [text("two"), 5_000]);
  const kept = await remove("one");
  assertEquals([kept.status, kept.value], [Status.EXISTS, text("two")]);
  const removed = await remove("two");
  assertEquals([removed.status, removed.value], [Status.OK, text("two")]);
  assertEquals((await peer.query({})).status, Status.NOT_FOUND);
});

test("IF_EQUAL is judged once, whatever comes again", async () => {
  const { peer } = await begin();
  await peer.mutation(set(text("one")));
  const datagram = await peer.mutationDatagram(set(expecting("one", "two"), IF_EQUAL));
  assertEquals((await peer.send(datagram))?.status, Status.OK);
  await peer.mutation(set(expecting("two", "one"), IF_EQUAL));
  assertEquals((await peer.send(datagram))?.status, Status.OK, "the kept reply");
  assertEquals((await peer.query({})).value, text("one"));
});

const scanFrom = (value: Uint8Array, prefix = ""): Partial<Request> => ({
  operation: Operation.SCAN,
  key: text(prefix),
  value,
});

test("SCAN tells keys by prefix, page by page, and refuses a cursor of another start", async () => {
  const { peer } = await begin();
  const keys = Array.from({ length: 100 }, (_, i) => `user:${i}`);
  for (const key of [...keys, "other"]) await peer.mutation({ ...set(NOTHING), key: text(key) });
  const told: string[] = [];
  let cursor: Uint8Array = NOTHING;
  let pages = 0;
  do {
    const page = await peer.query(scanFrom(cursor, "user:"));
    assertEquals([page.status, page.toggles], [Status.OK, FRESH | PRESENT]);
    for (let at = 8; at < page.value.length;) {
      const end = at + 2 + page.value[at];
      assertEquals(page.value[at + 1], 0);
      told.push(Buffer.from(page.value.subarray(at + 2, end)).toString());
      at = end;
    }
    cursor = copyBytes(page.value, 0, 8);
    pages++;
  } while (cursor.some((byte) => byte !== 0));
  assertEquals(told.toSorted(), keys.toSorted());
  assert(pages >= 2 && pages <= 4, `${pages} pages`);
  for (const garbage of [text("00000000"), new Uint8Array(8).fill(255)]) {
    assertEquals((await peer.query(scanFrom(garbage))).status, Status.NOT_FOUND);
  }
  assertEquals((await peer.query(scanFrom(text("short")))).status, Status.ERROR);
});

test("DROP removes what has the prefix, and nothing else; what comes again does nothing", async () => {
  const { peer, store } = await begin();
  for (const key of ["a1", "a2", "b1"]) await peer.mutation({ ...set(text("x")), key: text(key) });
  const datagram = await peer.mutationDatagram({ operation: Operation.DROP, key: text("a") });
  const dropped = await peer.send(datagram);
  assertEquals([dropped?.status, dropped?.value], [Status.OK, NOTHING]);
  assertEquals((await peer.query({ key: text("a1") })).status, Status.NOT_FOUND);
  assertEquals((await peer.query({ key: text("b1") })).status, Status.OK);
  await peer.mutation({ ...set(text("new")), key: text("a1") });
  assertEquals((await peer.send(datagram))?.status, Status.OK, "the kept reply");
  assertEquals((await peer.query({ key: text("a1") })).value, text("new"));
  assertEquals(
    (await peer.mutation({ operation: Operation.DROP, key: NOTHING })).status,
    Status.OK,
  );
  assertEquals(store.count, 0);
});

test("a DROP that finds as many under way as can be noted is answered when one is over", async () => {
  const clock = new WorldClock();
  const store = new LogStore({ limitBytes: 2 ** 25, now: clock.now, fillRandom: fillRandomOf(8) });
  const found = { bytes: NOTHING, start: 0, room: NONE, length: NONE, expiresAtMs: 0 };
  // Many keys make each drop long.
  for (let i = 0; i < 150_000; i++) {
    store.set(spanOf(text(`${i}`)), spanOf(NOTHING), 0, true, found);
  }
  const world = await makeServer(clock, { executor: new MemoryExecutor(store) });
  const peer = await Peer.of(world);
  let replies = 0;
  for (let i = 0; i < 20; i++) {
    const key = text(String.fromCharCode(97 + i));
    const datagram = await peer.mutationDatagram({ operation: Operation.DROP, key });
    world.deliver(datagram, () => replies++);
  }
  await settled();
  assertEquals([store.drops, replies], [16, 16]);
  assertEquals((await peer.query({ key: text("7") })).status, Status.OK);
  while (store.drops > 0) store.sweep();
  assertEquals(replies, 20);
});

test("ADD counts, within signed 64 bits, and refuses what is not a number", async () => {
  const { peer } = await begin();
  const add = (value: string, key = "n") =>
    peer.mutation({ operation: Operation.ADD, key: text(key), value: text(value) });
  assertEquals((await add("-5")).value, text("-5"));
  assertEquals((await add("9223372036854775807")).value, text("9223372036854775802"));
  const over = await add("6");
  assertEquals(over.status, Status.ERROR);
  assertEquals((await add("0")).value, text("9223372036854775802"), "unchanged");
  for (const bad of ["", "-0", "01", "+1", "1.0", " 1", "9223372036854775808", "x"]) {
    assertEquals((await add(bad)).status, Status.ERROR, bad);
  }
  await peer.mutation({ ...set(text("007")), key: text("agent") });
  assertEquals((await add("1", "agent")).status, Status.ERROR);
  assertEquals((await peer.query({ key: text("agent") })).value, text("007"));
});

test("a time to live is returned, counts down, and ends the key", async () => {
  const { peer, clock, store } = await begin();
  await peer.mutation(set(text("v"), 0, 1000));
  assertEquals((await peer.query({})).ttlMs, 1000);
  await clock.pass(400.5);
  const exists = await peer.query({ operation: Operation.EXISTS });
  assertEquals(exists.ttlMs, 599, "rounded up on a clock of whole milliseconds");
  await clock.pass(599);
  assertEquals((await peer.query({})).ttlMs, 1, "never 0 while the key lives");
  await clock.pass(1);
  assertEquals((await peer.query({})).status, Status.NOT_FOUND);
  assertEquals(store.count, 0);
});

test("TOUCH sets and removes the time to live; SET replaces it; ADD leaves it", async () => {
  const { peer } = await begin();
  const touch = (ttlMs: number) => peer.mutation({ operation: Operation.TOUCH, ttlMs });
  const ttlNow = async () => (await peer.query({})).ttlMs;
  assertEquals((await touch(50)).status, Status.NOT_FOUND);
  const add = (ttlMs: number) =>
    peer.mutation({ operation: Operation.ADD, value: text("1"), ttlMs });
  assertEquals((await add(5000)).ttlMs, 5000);
  assertEquals((await add(9000)).ttlMs, 5000, "only a new key takes the time to live");
  assertEquals((await touch(70)).status, Status.OK);
  assertEquals(await ttlNow(), 70);
  await touch(0);
  assertEquals(await ttlNow(), 0);
  await touch(2 ** 53 - 1);
  assert((await ttlNow()) > 2 ** 52, "the longest time to live does not overflow");
  await peer.mutation(set(text("v"), OVERWRITE));
  assertEquals(await ttlNow(), 0);
});

test("a reply echoes the nonce, and has zeros after its value", async () => {
  const { peer } = await begin();
  await peer.mutation(set(everyByte(863)));
  await peer.query({});
  const datagram = await peer.queryDatagram({ key: text("missing") });
  const reply = await peer.send(datagram);
  assertEquals(reply?.echo, copyBytes(datagram, 0, 12));
  assert(
    reply?.rest.every((byte) => byte === 0),
    "nothing of the previous reply",
  );
});

test("a mutation sent twice is carried out once and answered twice", async () => {
  const { peer, server, clock } = await begin();
  const datagram = await peer.mutationDatagram({
    operation: Operation.ADD,
    value: text("1"),
    ttlMs: 1000,
  });
  const first = await peer.send(datagram);
  await clock.pass(100);
  const second = await peer.send(datagram);
  assertEquals([first?.value, second?.value], [text("1"), text("1")]);
  assertEquals([first?.ttlMs, second?.ttlMs], [1000, 900]);
  assertEquals((await peer.query({})).value, text("1"));
  assertEquals(server.counters.replaysAnswered, 1);
  assertEquals(server.counters.operations[Operation.ADD], 1);
});

test("a mutation whose reply is no longer kept is a DUPLICATE", async () => {
  const limits = { maxStreams: 10, generationMs: 60_000, keptBytes: 2_000 };
  const { peer, server } = await begin({ fenceLimits: limits });
  const datagram = await peer.mutationDatagram(set(text("first"), OVERWRITE));
  await peer.send(datagram);
  for (let i = 0; i < 100; i++) await peer.mutation(set(text("later"), OVERWRITE | OLD));
  assertEquals((await peer.send(datagram))?.status, Status.DUPLICATE);
  assertEquals((await peer.query({})).value, text("later"));
  assertEquals(server.counters.replaysForgotten, 1);
});

test("a refused mutation is not carried out later, when it would succeed", async () => {
  const { peer } = await begin();
  await peer.mutation(set(text("one")));
  const refused = await peer.mutationDatagram(set(text("two")));
  assertEquals((await peer.send(refused))?.status, Status.EXISTS);
  await peer.mutation({ operation: Operation.DELETE });
  assertEquals((await peer.send(refused))?.status, Status.EXISTS, "as it was answered before");
  assertEquals((await peer.query({})).status, Status.NOT_FOUND);
});

test("a mutation sent as a query is fenced; a query sent as a mutation is an error", async () => {
  const { peer } = await begin();
  assertEquals((await peer.query(set(text("x")))).status, Status.FENCED);
  assertEquals((await peer.query({})).status, Status.NOT_FOUND);
  const wrong = await peer.mutation({ operation: Operation.GET });
  assertEquals([wrong.status, wrong.toggles & PRESENT], [Status.ERROR, 0]);
});

test("a mutation of an epoch that was turned away is fenced, then silent", async () => {
  const { peer, clock } = await begin();
  const one = await peer.mutationDatagram(set(text("1")));
  await clock.pass(60_000);
  assertEquals((await peer.mutation(set(text("x")))).status, Status.FENCED);
  assertEquals((await peer.send(one))?.status, Status.FENCED);
  await clock.pass(60_000);
  await peer.mutation(set(text("x")));
  assertEquals(await peer.send(one), null);
  assertEquals((await peer.query({})).status, Status.NOT_FOUND);
});

test("a mutation recorded before a restart is met with silence after it", async () => {
  const { peer, clock } = await begin();
  const recorded = await peer.mutationDatagram(set(text("old")));
  const next = await makeServer(clock);
  assertEquals(await next.ask(recorded), null);
  assertEquals(next.server.counters.droppedForAuthentication, 1);
  assertEquals(next.store.count, 0);
});

test("a query is answered however often it comes, and touches no table", async () => {
  const { peer } = await begin();
  const datagram = await peer.queryDatagram({});
  for (let i = 0; i < 3; i++) assertEquals((await peer.send(datagram))?.status, Status.NOT_FOUND);
  const stats = await peer.query({ operation: Operation.STATS, key: text("server") });
  assertMatch(Buffer.from(stats.value).toString(), /^streams 0$/m);
});

for (const provider of [nodeCrypto, webCrypto]) {
  test(`a stranger's datagram gets silence and is counted (${provider.name})`, async () => {
    const { server, store, ask, peer } = await begin({ provider });
    const { counters } = server;
    await peer.mutation(set(text("v")));
    const good = await peer.mutationDatagram(set(text("evil"), OVERWRITE));
    const query = await peer.queryDatagram({});
    for (const length of [0, 1, 12, 28, 1023, 1025, 65_507]) {
      assertEquals(await ask(new Uint8Array(length)), null);
    }
    assertEquals(counters.droppedForSize, 7);
    const random = new Uint8Array(DATAGRAM_BYTES);
    for (let i = 0; i < 20; i++) {
      fillRandomOf(i)(random);
      assertEquals(await ask(random), null);
    }
    assertEquals(counters.droppedForAuthentication, 20);
    let flips = 0;
    for (let bit = 0; bit < DATAGRAM_BYTES * 8; bit += 41) {
      for (const datagram of [good, query]) {
        const flipped = copyBytes(datagram);
        flipped[bit >> 3] ^= 1 << (bit & 7);
        assertEquals(await ask(flipped), null, `bit ${bit}`);
        flips++;
      }
    }
    assertEquals(counters.droppedForAuthentication, 20 + flips);
    assertEquals([store.count, (await peer.query({})).value], [1, text("v")]);
  });
}

test("more datagrams at once than the bound are dropped, where opening is asynchronous", async () => {
  const { server, peer, ask } = await begin({ provider: webCrypto });
  const datagrams = await Promise.all(
    Array.from(
      { length: 1200 },
      () => peer.queryDatagram({ operation: Operation.PING, key: NOTHING }),
    ),
  );
  const replies = await Promise.all(datagrams.map(ask));
  assertEquals(replies.filter((reply) => reply !== null).length, 1024);
  assertEquals(server.counters.droppedForLoad, 176);
  assert((await peer.query({ operation: Operation.PING, key: NOTHING })).status === Status.OK);
});

test("frames of a peer that has the key and a bug are errors, and change nothing", async () => {
  const { peer, store } = await begin();
  await peer.mutation(set(text("v")));
  const frame = new Uint8Array(FRAME_BYTES);
  for (let seed = 0; seed < 3000; seed++) {
    fillRandomOf(seed)(frame);
    if (seed % 2 === 0) writeHead(frame, seed % 9, 0, 129 + (seed % 127), seed % 1024);
    const isMutation = seed % 3 > 0;
    const reply = await peer.send(await peer.sealFrame(frame, isMutation));
    assert(reply !== null);
    assert([Status.ERROR, Status.FENCED].includes(reply.status as 2 | 4), `${reply.status}`);
  }
  assertEquals([store.count, (await peer.query({})).value], [1, text("v")]);
});

test("a store that refuses answers FULL to requests that need more room, and to no others", async () => {
  const { peer, store } = await begin({ onFull: "refuse" });
  await peer.mutation(set(text("small")));
  fillUp(store);
  assertEquals((await peer.mutation(set(everyByte(863), OVERWRITE))).status, Status.FULL);
  assertEquals((await peer.query({})).value, text("small"));
  assertEquals((await peer.mutation(set(text("other"), OVERWRITE))).status, Status.OK);
  assertEquals((await peer.mutation({ operation: Operation.DELETE })).status, Status.OK);
  assertEquals((await peer.mutation(set(text("again")))).status, Status.OK);
});

test("a time to live that finds no room gets FULL too", async () => {
  const { peer, store } = await begin({ onFull: "refuse" });
  await peer.mutation(set(text("v")));
  fillUp(store);
  const touch = { operation: Operation.TOUCH, toggles: RequestToggle.TTL, ttlMs: 50 };
  assertEquals((await peer.mutation(touch)).status, Status.FULL);
  assertEquals((await peer.query({})).value, text("v"));
});

test("STATS returns whole lines that fit a value, with every count at its largest", async () => {
  const { peer, server } = await begin({
    facts: [["version", "1.2.3"]],
    systemLines: () => [
      ["dropped_by_kernel", Number.MAX_SAFE_INTEGER],
      ["receive_buffer_bytes", 2 ** 31],
    ],
  });
  const { counters } = server;
  for (const [name, count] of Object.entries(counters)) {
    if (typeof count === "number") {
      Object.assign(counters, { [name]: Number.MAX_SAFE_INTEGER - 1e6 });
    } else count.fill(Number.MAX_SAFE_INTEGER - 1e6);
  }
  const whole = await peer.query({ operation: Operation.STATS, key: NOTHING });
  const serverText = Buffer.from(whole.value).toString();
  assertMatch(serverText, /^version 1.2.3\n/);
  const sections = /^sections (.*)$/m.exec(serverText)?.[1].split(" ") ?? [];
  assertEquals(sections, ["server", "operations", "datagrams", "store"]);
  const lines: Record<string, number> = { server: 5, operations: 16, datagrams: 13, store: 8 };
  for (const section of sections) {
    const reply = await peer.query({ operation: Operation.STATS, key: text(section) });
    const told = Buffer.from(reply.value).toString();
    assert(told.endsWith("\n") && told.length <= 863);
    assertEquals(told.trimEnd().split("\n").length, lines[section], told);
  }
  const unknown = await peer.query({ operation: Operation.STATS, key: text("nonsense") });
  assertEquals(unknown.status, Status.NOT_FOUND);
});

test("a bug in one turn is reported, and harms no other turn", async () => {
  const faults: unknown[] = [];
  const clock = new WorldClock();
  const server = await makeServer(clock, { onFault: (error) => faults.push(error) });
  const peer = await Peer.of(server);
  const { get } = server.store;
  server.store.get = () => {
    throw new Error("a bug");
  };
  const frame = new Uint8Array(FRAME_BYTES);
  writeRequest(frame, {
    operation: Operation.GET,
    toggles: 0,
    key: text("k"),
    value: NOTHING,
    ttlMs: 0,
  });
  assertEquals(await peer.send(await peer.sealFrame(frame, false)), null);
  server.store.get = get;
  const reply = await peer.send(await peer.sealFrame(frame, false));
  assertEquals([faults.length, reply?.status], [1, Status.NOT_FOUND]);
});
