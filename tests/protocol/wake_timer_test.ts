import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { type Alarm, WakeTimer } from "../../src/protocol/wake_timer.ts";

/** A timer with an alarm that notes its calls. */
function begin() {
  const told: string[] = [];
  let nowMs = 100;
  let ring = () => {};
  const makeAlarm = (onRing: () => void): Alarm => {
    ring = onRing;
    return {
      set: (delayMs) => told.push(`set ${delayMs}`),
      clear: () => told.push("clear"),
      keepAlive: (isWanted) => told.push(isWanted ? "keep" : "let go"),
    };
  };
  const timer = new WakeTimer(makeAlarm, () => nowMs, () => told.push("woken"));
  const passTo = (ms: number) => {
    nowMs = ms;
    ring();
  };
  return { timer, told, passTo };
}

test("the alarm is set for the earliest time, and not again for later ones", () => {
  const { timer, told } = begin();
  for (const atMs of [150, 160, 150, 120, 130, Infinity]) timer.wakeBy(atMs);
  assertEquals(told, ["set 50", "set 20"]);
});

test("at rest the alarm stays set, and keeps nothing alive until there is something again", () => {
  const { timer, told } = begin();
  timer.wakeBy(150);
  timer.rest();
  timer.rest();
  timer.wakeBy(Infinity);
  assertEquals(told, ["set 50", "let go"]);
  timer.wakeBy(170);
  assertEquals(told.slice(2), ["keep"], "the alarm that is set rings earlier");
});

test("when it has rung at rest, the next time is set and kept alive", () => {
  const { timer, told, passTo } = begin();
  timer.wakeBy(150);
  timer.rest();
  passTo(150);
  timer.wakeBy(180);
  assertEquals(told, ["set 50", "let go", "woken", "keep", "set 30"]);
  timer.stop();
  assertEquals(told.at(-1), "clear");
});
