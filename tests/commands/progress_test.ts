import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { fit } from "../../src/commands/progress.ts";

test("a line has as many parts, in their order, as there is room for", () => {
  const parts = ["measuring", "95,000/s", "p99 1.234 ms"];
  assertEquals(fit(parts, 80), "measuring  95,000/s  p99 1.234 ms");
  assertEquals(fit(parts, 33), "measuring  95,000/s  p99 1.234 ms");
  assertEquals(fit(parts, 32), "measuring  95,000/s");
  assertEquals(fit(parts, 4), "measuring");
});
