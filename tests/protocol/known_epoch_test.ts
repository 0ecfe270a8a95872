import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { writeU64 } from "../../src/bytes.ts";
import { FRAME_BYTES } from "../../src/protocol/datagram.ts";
import type { Epoch } from "../../src/protocol/epoch.ts";
import { META_BYTES, META_EPOCH_AT, ReplyToggle, writeHead } from "../../src/protocol/frame.ts";
import { KnownEpoch, Standing } from "../../src/protocol/known_epoch.ts";

function reply(boot: number, generation: number, isFresh = true): Uint8Array {
  const frame = new Uint8Array(FRAME_BYTES);
  writeHead(frame, 0, isFresh ? ReplyToggle.FRESH : 0, META_BYTES, 0);
  frame.fill(boot, META_EPOCH_AT, META_EPOCH_AT + 8);
  writeU64(frame, META_EPOCH_AT + 8, generation);
  return frame;
}

function known(epochs: KnownEpoch): Epoch {
  assert(epochs.epoch !== null);
  return epochs.epoch;
}

test("the first reply brings the epoch", () => {
  const epochs = new KnownEpoch();
  assertEquals(epochs.epoch, null);
  assert(epochs.learn(reply(1, 5), 1, 1));
  assertEquals(known(epochs).generation, 5);
  assert(!epochs.learn(reply(1, 5), 2, 2), "the same epoch again is not new");
});

test("within a boot id generations only rise", () => {
  const epochs = new KnownEpoch();
  epochs.learn(reply(1, 5), 1, 1);
  assert(!epochs.learn(reply(1, 4), 2, 2));
  assertEquals(known(epochs).generation, 5);
  assert(epochs.learn(reply(1, 7), 1, 3));
  assertEquals(known(epochs).generation, 7);
});

test("another boot id is taken only from a request first sent after the present one was", () => {
  const epochs = new KnownEpoch();
  epochs.learn(reply(1, 0), 3, 4);
  assert(!epochs.learn(reply(2, 0), 4, 4), "sent before");
  assert(epochs.learn(reply(2, 0), 5, 6), "sent after");
  assert(!epochs.learn(reply(1, 9), 6, 6), "a late reply brings no dead server back");
  assert(known(epochs).bytes[0] === 2);
});

test("a generation that does not fit 2^53 never replaces one that does", () => {
  const epochs = new KnownEpoch();
  epochs.learn(reply(1, 5), 1, 1);
  const absurd = reply(1, 0);
  absurd.fill(0xff, META_EPOCH_AT + 8, META_EPOCH_AT + 16);
  assert(!epochs.learn(absurd, 2, 2));
});

test("a mutation survives one generation, and is lost after two", () => {
  const epochs = new KnownEpoch();
  epochs.learn(reply(1, 5), 1, 1);
  const sealedUnder = known(epochs);
  assertEquals(epochs.standingOf(sealedUnder), Standing.GOOD);
  epochs.learn(reply(1, 6), 2, 2);
  assertEquals(epochs.standingOf(sealedUnder), Standing.GOOD);
  epochs.learn(reply(1, 7), 3, 3);
  assertEquals(epochs.standingOf(sealedUnder), Standing.LOST);
});

test("on another boot a mutation is renewed if that boot is fresh, and otherwise lost", () => {
  for (const isFresh of [true, false]) {
    const epochs = new KnownEpoch();
    epochs.learn(reply(1, 0), 1, 1);
    const sealedUnder = known(epochs);
    epochs.learn(reply(2, 0, isFresh), 2, 2);
    assertEquals(epochs.standingOf(sealedUnder), isFresh ? Standing.RENEW : Standing.LOST);
  }
});
