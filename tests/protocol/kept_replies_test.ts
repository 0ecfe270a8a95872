import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { copyBytes } from "../../src/bytes.ts";
import { FRAME_BYTES } from "../../src/protocol/datagram.ts";
import { type Outcome, VALUE_AT } from "../../src/protocol/frame.ts";
import { KeptReplies } from "../../src/protocol/kept_replies.ts";
import { everyByte, randomOf } from "../bytes.ts";

const emptyOutcome = (): Outcome => ({ status: 0, toggles: 0, expiresAtMs: 0, length: 0 });

function nonceOf(stream: number, sequence: number): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(0, stream, true);
  new DataView(nonce.buffer).setUint32(8, sequence, true);
  return nonce;
}

function keep(kept: KeptReplies, nonce: Uint8Array, outcome: Outcome, value: Uint8Array): void {
  const frame = new Uint8Array(FRAME_BYTES);
  frame.set(value, VALUE_AT);
  kept.keep(nonce, outcome, frame);
}

function find(kept: KeptReplies, nonce: Uint8Array) {
  const outcome = emptyOutcome();
  const frame = new Uint8Array(FRAME_BYTES);
  if (!kept.find(nonce, outcome, frame)) return null;
  return { outcome, value: copyBytes(frame, VALUE_AT, VALUE_AT + outcome.length) };
}

test("a reply is kept as it was", () => {
  const kept = new KeptReplies();
  const value = everyByte(863);
  const outcome = { status: 7, toggles: 1, expiresAtMs: 2 ** 53 - 1, length: 863 };
  keep(kept, nonceOf(1, 2), outcome, value);
  assertEquals(find(kept, nonceOf(1, 2)), { outcome, value });
});

test("nothing is found for a nonce that was not kept, nor in an empty ring", () => {
  const kept = new KeptReplies();
  assertEquals(find(kept, nonceOf(0, 0)), null);
  keep(kept, nonceOf(1, 2), emptyOutcome(), new Uint8Array(0));
  assertEquals(find(kept, nonceOf(1, 3)), null);
  assertEquals(find(kept, nonceOf(2, 2)), null);
});

test("8 MiB hold the replies of 200,000 mutations without a value", () => {
  const kept = new KeptReplies();
  for (let i = 0; i < 200_000; i++) keep(kept, nonceOf(9, i), emptyOutcome(), new Uint8Array(0));
  for (let i = 0; i < 200_000; i += 97) assert(find(kept, nonceOf(9, i)) !== null, `${i}`);
});

test("a small ring returns the latest replies and forgets the oldest, and never returns a wrong one", () => {
  const random = randomOf(1);
  const kept = new KeptReplies(5_000);
  const all: { nonce: Uint8Array; value: Uint8Array }[] = [];
  for (let i = 0; i < 3_000; i++) {
    const value = everyByte(Math.floor(random() * 864));
    const nonce = nonceOf(Math.floor(random() * 3), i);
    keep(kept, nonce, { ...emptyOutcome(), length: value.length }, value);
    all.push({ nonce, value });
    assertEquals(find(kept, nonce)?.value, value);
    let isForgotten = false;
    for (const one of all.slice(-400).reverse()) {
      const found = find(kept, one.nonce);
      if (found === null) isForgotten = true;
      else assert(!isForgotten, "an older reply outlived a newer one");
      if (found !== null) assertEquals(found.value, one.value);
    }
    const keptLast = all.slice(-4).every(({ nonce }) => find(kept, nonce) !== null);
    assert(keptLast, "four of the largest fit 5,000 bytes with room to wrap");
  }
});
