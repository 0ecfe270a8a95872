import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Calls, Client } from "../src/client.ts";
import {
  ClosedError,
  DeadlineExceededError,
  DeadlineRequiredError,
  DuplicateError,
  FullError,
  InvalidArgumentError,
  NotJsonError,
  ProtocolError,
  RequestError,
  TooLargeError,
} from "../src/errors.ts";
import { DATAGRAM_BYTES, FRAME_BYTES } from "../src/protocol/datagram.ts";
import { VALUE_AT, writeReply } from "../src/protocol/frame.ts";
import { trafficCiphers } from "../src/protocol/keys.ts";
import { NO_ADDITIONAL_DATA } from "../src/protocol/seal.ts";
import { nodeCrypto } from "../src/runtime/node_crypto.ts";
import { webCrypto } from "../src/runtime/web_crypto.ts";
import { everyByte, text } from "./bytes.ts";
import { sealFrame } from "./seal.ts";
import {
  makeClient,
  makeLink,
  makeServer,
  MASTER_KEY,
  outcome,
  type ServerInWorld,
  WorldClock,
} from "./world.ts";

async function begin(provider = nodeCrypto) {
  const clock = new WorldClock();
  const server = await makeServer(clock, { provider });
  const link = makeLink(server);
  const world = await makeClient(clock, link, { provider });
  const kv = world.client.within(500);
  const run = <T>(promise: Promise<T>) => outcome(clock, promise);
  return { clock, server, link, kv, run, ...world };
}

/** Calls as a program in plain JavaScript may make them. */
// deno-lint-ignore no-explicit-any -- wrong on purpose
const untyped = (kv: Client | Calls<true>): any => kv;

for (const provider of [nodeCrypto, webCrypto]) {
  test(`every call does what its name says (${provider.name})`, async () => {
    const { kv, run, clock } = await begin(provider);
    assertEquals(await run(kv.get("k")), undefined);
    assertEquals(await run(kv.set("k", "v")), { stored: true, previous: undefined });
    assertEquals(await run(kv.set("k", "w")), { stored: false, current: text("v") });
    const replaced = await run(kv.set("k", "w", { overwrite: true, old: true }));
    assertEquals(replaced, { stored: true, previous: text("v") });
    assertEquals(await run(kv.get("k")), text("w"));
    assertEquals(await run(kv.getText("k")), "w");
    assertEquals(await run(kv.exists("k")), { ttl: undefined });
    assertEquals(await run(kv.touch("k", { ttl: 60_000 })), true);
    const ttl = (await run(kv.exists("k")))?.ttl ?? 0;
    assert(ttl > 59_900 && ttl <= 60_000);
    assertEquals(await run(kv.delete("k")), text("w"));
    assertEquals(await run(kv.delete("k")), undefined);
    assertEquals(await run(kv.exists("k")), undefined);
    assertEquals(await run(kv.touch("k")), false);
    assertEquals(await run(kv.add("n", 2)), { value: 2n, number: 2, ttl: undefined });
    assertEquals(await run(kv.add("n", -(2n ** 63n))), {
      value: 2n - 2n ** 63n,
      number: undefined,
      ttl: undefined,
    });
    const limited = await run(kv.add("limit", 1, { ttl: 1000 }));
    assertEquals(limited, { value: 1n, number: 1, ttl: 1000 });
    await clock.pass(1000);
    assertEquals((await run(kv.add("limit", 1, { ttl: 1000 }))).value, 1n);
    assert((await run(kv.ping())) >= 0);
    assertEquals((await run(kv.stats()))?.generation, 0);
    assertEquals((await run(kv.stats({ section: "store" })))?.keys, 2);
    assertEquals(await run(kv.stats({ section: "none" })), undefined);
  });
}

test("a missing value is not an empty value", async () => {
  const { kv, run } = await begin();
  await run(kv.set("empty", ""));
  assertEquals(await run(kv.get("empty")), new Uint8Array(0));
  assertEquals(await run(kv.getText("empty")), "");
  assertEquals(await run(kv.getText("missing")), undefined);
  assertEquals(await run(kv.delete("empty")), new Uint8Array(0));
});

