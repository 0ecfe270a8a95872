/**
 * Deliberate breaks of the code, for the simulator alone: each takes away one of the things that
 * the promise of «once» rests on, by replacing a method while a simulation runs.
 */

import { writeU32 } from "../../src/bytes.ts";
import { SETTLED } from "../../src/execute/executor.ts";
import { JournalExecutor } from "../../src/journal/journal_executor.ts";
import { Exchange } from "../../src/protocol/exchange.ts";
import { Fence, Verdict } from "../../src/protocol/fence.ts";
import { Status } from "../../src/protocol/frame.ts";
import { KeptReplies } from "../../src/protocol/kept_replies.ts";
import { KnownEpoch, Standing } from "../../src/protocol/known_epoch.ts";
import { MutationOrder } from "../../src/protocol/mutation_order.ts";
import { ReplayWindow, Sighting } from "../../src/protocol/replay_window.ts";
import { NonceStream, sequenceOf } from "../../src/protocol/nonces.ts";
import { Transmission } from "../../src/protocol/transmission.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { Server } from "../../src/server.ts";
import type { MakeWire } from "../../src/turn.ts";
import { Drops } from "../../src/store/drops.ts";
import { Holds } from "../../src/store/holds.ts";
import { IndexPages } from "../../src/store/index_pages.ts";
import { LogStore } from "../../src/store/log_store.ts";
import { Values } from "../../src/store/values.ts";
import { Versions } from "../../src/store/versions.ts";

/** Breaks something, and returns a function that restores it. */
type Break = () => () => void;

/** Replaces a method of a class. */
function replace<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  change: (original: T[K]) => T[K],
): () => void {
  const original = prototype[name];
  prototype[name] = change(original);
  return () => {
    prototype[name] = original;
  };
}

export const BREAKS: Readonly<Record<string, Break>> = {
  "no replay window": () => replace(ReplayWindow.prototype, "mark", () => () => Sighting.NEW),

  "replies not matched to their request": () =>
    replace(Transmission.prototype, "isAnsweredBy", () =>
      function (this: Transmission) {
        return this.copies > 0;
      }),

  "sealed anew on any other boot id": () =>
    replace(
      KnownEpoch.prototype,
      "standingOf",
      (original) =>
        function (this: KnownEpoch, sealedUnder) {
          if (this.epoch !== null && !this.epoch.isBootOf(sealedUnder)) return Standing.RENEW;
          return original.call(this, sealedUnder);
        },
    ),

  "only what succeeded is marked": markOnlySuccess,

  "a new stream entered after the turn instead of before": () =>
    replace(Fence.prototype, "admit", (original) =>
      function (this: Fence, datagram, epoch, nowMs) {
        const verdict = original.call(this, datagram, epoch, nowMs);
        const isTurned = epoch !== this.epoch && epoch === this.previousEpoch;
        const isNew = verdict === Verdict.FENCE && isTurned && this.streams === 0;
        return isNew ? original.call(this, datagram, this.epoch, nowMs) : verdict;
      }),

  "no jump past an abandoned sequence": () =>
    replace(MutationOrder.prototype, "abandon", () => () => {}),

  "a reused nonce": () =>
    replace(NonceStream.prototype, "take", (original) =>
      function (this: NonceStream, datagram) {
        original.call(this, datagram);
        const sequence = sequenceOf(datagram);
        if (sequence % 1_000 === 0) writeU32(datagram, 8, sequence - 1);
      }),

  "telling what is not settled": () =>
    replace(
      JournalExecutor.prototype,
      "execute",
      (original) =>
        function (this: JournalExecutor, job, resume) {
          const isDone = original.call(this, job, resume);
          job.settlesWith = SETTLED;
          return isDone;
        },
    ),

  "IF_EQUAL that does not compare": () =>
    replace(
      LogStore.prototype,
      "setIfEqual",
      () =>
        function (this: LogStore, key, _, value, expiresAtMs, found) {
          return LogStore.prototype.set.call(this, key, value, expiresAtMs, true, found);
        },
    ),

  "no kept replies": () => replace(KeptReplies.prototype, "find", () => () => false),

  "readers tell what is not settled": () => {
    const mends = [
      replace(Holds.prototype, "hold", () => () => {}),
      replace(Holds.prototype, "release", () => () => {}),
    ];
    return () => mendAll(mends);
  },
};

