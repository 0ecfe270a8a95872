import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { nearest } from "../../src/nearest.ts";

test("the nearest name is two letters away at most", () => {
  const names = ["get", "set", "overwrite", "timeout"];
  assertEquals(nearest("gte", names), "get");
  assertEquals(nearest("overwite", names), "overwrite");
  assertEquals(nearest("timout", names), "timeout");
  assertEquals(nearest("time", names), undefined);
  assertEquals(nearest("e", names), undefined, "a letter is near to every short name");
});
