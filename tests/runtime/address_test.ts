import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../../src/errors.ts";
import { formatAddress, parseAddress, resolveAddress } from "../../src/runtime/address.ts";

test("addresses as people write them", () => {
  const cases: [string, string, number][] = [
    ["10.0.0.5:9000", "10.0.0.5", 9000],
    ["10.0.0.5", "10.0.0.5", 4040],
    ["cache.internal:1", "cache.internal", 1],
    ["localhost", "localhost", 4040],
    ["[::1]:4041", "::1", 4041],
    ["[::1]", "::1", 4040],
    ["::1", "::1", 4040],
    ["127.0.0.1:0", "127.0.0.1", 0],
  ];
  for (const [written, host, port] of cases) {
    assertEquals(parseAddress(written), { host, port }, written);
  }
});

test("an invalid address is refused, with an example", () => {
  const bad = [
    "",
    ":4040",
    "host:",
    "host:x",
    "host:65536",
    "host:-1",
    "[::1",
    "1:2:3",
    "[host]:1",
    "5511",
  ];
  for (const written of bad) {
    assertThrows(() => parseAddress(written), InvalidArgumentError, "127.0.0.1:4040");
  }
});

test("a written address reads back as itself", () => {
  for (const written of ["10.0.0.5:9000", "[::1]:4041", "cache.internal:1"]) {
    assertEquals(formatAddress(parseAddress(written)), written);
  }
});

test("literals stay as they are, names are resolved, and an unknown name is an error", async () => {
  assertEquals(await resolveAddress({ host: "::1", port: 1 }), { host: "::1", port: 1 });
  assertEquals((await resolveAddress({ host: "localhost", port: 1 })).host, "127.0.0.1");
  const unknown = () => resolveAddress({ host: "no-such-host.invalid", port: 1 });
  await assertRejects(unknown, InvalidArgumentError, "no-such-host.invalid");
});