test("ifEqual replaces and removes the expected value alone", async () => {
  const { kv, run } = await begin();
  const refused = { stored: false, current: undefined } as const;
  assertEquals(await run(kv.set("k", "new", { ifEqual: "old" })), refused, "there is no key");
  await run(kv.set("k", "one"));
  assertEquals(await run(kv.set("k", "two", { ifEqual: "on" })), {
    stored: false,
    current: text("one"),
  });
  assertEquals(await run(kv.set("k", "", { ifEqual: "one", ttl: 5_000 })), {
    ...{ stored: true, previous: undefined },
  });
  assert(((await run(kv.exists("k")))?.ttl ?? 0) > 4_900);
  assertEquals(await run(kv.setJson("k", { a: 1 }, { ifEqual: "" })), {
    ...{ stored: true, previous: undefined },
  });
  assertEquals(await run(kv.delete("k", { ifEqual: "" })), undefined);
  assertEquals(await run(kv.delete("k", { ifEqual: '{"a":1}' })), text('{"a":1}'));
  assertEquals(await run(kv.delete("k", { ifEqual: "" })), undefined);
});

test("ifEqual that can't be sent throws before sending", async () => {
  const { kv, run, requests } = await begin();
  const mixed = { ifEqual: "a", overwrite: true };
  for (
    const call of [
      () => kv.set("k", "v", mixed),
      () => kv.set("k", "v", { ifEqual: "a", old: true }),
      () => kv.set("k", new Uint8Array(431), { ifEqual: new Uint8Array(431) }),
      () => kv.set("k", new Uint8Array(427), { ifEqual: new Uint8Array(427), ttl: 1 }),
      () => kv.delete("k", { ifEqual: new Uint8Array(862) }),
      () => untyped(kv).delete("k", { ifEqual: 7 }),
      // A token that is missing must not stand for any value.
      () => kv.delete("k", { ifEqual: undefined }),
      () => kv.set("k", "v", { ifEqual: undefined }),
    ]
  ) await assertRejects(async () => await run(call()), InvalidArgumentError);
  assertEquals(requests.length, 0);
  assertEquals(await run(kv.delete("k", { ifEqual: new Uint8Array(861) })), undefined);
});

test("keys and drop act on a prefix; the empty one means everything", async () => {
  const { kv, run } = await begin();
  const names = Array.from({ length: 60 }, (_, i) => `user:${i}`);
  for (const name of [...names, "ключ"]) await run(kv.set(name, ""));
  const keysText = async (prefix: string) => {
    const keys: string[] = [];
    for await (const key of kv.keysText(prefix)) keys.push(key);
    return keys.toSorted();
  };
  assertEquals(await run(keysText("user:")), names.toSorted());
  assertEquals(await run(keysText("")), [...names, "ключ"].toSorted());
  const first = await run(kv.keys("кл").next());
  assertEquals(first.value, text("ключ"));
  assertEquals(await run(kv.drop("user:")), undefined);
  assertEquals(await run(keysText("")), ["ключ"]);
  await run(kv.drop(""));
  assertEquals(await run(keysText("")), []);
  await assertRejects(async () => await run(kv.drop("x".repeat(129))), InvalidArgumentError);
  assertThrows(() => kv.keys("x".repeat(129)), InvalidArgumentError);
});

test("keys begins anew after a restart, and a walk that is left early asks no more", async () => {
  const { kv, run, server, requests } = await begin();
  const names = Array.from({ length: 200 }, (_, i) => `${i}`);
  for (const name of names) await run(kv.set(name, ""));
  const isFirst = { value: true };
  const scan = server.store.scan.bind(server.store);
  server.store.scan = (prefix, page) => {
    // As if the cursor came from an earlier start.
    if (page.cursor !== 0 && isFirst.value) {
      isFirst.value = false;
      page.cursor = 1;
    }
    return scan(prefix, page);
  };
  const told: string[] = [];
  await run((async () => {
    for await (const key of kv.keysText("")) told.push(key);
  })());
  assertEquals([...new Set(told)].toSorted(), names.toSorted());
  assert(told.length > 200 && !isFirst.value, "some keys came again");
  const before = requests.length;
  await run((async () => {
    for await (const _ of kv.keys("")) break;
  })());
  assertEquals(requests.length, before + 1);
});

