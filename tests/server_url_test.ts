import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../src/errors.ts";
import { parseServerList } from "../src/server_list.ts";
import { readServerUrl } from "../src/server_url.ts";

test("a URL has a list and what its servers are", () => {
  assertEquals(readServerUrl("kg://cache:4040").servers, "cache:4040");
  const list = "a=10.0.0.1:4040,b=[::1]:4040*2";
  for (const url of [`kg://${list}`, `KG://${list}/`, `kg://${list}?`]) {
    assertEquals(readServerUrl(url), { servers: list, spread: undefined, onDown: undefined });
  }
  assertEquals(readServerUrl(`kg://${list}?onDown=miss&spread=any`), {
    servers: list,
    spread: "any",
    onDown: "miss",
  });
  assertEquals(readServerUrl("10.0.0.1"), { servers: "10.0.0.1" });
  assertEquals(readServerUrl(["kg", "a"]), { servers: ["kg", "a"] });
});

test("a list may be a URL, which must not say another spread", () => {
  const names = (text: string) => parseServerList(text).map(({ name }) => name);
  assertEquals(names("kg://a=10.0.0.1,b=10.0.0.2"), ["a", "b"]);
  assertEquals(parseServerList("kg://10.0.0.1,10.0.0.2?spread=any", "any").length, 2);
  assertEquals(parseServerList("kg://10.0.0.1,10.0.0.2?spread=any").length, 2);
  const wrong = () => parseServerList("kg://10.0.0.1,10.0.0.2?spread=any", "keys");
  assertThrows(wrong, InvalidArgumentError, "says spread=any, but here it is keys");
  assertThrows(() => parseServerList("kg://"), InvalidArgumentError, "empty");
  assertThrows(
    () => parseServerList("kg://10.0.0.1,10.0.0.2"),
    InvalidArgumentError,
    "needs a name",
  );
});

test("a URL with a secret, or with what it can't have, is refused, and no secret is told", () => {
  const secret = "S3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3tA=";
  const noKey = /has no user, password or key in it/;
  const cases: [string, RegExp][] = [
    [`kg://${secret}@cache:4040`, noKey],
    [`kg://user:${secret}@cache:4040`, noKey],
    [`kg://cache:4040?key=${secret}`, noKey],
    [`kg://cache:4040?KG_KEY=${secret}`, noKey],
    [`kg://cache:4040?password=${secret}`, noKey],
    [`kg://cache:4040?${secret}`, /has no such option; it has spread and onDown/],
    [`kg://cache:4040/${secret}`, /without a path/],
    [`kg://cache:4040#${secret}`, /without a path/],
    [`${secret}@cache:4040`, noKey],
    [`redis://:${secret}@cache:4040`, noKey],
    ["kg://cache?timeout=5", /has no option "timeout"; it has spread and onDown/],
    ["kg://cache?spread=all", /spread is "all"; it must be "keys" or "any"/],
    ["kg://cache?onDown=", /onDown is ""; it must be "error" or "miss"/],
    ["kg://cache?onDown=miss&onDown=miss", /comes twice/],
    ["kg://cache?ondown=miss", /no option "ondown"/],
  ];
  const hex = "5ec4e7".repeat(11).slice(2);
  for (const text of [hex, `kg://${hex}`, `a=${hex.toUpperCase()}:4040`]) cases.push([text, noKey]);
  assertEquals(parseServerList(`${hex}=cache`)[0].name, hex);
  for (const [url, expected] of cases) {
    const error = assertThrows(() => parseServerList(url), InvalidArgumentError);
    assertMatch(error.message, expected);
    assert(!error.message.includes(secret.slice(0, 12)), error.message);
  }
});