/** Breaks of how readers read, for the interleaving of a reader and a writer. */
export const READER_BREAKS: Readonly<Record<string, Break>> = {
  "a version not raised by the cleaner": () => unversioned(Values.prototype, "move"),
  "a version not raised by a page that moves": () =>
    unversioned(IndexPages.prototype, "removeLast"),
  "a version not raised by a rewrite in place": () => unversioned(LogStore.prototype, "set", 1),
  "a version not raised by a drop that takes another's place": () =>
    unversioned(Drops.prototype, "add", 1),
  "readers that do not look for drops": () =>
    replace(Drops.prototype, "cover", (original) =>
      function (this: Drops, address, header) {
        // The writer's calls leave the header out, or are within its own operations.
        return header === undefined && original.call(this, address);
      }),
};

/** Breaks of what holds between servers. */
export const FLEET_BREAKS: Readonly<Record<string, Break>> = {
  "names left out of the derivation of keys": () =>
    replace(
      nodeCrypto,
      "deriveKey",
      (original) => (masterKey, info) => original(masterKey, info.split(" ").slice(0, 2).join(" ")),
    ),

  "a key that was given up is still accepted": () => {
    const all = new WeakMap<Server, readonly MakeWire[]>();
    return replace(Server.prototype, "setWires", (original) =>
      function (this: Server, wires) {
        const more = [...wires, ...(all.get(this) ?? []).slice(-1)];
        all.set(this, wires);
        original.call(this, more);
      });
  },

  "a server that is down is not looked for": () =>
    replace(Exchange.prototype, "probe", () => () => {}),
};

function mendAll(mends: readonly (() => void)[]): void {
  for (const mend of mends) mend();
}

/** Within a method, the first changes that begin do not raise the version of their partition. */
function unversioned<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  count = Number.POSITIVE_INFINITY,
): () => void {
  let left = 0;
  const mends = [
    replace(Versions.prototype, "begin", (original) =>
      function (this: Versions, partition) {
        return left-- > 0 ? false : original.call(this, partition);
      }),
    replace(prototype, name, (original) =>
      function (this: T, ...args: unknown[]) {
        left = count;
        const result = (original as (...args: unknown[]) => unknown).apply(this, args);
        left = 0;
        return result;
      } as T[K]),
  ];
  return () => mendAll(mends);
}

/** A mutation answered with anything except OK counts as never seen. */
function markOnlySuccess(): () => void {
  const unmarked = new WeakMap<ReplayWindow, Set<number>>();
  let latest: { window: ReplayWindow; sequence: number } | null = null;
  const mends = [
    replace(ReplayWindow.prototype, "look", (original) =>
      function (this: ReplayWindow, sequence) {
        if (unmarked.get(this)?.has(sequence)) return Sighting.NEW;
        return original.call(this, sequence);
      }),
    replace(ReplayWindow.prototype, "mark", (original) =>
      function (this: ReplayWindow, sequence) {
        latest = { window: this, sequence };
        const sighting = original.call(this, sequence);
        unmarked.get(this)?.delete(sequence);
        return sighting;
      }),
    replace(
      KeptReplies.prototype,
      "keep",
      (original) =>
        function (this: KeptReplies, datagram, outcome, frame, isHeld) {
          if (outcome.status === Status.OK) {
            return original.call(this, datagram, outcome, frame, isHeld);
          }
          if (latest === null) return 0;
          const sequences = unmarked.get(latest.window) ?? new Set();
          unmarked.set(latest.window, sequences.add(latest.sequence));
          return 0;
        },
    ),
  ];
  return () => mendAll(mends);
}