test("bytes, text and JSON come back as they were", async () => {
  const { kv, run } = await begin();
  await run(kv.set(everyByte(128), everyByte(863)));
  const value = await run(kv.get(everyByte(128)));
  assertEquals(value, everyByte(863));
  assertEquals(value?.constructor, Uint8Array, "not a Buffer, on any runtime");
  await run(kv.set("text", "\ufeffŷ\u0000"));
  assertEquals(await run(kv.getText("text")), "\ufeffŷ\u0000", "byte order mark and NUL too");
  const config = { on: true, list: [1, null, "x"] };
  await run(kv.setJson("json", config));
  assertEquals(await run(kv.getJson("json")), config);
  assertEquals(await run(kv.getJson("missing")), undefined);
  await assertRejects(() => run(kv.getJson("text")), NotJsonError);
  await assertRejects(
    () => run(kv.setJson("x", undefined)),
    InvalidArgumentError,
    'undefined has no JSON form: "x"',
  );
  const circle: Record<string, unknown> = {};
  circle.secret = circle;
  for (const value of [1n, circle]) {
    await assertRejects(
      () => run(kv.setJson("x", value)),
      InvalidArgumentError,
      'The value of "x" has no JSON form: it has a bigint, or itself, in it.',
    );
  }
});

test("an array is copied when the call is made", async () => {
  const { kv, run } = await begin();
  const key = Buffer.from("key");
  const value = Buffer.from("value");
  const call = kv.set(key, value);
  key.fill(0);
  value.fill(0);
  await run(call);
  assertEquals(await run(kv.getText("key")), "value");
});

test("a call without a deadline throws before anything is sent", async () => {
  const { client, requests } = await begin();
  const calls: [string, unknown[]][] = [
    ["get", ["k"]],
    ["getText", ["k"]],
    ["getJson", ["k"]],
    ["set", ["k", "v"]],
    ["setJson", ["k", 1]],
    ["delete", ["k"]],
    ["exists", ["k"]],
    ["add", ["k", 1]],
    ["touch", ["k"]],
    ["ping", []],
    ["stats", []],
  ];
  for (const [name, args] of calls) {
    for (const options of [[], [{}], [{ signal: new AbortController().signal }]]) {
      const call = () => untyped(client)[name](...args, ...options);
      const error = await assertRejects(call, DeadlineRequiredError, "within(50)");
      assertEquals([error.code, error.name], ["DEADLINE_REQUIRED", "DeadlineRequiredError"]);
    }
  }
  assertEquals(requests.length, 0);
});

test("the types require a deadline", () => {
  const typed = (client: Client) => {
    // @ts-expect-error: no deadline
    client.get("k");
    // @ts-expect-error: no deadline among the options
    client.set("k", "v", { overwrite: true });
    // @ts-expect-error: both of them
    client.get("k", { timeout: 1, deadline: 1 });
    client.get("k", { timeout: 1 });
    client.within(1).get("k");
    client.within(1).set("k", "v", { overwrite: true });
    client.within(1).set("k", "v", { overwrite: true, timeout: 5 });
  };
  assertEquals(typeof typed, "function");
});

test("a client is no view: its calls need a deadline", () => {
  const takesView = (kv: Calls<true>) => kv.timeoutMs;
  const takesClient = (kv: Calls<false>) => kv.timeoutMs;
  const typed = (client: Client) => {
    // @ts-expect-error: a client has no default deadline
    takesView(client);
    // @ts-expect-error: nor has a view of one of its servers
    takesView(client.at("cache-1"));
    const view: Calls<true> = client.within(1);
    takesView(view.within(2).at("cache-1"));
    const given: number = takesView(view);
    // Who gives a deadline with each call may have either.
    takesClient(client);
    takesClient(view);
    // @ts-expect-error: may be undefined
    const missing: number = takesClient(client);
    return [given, missing];
  };
  assertEquals(typeof typed, "function");
});

test("a view has views, and closing one closes the client", async () => {
  const { client, kv, run } = await begin();
  const long = kv.within(2_000);
  assertEquals([client.timeoutMs, kv.timeoutMs, long.timeoutMs], [undefined, 500, 2_000]);
  await run(long.set("k", "v"));
  assertEquals(await run(long.at("").getText("k")), "v");
  assertThrows(() => untyped(kv).within(0), InvalidArgumentError);
  kv.at("").within(5).close();
  for (const each of [kv, long]) await assertRejects(() => run(each.get("k")), ClosedError);
  client.close();
});

