import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { outcome } from "../../src/backends/fills.ts";
import { KeyOrder } from "../../src/backends/kilogram/key_order.ts";
import { type Done, LaterExecutor, unknown } from "../../src/backends/later_executor.ts";
import { ScanPlaces } from "../../src/backends/scan_places.ts";
import { Job, NO_STREAM } from "../../src/execute/executor.ts";
import { Result } from "../../src/store/store.ts";
import { randomOf } from "../bytes.ts";
import { promisesRun } from "../virtual_clock.ts";

/** Ends a job when the test says so, or at once. */
class Held extends LaterExecutor {
  readonly sections = new Map();
  readonly outage = null;
  readonly counts = { keys: 0, usedBytes: 0, limitBytes: 0 } as never;
  readonly begun: Done[] = [];
  isAtOnce = false;

  protected begin(_: Job, done: Done): void {
    if (this.isAtOnce) done(outcome(Result.DONE));
    else this.begun.push(done);
  }
}

function jobOf(stream: number): Job {
  return Object.assign(new Job(), { stream });
}

test("jobs of one stream are handed back in their order, others when they are done", () => {
  const executor = new Held();
  const back: string[] = [];
  const execute = (name: string, stream: number) =>
    executor.execute(jobOf(stream), () => back.push(name));
  for (const name of ["a", "b", "c"]) assertEquals(execute(name, 7), false);
  assertEquals(execute("other", 8), false);
  assertEquals(execute("read", NO_STREAM), false);
  const [a, b, c, other, read] = executor.begun;
  c(outcome(Result.DONE));
  b(unknown("it is gone"));
  assertEquals(back, []);
  read(outcome(Result.MISSING));
  other(outcome(Result.DONE));
  assertEquals(back, ["read", "other"]);
  assertEquals(executor.underWay, 1);
  a(outcome(Result.DONE));
  assertEquals(back, ["read", "other", "a", "b", "c"]);
  assertEquals(executor.underWay, 0);
});

test("a job that is done at once still waits for an earlier one of its stream", () => {
  const executor = new Held();
  const back: string[] = [];
  executor.execute(jobOf(7), () => back.push("first"));
  executor.isAtOnce = true;
  const second = jobOf(7);
  assertEquals(executor.execute(second, () => back.push("second")), false);
  const alone = jobOf(9);
  assertEquals(executor.execute(alone, () => back.push("never")), true);
  assertEquals(alone.result, Result.DONE);
  executor.begun[0](outcome(Result.DONE));
  assertEquals(back, ["first", "second"]);
  assertEquals(second.result, Result.DONE);
});

test("beyond the bound a job is answered at once, and nothing is done", () => {
  const executor = new Held();
  for (let i = 0; i < 65_536; i++) executor.execute(new Job(), () => {});
  const job = new Job();
  assertEquals(executor.execute(job, () => {}), true);
  assertEquals(job.result, Result.UNAVAILABLE);
  assertEquals(executor.begun.length, 65_536);
  executor.begun[0](outcome(Result.DONE));
  assertEquals(executor.execute(new Job(), () => {}), false);
});

test("a bound of bytes holds, also for those who do not wait; and draining ends what is under way", async () => {
  const executor = new Held();
  const big = () => {
    const job = jobOf(NO_STREAM);
    Object.assign(job.value, { bytes: new Uint8Array(1), length: 1024 * 1024 });
    return job;
  };
  const jobs = Array.from({ length: 65 }, big);
  const isLater = jobs.map((job) => !executor.execute(job, () => {}));
  assertEquals([isLater.filter((each) => each).length, jobs[64].result], [64, Result.UNAVAILABLE]);
  executor.begun[0](outcome(Result.DONE));
  assertEquals(executor.execute(big(), () => {}), false);
  let isDrained = false;
  const drained = executor.drain().then(() => isDrained = true);
  const late = jobOf(NO_STREAM);
  assertEquals(executor.execute(late, () => {}), true);
  assertEquals([late.result, late.problem], [Result.UNAVAILABLE, "this server stops"]);
  for (const done of executor.begun.slice(1)) {
    await promisesRun();
    assertEquals(isDrained, false);
    done(outcome(Result.DONE));
  }
  await drained;
});

test("reads of a key go together, each change by itself, and other keys do not wait", async () => {
  const order = new KeyOrder();
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (key: string, isChange: boolean, name: string) =>
    order.add(key, isChange, () => {
      log.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await promisesRun();
  };
  add("k", false, "read 1");
  add("k", false, "read 2");
  add("k", true, "change 1");
  add("k", false, "read 3");
  add("k", true, "change 2");
  add("other", true, "other");
  assertEquals(log, ["read 1", "read 2", "other"]);
  await end("read 2");
  assertEquals(log.length, 3);
  await end("read 1");
  assertEquals(log.at(-1), "change 1");
  await end("change 1");
  assertEquals(log.at(-1), "read 3");
  await end("read 3");
  assertEquals(log.at(-1), "change 2");
  await end("change 2");
  add("k", true, "change 3");
  assertEquals(log.at(-1), "change 3");
});

test("places of walks stay for a repeated page, and the oldest are forgotten", () => {
  const places = new ScanPlaces<number>(randomOf(5));
  const cursors = Array.from({ length: 5_000 }, (_, i) => places.add(i, 10));
  assert(cursors.every((cursor) => Number.isSafeInteger(cursor) && cursor > 0));
  assertEquals(places.find(cursors[4_999]), 4_999);
  assertEquals(places.find(cursors[4_999]), 4_999);
  assertEquals(places.find(cursors[5_000 - 4_096]), 5_000 - 4_096);
  assertEquals(places.find(cursors[5_000 - 4_097]), undefined);
  const large = [0, 1, 2].map((i) => places.add(i, 8_000_000));
  assertEquals(large.map((cursor) => places.find(cursor)), [undefined, 1, 2], "16 MiB are held");
});
