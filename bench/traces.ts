/** Accesses for comparing hit ratios: which key is read at each step. */

import { randomOf } from "../tests/bytes.ts";
import { Zipf } from "../src/load/zipf.ts";

/** A prime that does not divide the number of keys: neighbours in rank are apart in the store. */
const SPREAD = 15_485_863;

/** The key that is read at a step, below twice the number of keys. */
export type Trace = (step: number) => number;

export const traces: Readonly<Record<string, (keys: number) => Trace>> = {
  "Zipf 0.8": (keys) => zipf(keys, 0.8),
  "Zipf 0.9": (keys) => zipf(keys, 0.9),
  "Zipf 1.0": (keys) => zipf(keys, 1.0),
  "Zipf 1.1": (keys) => zipf(keys, 1.1),
  "Zipf 0.9 with scans": withScans,
  "Zipf 0.9, shifting": (keys) => shifting(keys, 32),
  "Zipf 0.9, shifting fast": (keys) => shifting(keys, 8),
  "a working set that jumps": jumping,
};

const scatter = (rank: number, keys: number) => (rank * SPREAD) % keys;

function zipf(keys: number, s: number): Trace {
  const ranks = new Zipf(keys, s, randomOf(11));
  return () => scatter(ranks.next(), keys);
}

/** A period of accesses by Zipf's law, then half as many to keys in a row, each read rarely. */
function withScans(keys: number): Trace {
  const period = keys / 10;
  const hot = zipf(keys, 0.9);
  let scanned = 0;
  return (step) => (step % (period * 1.5) < period ? hot(step) : keys + (scanned++ % keys));
}

/** After every period of accesses, the most frequent keys move on by one. */
function shifting(keys: number, period: number): Trace {
  const ranks = new Zipf(keys, 0.9, randomOf(12));
  return (step) => scatter((ranks.next() + Math.floor(step / period)) % keys, keys);
}

/** A twentieth of the keys, all as frequent; others after as many accesses as there are keys. */
function jumping(keys: number): Trace {
  const random = randomOf(13);
  const set = keys / 20;
  return (step) => scatter(Math.floor(step / keys) * set + Math.floor(random() * set), keys);
}