test("a client and its views are closed by using and by await using", async () => {
  for (const isAsync of [false, true]) {
    for (const isView of [false, true]) {
      const { client, kv } = await begin();
      const closed = isView ? kv : client;
      if (isAsync) await closed[Symbol.asyncDispose]();
      else closed[Symbol.dispose]();
      await assertRejects(() => client.get("k", { timeout: 5 }), ClosedError);
    }
  }
  const { client } = await begin();
  {
    using _ = client;
    await using _view = client.within(5);
  }
  await assertRejects(() => client.get("k", { timeout: 5 }), ClosedError);
});

test("an option that does not exist is refused, and the one that was meant is named", async () => {
  const { kv, client, run, requests } = await begin();
  const cases: [() => Promise<unknown>, string][] = [
    [
      () => untyped(kv).set("k", "v", { ttlMs: 5 }),
      "ttlMs is no option of set; did you mean ttl, in mil",
    ],
    [
      () => untyped(kv).set("k", "v", { EX: 5 }),
      "EX is no option of set; did you mean ttl, in milli",
    ],
    [() => untyped(kv).set("k", "v", { overwite: true }), "did you mean overwrite?"],
    [() => untyped(kv).setMany([["k", "v"]], { ifEqual: "x" }), "ifEqual is no option of setMany"],
    [() => untyped(kv).setMany([], { expires: 1 }), "no option of setMany; did you mean ttl"],
    [() => untyped(kv).setJson("k", 1, { ttl: 1, if_equal: "" }), "did you mean ifEqual?"],
    [
      () => untyped(kv).get("k", { ttl: 1 }),
      "ttl is no option of get; it has timeout, deadline, signal.",
    ],
    [() => untyped(kv).getMany(["k"], { foo: 1 }), "foo is no option of getMany"],
    [() => untyped(kv).add("k", 1, { overwrite: true }), "overwrite is no option of add"],
    [() => untyped(kv).delete("k", { if: "v" }), "if is no option of delete"],
    [() => untyped(kv).deleteMany(["k"], { ifEqual: "v" }), "no option of deleteMany"],
    [() => untyped(kv).touch("k", { EXPIRE: 5 }), "did you mean ttl"],
    [() => untyped(kv).exists("k", { "\n": 1 }), "is no option of exists"],
    [() => untyped(kv).getItem("k", { timeoutMs: 1 }), "no option of get; did you mean timeout"],
    [() => untyped(kv).remember("k", () => "", { leaseMs: 1 }), "remember; did you mean lease, in"],
    [() => untyped(kv).rememberJson("k", () => "", { tttl: 1 }), "remember; did you mean ttl"],
    [() => untyped(kv).drop("k", { old: true }), "old is no option of drop"],
    [() => untyped(kv).keys("k", { limit: 1 }).next(), "limit is no option of keys"],
    [
      () => untyped(kv).stats({ sections: "x" }),
      "sections is no option of stats; did you mean section?",
    ],
    [() => untyped(kv).ping({ x: 1 }), "x is no option of ping"],
    [() => untyped(client).get("k", { timeoutms: 1 }), "did you mean timeout, in milliseconds?"],
    [() => untyped(kv).set("k", "v", 60), "The options of set are an object"],
    [() => untyped(kv).get("k", null), "not null"],
    [() => untyped(kv).set("k", "v", null), "not null"],
    [() => untyped(kv).get("k", "EX"), "not a string"],
  ];
  for (const [call, words] of cases) {
    await assertRejects(async () => await run(call()), InvalidArgumentError, words);
  }
  assertEquals(requests.length, 0);
  const inherited = Object.create({ ttl: 1_000 });
  await run(kv.set("k", "v", inherited));
  assert(((await run(kv.exists("k")))?.ttl ?? 0) > 900);
});

test("a deadline is a time, and a call whose deadline has passed sends nothing", async () => {
  const { client, run, requests } = await begin();
  assertEquals(await run(client.get("k", { deadline: Date.now() + 5_000 })), undefined);
  const before = requests.length;
  const late = () => client.get("k", { deadline: Date.now() - 1 });
  await assertRejects(late, DeadlineExceededError);
  assertEquals(requests.length, before);
});

