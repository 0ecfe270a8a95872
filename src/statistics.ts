/**
 * The counts of a server, and the lines of STATS that report them.
 * Source: docs/WIRE.md, section 4, «STATS».
 */

import { OPERATION_NAMES } from "./protocol/operations.ts";
import type { Line } from "./section.ts";
import type { StoreCounts } from "./store/store.ts";

/** The most keys of a wire that a server accepts at a time … */
export const MAX_KEYS = 2;
/** … so that with the original wire there are so many counts of keys. */
export const KEY_SLOTS = 2 * MAX_KEYS;

/** Counts since the server started. */
export class Counters {
  /** Operations by code; retransmissions answered from the kept replies are not counted. */
  readonly operations = new Float64Array(OPERATION_NAMES.length);
  /** GET and EXISTS that found their key, and that did not. */
  hits = 0;
  misses = 0;
  /** Operations over the original wire. */
  skvs = 0;
  /** Requests by the slot of the key that they came under … */
  readonly byKey = new Float64Array(KEY_SLOTS);
  /** … and when the last of them came, in ms on the store's clock; NaN for never. */
  readonly keyUsedAtMs = new Float64Array(KEY_SLOTS).fill(Number.NaN);
  /** Requests through the doors for text. */
  line = 0;
  resp = 0;
  /** Requests refused with ERROR. */
  errors = 0;
  datagramsReceived = 0;
  datagramsSent = 0;
  bytesReceived = 0;
  bytesSent = 0;
  /** Dropped without a reply: not 1,024 bytes. */
  droppedForSize = 0;
  /** Dropped without a reply: sealed with another key, for a forgotten epoch, or altered. */
  droppedForAuthentication = 0;
  /** Dropped without a reply: a mutation behind its stream's replay window. */
  droppedForWindow = 0;
  /** Dropped without a reply: too many were being opened (Web Crypto), or waiting for the disk. */
  droppedForLoad = 0;
  /** Mutations seen before, a retransmission or a replay: answered with the kept reply … */
  replaysAnswered = 0;
  /** … or with DUPLICATE, since it was no longer kept. */
  replaysForgotten = 0;
  /** Mutations that the epoch did not admit. */
  fenced = 0;
}

export function operationLines(counters: Counters): Line[] {
  const lines: Line[] = OPERATION_NAMES.map((name, code) => [
    name.toLowerCase(),
    counters.operations[code],
  ]);
  lines.push(["hits", counters.hits], ["misses", counters.misses], ["skvs", counters.skvs]);
  lines.push(["line", counters.line], ["resp", counters.resp]);
  lines.push(["errors", counters.errors]);
  return lines;
}

export function datagramLines(counters: Counters): Line[] {
  return [
    ["received", counters.datagramsReceived],
    ["sent", counters.datagramsSent],
    ["received_bytes", counters.bytesReceived],
    ["sent_bytes", counters.bytesSent],
    ["dropped_size", counters.droppedForSize],
    ["dropped_authentication", counters.droppedForAuthentication],
    ["dropped_window", counters.droppedForWindow],
    ["dropped_load", counters.droppedForLoad],
    ["replays_answered", counters.replaysAnswered],
    ["replays_forgotten", counters.replaysForgotten],
    ["fenced", counters.fenced],
  ];
}

export function storeLines(counts: StoreCounts): Line[] {
  return [
    ["keys", counts.count],
    ["timed_keys", counts.timed],
    ["payload_bytes", counts.payloadBytes],
    ["used_bytes", counts.usedBytes],
    ["limit_bytes", counts.limitBytes],
    ["evictions", counts.evictions],
    ["expirations", counts.expirations],
    ["drops_under_way", counts.drops],
  ];
}
