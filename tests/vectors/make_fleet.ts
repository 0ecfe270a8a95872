/**
 * Makes the vectors of docs/FLEET.md. They were made once, and change only if keys are to move:
 *
 *     bun tests/vectors/make_fleet.ts > tests/vectors/fleet1.json
 */

import { Buffer } from "node:buffer";
import { murmur3 } from "../../src/fleet/murmur3.ts";
import { type Candidate, Rendezvous } from "../../src/fleet/rendezvous.ts";

const texts = ["", "a", "ab", "abc", "abcd", "6666", "0-ok", "cache-1-session:42", "ключ"];
const longest = Buffer.from(Array.from({ length: 128 }, (_, i) => 255 - i));
const keys = [
  ...[
    "a",
    "ok",
    "wat",
    "session:42",
    "user:1",
    "ключ",
    "lease:",
    "lease:user:1",
    "lease:lease:user:1",
    "lease:lease:",
    "\0",
  ].map((key) => Buffer.from(key)),
  ...Array.from({ length: 40 }, (_, i) => Buffer.from(`key:${i}`)),
  longest,
  longest.subarray(0, 127),
];
const fleets: Candidate[][] = [
  [{ name: "only", weight: 3 }],
  ["0", "1", "2"].map((name) => ({ name, weight: 1 })),
  [{ name: "cache-1", weight: 1 }, { name: "cache-2", weight: 2 }, { name: "cache-10", weight: 5 }],
  Array.from({ length: 10 }, (_, i) => ({ name: `node.${i}_x`, weight: 1 + i % 3 })),
];

const vectors = {
  about:
    "Vectors of docs/FLEET.md: MurmurHash3 of texts, and the servers of keys, which are in hex.",
  hashes: texts.map((text) => ({ text, hash: murmur3(Buffer.from(text)) })),
  fleets: fleets.map((servers) => {
    const rendezvous = new Rendezvous(servers);
    return {
      servers,
      keys: keys.map((key) => ({
        key: key.toString("hex"),
        server: servers[rendezvous.choose(key)].name,
      })),
    };
  }),
};
process.stdout.write(`${JSON.stringify(vectors, null, 2)}\n`);
