import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { descriptorLimit, parseLimits } from "../../src/runtime/descriptor_limit.ts";

test("the soft limit of open files is read", () => {
  const lines = [
    "Limit                     Soft Limit           Hard Limit           Units",
    "Max processes             95808                95808                processes",
    "Max open files            100                  4096                 files",
  ];
  assertEquals(parseLimits(lines.join("\n")), 100);
  assertEquals(parseLimits("Max open files  unlimited  unlimited  files"), Infinity);
  assertEquals(parseLimits(""), Infinity);
});

test("this process has a limit, or none", () => {
  assert(descriptorLimit() > 10);
});
