import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Call } from "../../src/protocol/call.ts";
import { CallLine } from "../../src/protocol/call_line.ts";
import { Operation } from "../../src/protocol/frame.ts";
import { randomOf } from "../bytes.ts";

let calls = 0;

function makeCall(): Call {
  const bytes = new Uint8Array(0);
  const request = { operation: Operation.GET, toggles: 0, key: bytes, value: bytes, ttlMs: 0 };
  return new Call(request, { timeoutMs: 1 }, ++calls, { settle() {}, fail() {} });
}

test("calls leave a line from any place, and the line stays in order", () => {
  const random = randomOf(5);
  const line = new CallLine<Call>();
  let model: Call[] = [];
  for (let i = 0; i < 2_000; i++) {
    if (model.length === 0 || random() < 0.5) {
      const call = makeCall();
      line.add(call);
      model.push(call);
    } else {
      const call = model[Math.floor(random() * model.length)];
      line.delete(call);
      model = model.filter((each) => each !== call);
    }
    assertEquals(line.size, model.length);
    assertEquals(line.first === (model[0] ?? null), true);
  }
  assertEquals(
    [...line].map(({ startedAtMs }) => startedAtMs),
    model.map(({ startedAtMs }) => startedAtMs),
  );
});

test("a call of another line stays where it is", () => {
  const [here, there] = [new CallLine<Call>(), new CallLine<Call>()];
  const call = makeCall();
  there.add(call);
  here.delete(call);
  assertEquals([here.size, there.size], [0, 1]);
});
