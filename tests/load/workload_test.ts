import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Calls } from "../../src/client.ts";
import { Requests, type Workload } from "../../src/load/workload.ts";
import { randomOf } from "../bytes.ts";

const WORKLOAD: Workload = {
  prefix: "bench:7f3a9c2e:",
  keys: 1_000,
  readShare: 0.9,
  zipf: 0,
  valueBytes: 40,
  ttlMs: undefined,
};
const decoder = new TextDecoder();

/** Notes the requests; keys with an even number exist. */
class Recorder {
  readonly reads: string[] = [];
  readonly writes: { key: string; bytes: number; options: unknown }[] = [];

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const name = decoder.decode(key);
    this.reads.push(name);
    return Promise.resolve(Number(name.at(-1)) % 2 === 0 ? key : undefined);
  }

  set(key: Uint8Array, value: Uint8Array, options: unknown): Promise<unknown> {
    this.writes.push({ key: decoder.decode(key), bytes: value.length, options });
    return Promise.resolve({ stored: true });
  }

  get kv(): Calls<true> {
    return this as unknown as Calls<true>;
  }
}

async function draw(workload: Workload, count: number) {
  const recorder = new Recorder();
  const requests = new Requests(workload, randomOf(1));
  const kinds = { hit: 0, miss: 0, set: 0 };
  for (let i = 0; i < count; i++) {
    kinds[await requests.perform(recorder.kv, requests.drawIsRead())]++;
  }
  return { recorder, kinds };
}

test("the share of reads, the reads that found a value, and values of the size asked for", async () => {
  const { recorder, kinds } = await draw(WORKLOAD, 10_000);
  assert(Math.abs(kinds.set - 1_000) < 150, `${kinds.set} writes`);
  assert(Math.abs(kinds.hit - kinds.miss) < 500, `${kinds.hit} hits, ${kinds.miss} misses`);
  assertEquals(recorder.reads.length, kinds.hit + kinds.miss);
  assertEquals(recorder.writes.length, kinds.set);
  assertEquals(new Set(recorder.writes.map(({ bytes }) => bytes)), new Set([40]));
  assertEquals(recorder.writes[0].options, { overwrite: true, ttl: undefined });
});

test("keys under the prefix, all of them and no others", async () => {
  const { recorder } = await draw({ ...WORKLOAD, readShare: 1 }, 20_000);
  const keys = [...new Set(recorder.reads)].sort();
  assertEquals(keys.length, 1_000);
  assertEquals([keys[0], keys[999]], ["bench:7f3a9c2e:000000000", "bench:7f3a9c2e:000000999"]);
});

test("by Zipf's law the first key is by far the most frequent", async () => {
  const { recorder } = await draw({ ...WORKLOAD, readShare: 1, zipf: 1 }, 10_000);
  const first = recorder.reads.filter((key) => key === "bench:7f3a9c2e:000000000").length;
  // 1 / (1 + 1/2 + … + 1/1000) = 0.134
  assert(Math.abs(first - 1_336) < 150, `${first} of 10,000`);
});
