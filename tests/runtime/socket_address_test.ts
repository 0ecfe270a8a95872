import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { socketAddress } from "../../src/runtime/socket_address.ts";

test("an IPv4 address as a struct sockaddr_in", () => {
  const bytes = socketAddress({ host: "192.0.2.7", port: 4040 });
  assertEquals([...bytes], [2, 0, 0x0f, 0xc8, 192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test("an IPv6 address as a struct sockaddr_in6", () => {
  const bytes = socketAddress({ host: "2001:db8::1", port: 4040 });
  const address = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  assertEquals([...bytes], [10, 0, 0x0f, 0xc8, 0, 0, 0, 0, ...address, 0, 0, 0, 0]);
});

test("the zone of an IPv6 address is a number, the name of an interface, or unknown", () => {
  const scopeOf = (zone: string) => [
    ...socketAddress({ host: `fe80::1%${zone}`, port: 1 }).subarray(24),
  ];
  assertEquals(scopeOf("258"), [2, 1, 0, 0]);
  assertEquals(scopeOf("no-such-interface"), [0, 0, 0, 0]);
});
