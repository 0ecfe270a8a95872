/**
 * Which of several servers has a key: rendezvous hashing, with whole numbers alone, so that every
 * language gives the same answer. A server that comes takes keys from all, and one that goes leaves its
 * keys to all; no other key moves.
 * Source: docs/FLEET.md; Thaler and Ravishankar, «Using name-based mappings to increase hit rates»,
 * IEEE/ACM Transactions on Networking 6 (1998); the form is that of Clandestined.
 */

import { equalBytes } from "../bytes.ts";
import { LEASE_PREFIX } from "../remember.ts";
import { PrefixedHashes } from "./murmur3.ts";

/** What decides a server's share of the keys. */
export interface Candidate {
  readonly name: string;
  /** 1 or more: it stands for so many servers. */
  readonly weight: number;
}

const encoder = new TextEncoder();
const lease = encoder.encode(LEASE_PREFIX);

export class Rendezvous {
  /** For each id the place of its server, and the rank of the server's name among all. */
  readonly #places: readonly number[];
  readonly #ranks: readonly number[];
  readonly #hashes: Uint32Array;
  readonly #hashing: PrefixedHashes;

  constructor(candidates: readonly Candidate[]) {
    const byName = candidates.map(({ name }) => name).sort();
    const ids = candidates.flatMap(({ name, weight }, place) =>
      Array.from({ length: weight }, (_, i) => ({ id: idOf(name, i), place, name }))
    );
    this.#places = ids.map(({ place }) => place);
    this.#ranks = ids.map(({ name }) => byName.indexOf(name));
    this.#hashes = new Uint32Array(ids.length);
    this.#hashing = new PrefixedHashes(ids.map(({ id }) => encoder.encode(`${id}-`)));
  }

  /** The place of a key's server among the candidates. @param key 1 to 128 bytes */
  choose(key: Uint8Array): number {
    const hashes = this.#hashes;
    this.#hashing.hash(placedBy(key), hashes);
    let best = 0;
    for (let i = 1; i < hashes.length; i++) {
      if (hashes[i] < hashes[best]) continue;
      if (hashes[i] > hashes[best] || this.#ranks[i] > this.#ranks[best]) best = i;
    }
    return this.#places[best];
  }
}

/** A server of weight 1 has one id, its name; each further one is the name with a number. */
function idOf(name: string, i: number): string {
  return i === 0 ? name : `${name}#${i}`;
}

/** A lease of `remember` lives where its key does, and so does that of a key which looks like a lease. */
function placedBy(key: Uint8Array): Uint8Array {
  let at = 0;
  while (key.length > at + lease.length && equalBytes(key, at, lease, 0, lease.length)) {
    at += lease.length;
  }
  return at === 0 ? key : key.subarray(at);
}
