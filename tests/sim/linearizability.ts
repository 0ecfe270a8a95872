/**
 * Checks whether the history of one register, where all written values differ, is linearizable.
 *
 * Each value's write and reads form a zone from the earliest end to the latest start among them. If
 * the earliest end comes first the zone is forward: the value was certainly held throughout.
 * Otherwise it is backward: the value was held at some moment in it. The history is linearizable
 * exactly if no read begins its value's story (ends before its write starts), no two forward zones
 * overlap, and no backward zone lies within a forward one.
 *
 * Source: P. Gibbons, E. Korach, «Testing Shared Memories», SIAM J. Comput. 26 (1997); in terms of
 * zones: W. Golab, X. Li, M. Shah, «Analyzing Consistency Properties for Fun and Profit», PODC 2011.
 */

export interface Write {
  readonly value: string;
  readonly start: number;
  /** Infinity when nobody knows whether it happened. */
  readonly end: number;
}

export interface Read {
  /** The value read; null for the initial state. */
  readonly value: string | null;
  readonly start: number;
  readonly end: number;
}

interface Zone {
  readonly value: string;
  readonly from: number;
  readonly to: number;
}

const INITIAL = "the initial state";

/** What is wrong with a history, or null. Starts and ends are all different, and above 0. */
export function fault(writes: readonly Write[], reads: readonly Read[]): string | null {
  const written = new Map(writes.map((write) => [write.value, write]));
  written.set(INITIAL, { value: INITIAL, start: -1, end: 0 });
  const readsOf = new Map<string, Read[]>();
  for (const read of reads) {
    const value = read.value ?? INITIAL;
    const write = written.get(value);
    if (write === undefined) return `${value} was read and never written`;
    if (read.end < write.start) return `${value} was read before it was written`;
    readsOf.set(value, [...(readsOf.get(value) ?? []), read]);
  }
  const forward: Zone[] = [];
  const backward: Zone[] = [];
  for (const write of written.values()) {
    const ofValue = readsOf.get(write.value) ?? [];
    // A write that nobody saw and that may not have happened proves nothing.
    if (ofValue.length === 0 && write.end === Infinity) continue;
    const firstEnd = Math.min(write.end, ...ofValue.map(({ end }) => end));
    const lastStart = Math.max(write.start, ...ofValue.map(({ start }) => start));
    if (firstEnd < lastStart) forward.push({ value: write.value, from: firstEnd, to: lastStart });
    else backward.push({ value: write.value, from: lastStart, to: firstEnd });
  }
  return overlapOf(forward) ?? containmentOf(backward, forward);
}

function overlapOf(forward: Zone[]): string | null {
  forward.sort((a, b) => a.from - b.from);
  for (let i = 1; i < forward.length; i++) {
    const [before, after] = [forward[i - 1], forward[i]];
    if (after.from < before.to) return `${before.value} and ${after.value} were held at once`;
  }
  return null;
}

/** @param forward sorted, and without overlaps */
function containmentOf(backward: readonly Zone[], forward: readonly Zone[]): string | null {
  for (const inner of backward) {
    const outer = forward.find((zone) => zone.from < inner.from && inner.to < zone.to);
    if (outer !== undefined) return `${inner.value} was held while ${outer.value} was`;
  }
  return null;
}
