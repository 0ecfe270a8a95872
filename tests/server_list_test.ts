import { test } from "node:test";
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { InvalidArgumentError } from "../src/errors.ts";
import { MAX_SERVERS, MAX_WEIGHTS, parseServerList } from "../src/server_list.ts";

const seen = (list: string | readonly string[]) =>
  parseServerList(list).map(({ name, address, text, weight }) => ({
    name,
    to: `${address.host} ${address.port}`,
    text,
    weight,
  }));

test("a server, with and without a name, a port and a weight", () => {
  assertEquals(seen("10.0.0.1:5000"), [
    { name: undefined, to: "10.0.0.1 5000", text: "10.0.0.1:5000", weight: 1 },
  ]);
  assertEquals(seen("cache-1=[::1]:4040*3"), [
    { name: "cache-1", to: "::1 4040", text: "[::1]:4040", weight: 3 },
  ]);
  assertEquals(seen("a=cache.example"), [
    { name: "a", to: "cache.example 4040", text: "cache.example:4040", weight: 1 },
  ]);
});

test("a list, as text or as an array, with blanks and a comma at the end", () => {
  const expected = [
    { name: "a", to: "10.0.0.1 4040", text: "10.0.0.1:4040", weight: 1 },
    { name: "b", to: "10.0.0.2 4040", text: "10.0.0.2:4040", weight: 2 },
  ];
  assertEquals(seen("a=10.0.0.1,b=10.0.0.2*2"), expected);
  assertEquals(seen(" a=10.0.0.1 , b=10.0.0.2*2,"), expected);
  assertEquals(seen(["a=10.0.0.1", "b=10.0.0.2*2"]), expected);
});

test("of servers that all have the same keys none needs a name", () => {
  const texts = parseServerList("10.0.0.1,b=10.0.0.2", "any").map(({ text }) => text);
  assertEquals(texts, ["10.0.0.1:4040", "10.0.0.2:4040"]);
  assertThrows(
    () => parseServerList("10.0.0.1,10.0.0.1:4040", "any"),
    InvalidArgumentError,
    "twice",
  );
});

test("what is wrong with a list is said", () => {
  const many = (count: number, weight = 1) =>
    Array.from({ length: count }, (_, i) => `n${i}=10.0.0.${i}*${weight}`);
  const cases: [unknown, RegExp][] = [
    ["", /empty/],
    [[], /empty/],
    ["a=1.2.3.4,5.6.7.8", /"5\.6\.7\.8:4040" needs a name among several/],
    ["a=1.2.3.4,b=5.6.7.8,a=9.9.9.9", /"a" comes twice/],
    ["a=1.2.3.4,b=1.2.3.4:4040", /address "1\.2\.3\.4:4040" comes twice/],
    ["A=1.2.3.4", /"A" is not a server's name/],
    ["=1.2.3.4", /"" is not a server's name/],
    ["a=1.2.3.4*", /weight/],
    ["a=1.2.3.4*1.5", /weight/],
    ["a=1.2.3.4*101", /weight is a whole number of 1 to 100/],
    ["a=1.2.3.4:0", /port 0/],
    ["a=", /not an address/],
    ["a=b=c", /not a/],
    [many(MAX_SERVERS + 1), /at most 100 servers/],
    [many(MAX_WEIGHTS / 100 + 1, 100), /at most 1000/],
    [42, /as text/],
    [[42], /as text/],
  ];
  for (const [list, expected] of cases) {
    const error = assertThrows(() => parseServerList(list as string), InvalidArgumentError);
    assertMatch(error.message, expected);
  }
  parseServerList(many(MAX_SERVERS));
  parseServerList(many(MAX_WEIGHTS / 100, 100));
});

test("any text is a list or an InvalidArgumentError", () => {
  const letters = fc.constantFrom(..."a1=,*:[].- \n#é");
  fc.assert(fc.property(fc.array(letters, { maxLength: 30 }), (text) => {
    try {
      for (const { weight } of parseServerList(text.join(""))) assertEquals(weight >= 1, true);
    } catch (error) {
      assertEquals(error instanceof InvalidArgumentError, true, String(error));
    }
  }));
});
