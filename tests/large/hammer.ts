/**
 * Four writers and four readers of large values, on a virtual network that loses and doubles datagrams, with a
 * store too small for all of them, times to live, and servers that are replaced by empty ones. Whatever is
 * read must be, byte for byte, a value that was stored, and none that had been replaced when the read began.
 *
 *     bun tests/large/hammer.ts --operations 100000 --seed 1
 */

import { parseArgs } from "node:util";
import { KilogramError } from "../../src/errors.ts";
import { type LargeValues, largeValues } from "../../src/large/large.ts";
import { bytesOf, numbersOf } from "./numbers.ts";
import { makeClient, makeLink, makeServer, WorldClock } from "../world.ts";

const WRITERS = 4;
const READERS = 4;
const KEYS_OF_WRITER = 6;
const MAX_BYTES = 200_000;
/** The number of a key's version, at the beginning of its value. */
const HEAD_BYTES = 8;
const LOSS = 0.02;
const DOUBLING = 0.02;
const TIMEOUT_MS = 30_000;
/** Operations between two servers. */
const LIFE = 500;
/** A lone datagram's way, in virtual ms, is a tenth: so many steps are enough for all. */
const MAX_STEPS = 50_000_000;

export interface Outcome {
  readonly sets: number;
  readonly hits: number;
  readonly misses: number;
  readonly failures: number;
  readonly servers: number;
  readonly evictions: number;
}

/** What is known of a key, which one writer changes. */
interface Known {
  /** Versions of which a set has begun, and has ended; what was deleted counts as a version, too. */
  begun: number;
  ended: number;
}

/** The only value that a version of a key can have. */
function valueOf(key: number, version: number): Uint8Array {
  const random = numbersOf(key * 1_000_003 + version);
  // Small ones are frequent; some compress well.
  const length = HEAD_BYTES + Math.floor(MAX_BYTES * random() ** 4);
  const value = random() < 0.3 ? new Uint8Array(length).fill(version) : bytesOf(random, length);
  new DataView(value.buffer).setUint32(0, key);
  new DataView(value.buffer).setUint32(4, version);
  return value;
}

/** @throws an Error that tells what was wrong */
export async function hammer(operations: number, seed: number): Promise<Outcome> {
  const random = numbersOf(seed);
  const clock = new WorldClock();
  const link = makeLink(await makeServer(clock));
  link.onRequest = link.onReply = () => {
    const chance = random();
    return chance < LOSS ? 0 : chance < LOSS + DOUBLING ? 2 : 1;
  };
  const clients = await Promise.all(
    Array.from({ length: WRITERS + READERS }, () => makeClient(clock, link)),
  );
  const known: Known[] = Array.from(
    { length: WRITERS * KEYS_OF_WRITER },
    () => ({ begun: 0, ended: 0 }),
  );
  const counts = { sets: 0, hits: 0, misses: 0, failures: 0, servers: 1, evictions: 0 };
  let [done, isOver] = [0, false];
  const problems: string[] = [];

  const write = async (large: LargeValues, writer: number) => {
    const key = writer * KEYS_OF_WRITER + Math.floor(random() * KEYS_OF_WRITER);
    const of = known[key];
    const version = ++of.begun;
    const choice = random();
    if (choice < 0.1) await large.delete(`key:${key}`);
    else if (choice < 0.2) {
      await large.touch(`key:${key}`, { ttl: 1 + Math.floor(random() * 5_000) });
      return;
    } else {
      const ttl = choice < 0.4 ? 1 + Math.floor(random() * 5_000) : undefined;
      await large.set(`key:${key}`, valueOf(key, version), { ttl, overwrite: true });
      counts.sets++;
    }
    of.ended = version;
  };
  const read = async (large: LargeValues) => {
    const key = Math.floor(random() * known.length);
    const { ended } = known[key];
    const value = await large.get(`key:${key}`);
    if (value === undefined) {
      counts.misses++;
      return;
    }
    counts.hits++;
    const version = new DataView(value.buffer, value.byteOffset).getUint32(4);
    const isKnown = version >= ended && version <= known[key].begun;
    const isWhole = Buffer.from(value).equals(valueOf(key, version));
    if (isKnown && isWhole) return;
    problems.push(`key ${key}: version ${version} of ${ended} to ${known[key].begun}, ${isWhole}`);
  };
  const work = async (i: number) => {
    const large = largeValues(clients[i].client.within(TIMEOUT_MS));
    while (done < operations && problems.length === 0) {
      done++;
      if (done % LIFE === 0) {
        // What the world keeps for other tests to look at.
        for (const { requests, replies } of clients) requests.length = replies.length = 0;
        counts.evictions += link.server?.store.evictions ?? 0;
        link.server = await makeServer(clock);
        counts.servers++;
      }
      try {
        await (i < WRITERS ? write(large, i) : read(large));
      } catch (error) {
        if (!(error instanceof KilogramError)) throw error;
        counts.failures++;
      }
    }
  };
  const ended = Promise.all(clients.map((_, i) => work(i))).finally(() => isOver = true);
  for (let step = 0; step < MAX_STEPS && !isOver; step++) await clock.pass(1);
  await ended;
  if (problems.length > 0) throw new Error(`seed ${seed}: ${problems.join("; ")}`);
  return counts;
}

if (process.argv[1]?.endsWith("hammer.ts")) {
  const { values } = parseArgs({
    options: {
      operations: { type: "string", default: "100000" },
      seed: { type: "string", default: "1" },
    },
  });
  console.log(JSON.stringify(await hammer(Number(values.operations), Number(values.seed))));
}
