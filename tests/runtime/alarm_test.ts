import { createSocket } from "node:dgram";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { makeAlarm } from "../../src/runtime/alarm.ts";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("an alarm rings once, not before its time, and not after it was cleared", async () => {
  const rungAtMs: number[] = [];
  const alarm = makeAlarm(() => rungAtMs.push(performance.now()));
  const startedAtMs = performance.now();
  alarm.set(500);
  alarm.set(20);
  while (rungAtMs.length === 0) await wait(5);
  assert(rungAtMs[0] - startedAtMs > 18);
  alarm.set(1);
  alarm.clear();
  await wait(20);
  assertEquals(rungAtMs.length, 1);
});

test("what came while the process was busy is taken in before the alarm rings", async () => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  let order: string[] = [];
  socket.on("message", () => order.push("datagram"));
  const alarm = makeAlarm(() => order.push("alarm"));
  // A datagram may be late or lost, but hardly 20 of them.
  for (let attempt = 0; attempt < 20 && order.join() !== "datagram,alarm"; attempt++) {
    order = [];
    alarm.set(5);
    await new Promise((resolve) => socket.send("x", socket.address().port, "127.0.0.1", resolve));
    for (const startedAtMs = performance.now(); performance.now() < startedAtMs + 20;);
    for (let ms = 0; ms < 100 && order.length < 2; ms += 5) await wait(5);
  }
  socket.close();
  assertEquals(order, ["datagram", "alarm"]);
});
