import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { copyBytes } from "../../src/bytes.ts";
import { DATAGRAM_BYTES, FRAME_BYTES } from "../../src/protocol/datagram.ts";
import { type Cipher, NO_ADDITIONAL_DATA } from "../../src/protocol/seal.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { chooseCrypto } from "../../src/runtime/detect.ts";
import { webCrypto } from "../../src/runtime/web_crypto.ts";
import { everyByte, fillRandomOf } from "../bytes.ts";
import { sealFrame } from "../seal.ts";

const key = new Uint8Array(32).fill(9);
const epoch = everyByte(16);

function nonceDatagram(seed: number): Uint8Array {
  const datagram = new Uint8Array(DATAGRAM_BYTES);
  fillRandomOf(seed)(datagram.subarray(0, 12));
  return datagram;
}

async function sealed(cipher: Cipher, frame: Uint8Array, additionalData: Uint8Array) {
  const datagram = nonceDatagram(3);
  await sealFrame(cipher, datagram, frame, additionalData);
  return datagram;
}

// On Bun this is OpenSSL, where the machine has it.
const native = await chooseCrypto();
const providers = new Set([native, nodeCrypto, webCrypto]);

for (const provider of providers) {
  const other = provider === nodeCrypto ? webCrypto : nodeCrypto;

  test(`${provider.name} opens what ${other.name} sealed`, async () => {
    const frame = everyByte(FRAME_BYTES);
    for (const additionalData of [NO_ADDITIONAL_DATA, epoch]) {
      const datagram = await sealed(await other.cipher(key), frame, additionalData);
      const opened = await (await provider.cipher(key)).open(datagram, additionalData);
      assertEquals(opened && copyBytes(opened), frame);
    }
  });

  test(`${provider.name} refuses a datagram with any bit flipped`, async () => {
    const cipher = await provider.cipher(key);
    const datagram = await sealed(cipher, everyByte(FRAME_BYTES), epoch);
    for (let bit = 0; bit < DATAGRAM_BYTES * 8; bit += 7) {
      datagram[bit >> 3] ^= 1 << (bit & 7);
      assertEquals(await cipher.open(datagram, epoch), null, `bit ${bit}`);
      datagram[bit >> 3] ^= 1 << (bit & 7);
    }
    assert((await cipher.open(datagram, epoch)) !== null);
  });

  test(`${provider.name} refuses another key and other additional data`, async () => {
    const cipher = await provider.cipher(key);
    const datagram = await sealed(cipher, everyByte(FRAME_BYTES), epoch);
    assertEquals(await cipher.open(datagram, NO_ADDITIONAL_DATA), null);
    assertEquals(await cipher.open(datagram, new Uint8Array(16)), null);
    assertEquals(await (await provider.cipher(new Uint8Array(32))).open(datagram, epoch), null);
  });

  test(`${provider.name} has read its arguments when it returns`, async () => {
    const cipher = await provider.cipher(key);
    const frame = everyByte(FRAME_BYTES);
    const additionalData = copyBytes(epoch);
    const expected = await sealed(cipher, frame, epoch);
    const datagram = nonceDatagram(3);
    cipher.frame.set(frame);
    const sealing = cipher.seal(datagram, additionalData);
    cipher.frame.fill(0);
    additionalData.fill(0);
    await sealing;
    assertEquals(datagram, expected);
    const own = Buffer.from(datagram);
    const opening = cipher.open(own, epoch);
    own.fill(0);
    const opened = await opening;
    assertEquals(opened && copyBytes(opened), everyByte(FRAME_BYTES));
  });
}
