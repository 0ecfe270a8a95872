/** One signal for many listeners. */

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { onAbort } from "../../src/protocol/aborts.ts";

test("a signal gets one listener, however many calls it ends, and tells those that still want to know", () => {
  const controller = new AbortController();
  const { signal } = controller;
  let added = 0;
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    added++;
    add(...args);
  };
  const told: number[] = [];
  const forget = [0, 1, 2, 3].map((i) =>
    onAbort(signal, () => {
      told.push(i);
      // An end may be the end of others.
      forget[2]();
    })
  );
  forget[0]();
  assertEquals(added, 1);
  controller.abort();
  assertEquals(told, [1, 3]);
});