test("invalid timeouts are refused", async () => {
  const { client, requests } = await begin();
  const bad = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "50", null];
  for (const timeout of bad) {
    await assertRejects(() => untyped(client).get("k", { timeout }), Error);
    if (timeout !== null) assertThrows(() => untyped(client).within(timeout), InvalidArgumentError);
  }
  const both = () => untyped(client).get("k", { timeout: 1, deadline: 1 });
  await assertRejects(both, InvalidArgumentError, "not both");
  assertEquals(requests.length, 0);
});

test("a key or value that does not fit throws before sending, and names size and limit", async () => {
  const { kv, requests } = await begin();
  const fails = async (call: () => Promise<unknown>, ...parts: string[]) => {
    const error = await assertRejects(call, InvalidArgumentError);
    for (const part of parts) assert(error.message.includes(part), error.message);
  };
  await fails(() => kv.get(everyByte(129)), "129", "128");
  await fails(() => kv.get("ж".repeat(65)), "130", "128");
  await fails(() => kv.get(""), "empty", "1 to 128");
  await fails(() => kv.get(new Uint8Array(0)), "empty");
  await fails(() => kv.set("k", everyByte(864)), "864", "863");
  await fails(() => kv.set("k", everyByte(856), { ttl: 1 }), "856", "855", 'value of "k"');
  await fails(() => kv.setMany([["a", "1"], ["b", everyByte(864)]]), 'value of "b" has 864 bytes');
  await fails(() => untyped(kv).setMany([["a", 1]]), 'The value of "a" must be', "not number");
  for (const key of [1, null, undefined, {}, ["k"], new ArrayBuffer(3)]) {
    await fails(() => untyped(kv).get(key), "a string or a Uint8Array");
    await fails(() => untyped(kv).set("k", key), "a string or a Uint8Array");
  }
  for (const ttl of [0, -1, 1.5, 2 ** 53, "1"]) {
    await fails(() => untyped(kv).set("k", "v", { ttl }), "ttl");
    await fails(() => untyped(kv).touch("k", { ttl }), "ttl");
  }
  for (const delta of [1.5, 2 ** 53, Number.NaN, "1", 2n ** 63n]) {
    await fails(() => untyped(kv).add("k", delta));
  }
  await fails(() => untyped(kv).stats({ section: "x".repeat(129) }), "129");
  assertEquals(requests.length, 0);
});

test("a number that can't be added to is a RequestError with the server's words", async () => {
  const { kv, run } = await begin();
  await run(kv.set("k", "seven"));
  const error = await assertRejects(() => run(kv.add("k", 1)), RequestError, "not a decimal");
  assertEquals(error.effect, "none");
});

/** A server that answers every request with one status. */
async function answering(status: number): Promise<ServerInWorld> {
  const { requests, replies } = await trafficCiphers(MASTER_KEY, nodeCrypto);
  const real = await makeServer(new WorldClock());
  let count = 0;
  const ask = async (datagram: Uint8Array) => {
    const isQuery = (await requests.open(datagram, NO_ADDITIONAL_DATA)) !== null;
    const frame = new Uint8Array(FRAME_BYTES);
    const outcome = { status: isQuery ? 0 : status, toggles: 0, expiresAtMs: 0, length: 0 };
    frame.fill(0, VALUE_AT);
    writeReply(frame, outcome, 0, datagram, new Uint8Array(16), 0);
    const reply = new Uint8Array(DATAGRAM_BYTES);
    reply[0] = ++count;
    await sealFrame(replies, reply, frame, NO_ADDITIONAL_DATA);
    return reply;
  };
  const deliver: ServerInWorld["deliver"] = (datagram, onReply) => void ask(datagram).then(onReply);
  return { ...real, ask, deliver };
}

test("each refusal has its own error, which reports what was done", async () => {
  const cases = [
    [5, DuplicateError, "DUPLICATE", "unknown"],
    [6, FullError, "FULL", "none"],
    [7, TooLargeError, "TOO_LARGE", "done"],
    [99, ProtocolError, "PROTOCOL", "unknown"],
  ] as const;
  for (const [status, errorClass, code, effect] of cases) {
    const clock = new WorldClock();
    const { client } = await makeClient(clock, makeLink(await answering(status)));
    const call = client.set("k", "v", { timeout: 500 });
    const error = await assertRejects(() => outcome(clock, call), errorClass);
    assertEquals([error.code, error.effect], [code, effect]);
  }
});
