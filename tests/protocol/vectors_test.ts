import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { copyBytes } from "../../src/bytes.ts";
import { DATAGRAM_BYTES, FRAME_BYTES } from "../../src/protocol/datagram.ts";
import { Epoch } from "../../src/protocol/epoch.ts";
import {
  codeOf,
  KEY_AT,
  keyLengthOf,
  META_EPOCH_AT,
  type Operation,
  remainingTtlOf,
  ReplyToggle,
  type Request,
  RequestToggle,
  requestTtlOf,
  togglesOf,
  VALUE_AT,
  valueLengthOf,
  writeReply,
  writeRequest,
} from "../../src/protocol/frame.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { trafficCiphers } from "../../src/protocol/keys.ts";
import { checkServerName } from "../../src/protocol/server_name.ts";
import { faultOf } from "../../src/protocol/operations.ts";
import { NO_ADDITIONAL_DATA } from "../../src/protocol/seal.ts";
import {
  SKVS_REPLY_INFO,
  SKVS_REPLY_TAG_BYTES,
  type SkvsCommand,
  writeSkvsRequest,
} from "../../src/protocol/skvs.ts";
import { isMutationNonce } from "../../src/protocol/nonces.ts";
import { chooseCrypto } from "../../src/runtime/detect.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { webCrypto } from "../../src/runtime/web_crypto.ts";
import { fromHex } from "../bytes.ts";
import { type RequestVector, vectors } from "../vectors/vectors.ts";
import { sealFrame } from "../seal.ts";

const requestOf = (vector: RequestVector): Request => ({
  operation: vector.operation as Operation,
  toggles: vector.toggles,
  key: fromHex(vector.key),
  value: fromHex(vector.value),
  ttlMs: vector.ttlMs,
});

test("a request becomes the frame of its vector, and is read back from it", () => {
  for (const vector of vectors.requests) {
    const frame = new Uint8Array(FRAME_BYTES).fill(0xff);
    const request = requestOf(vector);
    writeRequest(frame, request);
    assertEquals(frame, fromHex(vector.frame), vector.name);
    assertEquals(codeOf(frame), vector.operation);
    assertEquals(togglesOf(frame) & ~RequestToggle.TTL, vector.toggles);
    assertEquals(copyBytes(frame, KEY_AT, KEY_AT + keyLengthOf(frame)), request.key);
    assertEquals(copyBytes(frame, VALUE_AT, VALUE_AT + valueLengthOf(frame)), request.value);
    if (vector.ttlMs > 0) assertEquals(requestTtlOf(frame), vector.ttlMs);
    assertEquals(faultOf(frame, isMutationNonce(fromHex(vector.nonce))), null, vector.name);
  }
});

test("an outcome becomes the reply frame of its vector, and is read back from it", () => {
  const epoch = fromHex(vectors.epoch);
  for (const vector of vectors.replies) {
    const frame = new Uint8Array(FRAME_BYTES).fill(0xff);
    const value = fromHex(vector.value);
    frame.set(value, VALUE_AT);
    const outcome = {
      status: vector.status,
      toggles: vector.toggles & ~ReplyToggle.FRESH,
      expiresAtMs: vector.remainingMs,
      length: value.length,
    };
    writeReply(frame, outcome, ReplyToggle.FRESH, fromHex(vector.answers), epoch, 0);
    assertEquals(frame, fromHex(vector.frame), vector.name);
    assertEquals(codeOf(frame), vector.status);
    assertEquals(togglesOf(frame), vector.toggles);
    assertEquals(remainingTtlOf(frame), vector.remainingMs);
    assertEquals(Epoch.read(frame, META_EPOCH_AT).generation, 3);
  }
});

test("a frame of the original wire", () => {
  const { skvsRequest } = vectors;
  const frame = new Uint8Array(FRAME_BYTES).fill(0xff);
  writeSkvsRequest(frame, {
    command: skvsRequest.command as SkvsCommand,
    flags: skvsRequest.flags,
    key: fromHex(skvsRequest.key),
    value: fromHex(skvsRequest.value),
  });
  assertEquals(frame, fromHex(skvsRequest.frame));
});

// On Bun there is a third provider, where the machine has OpenSSL.
for (const provider of new Set([nodeCrypto, webCrypto, await chooseCrypto()])) {
  test(`${provider.name} derives every key`, async () => {
    const masterKey = fromHex(vectors.masterKey);
    const derive = (info: string) => provider.deriveKey(masterKey, info);
    assertEquals(await derive("kilogram/1 request"), fromHex(vectors.requestKey));
    assertEquals(await derive("kilogram/1 reply"), fromHex(vectors.replyKey));
    const { serverName, requestKey, replyKey } = vectors.named;
    assertEquals(await derive(`kilogram/1 request ${serverName}`), fromHex(requestKey));
    assertEquals(await derive(`kilogram/1 reply ${serverName}`), fromHex(replyKey));
    const skvs = await provider.deriveKey(fromHex(vectors.skvsKey), SKVS_REPLY_INFO);
    assertEquals(skvs.subarray(0, SKVS_REPLY_TAG_BYTES), fromHex(vectors.skvsReplyTag));
  });

  test(`${provider.name} seals and opens every vector`, async () => {
    const sealed = [
      ...vectors.requests.map((vector) => ({ ...vector, cipherKey: vectors.requestKey })),
      ...vectors.replies.map((vector) => ({
        ...vector,
        additionalData: "",
        cipherKey: vectors.replyKey,
      })),
      { ...vectors.named.request, cipherKey: vectors.named.requestKey },
      { ...vectors.named.reply, additionalData: "", cipherKey: vectors.named.replyKey },
      { ...vectors.skvsRequest, name: "skvs", additionalData: "", cipherKey: vectors.skvsKey },
    ];
    for (const vector of sealed) {
      const cipher = await provider.cipher(fromHex(vector.cipherKey));
      const additionalData = vector.additionalData === ""
        ? NO_ADDITIONAL_DATA
        : fromHex(vector.additionalData);
      const datagram = new Uint8Array(DATAGRAM_BYTES);
      datagram.set(fromHex(vector.nonce));
      await sealFrame(cipher, datagram, fromHex(vector.frame), additionalData);
      assertEquals(datagram, fromHex(vector.datagram), vector.name);
      const opened = await cipher.open(datagram, additionalData);
      assertEquals(opened && copyBytes(opened), fromHex(vector.frame), vector.name);
    }
  });
}

test("a server's name makes its keys its own, through and through", async () => {
  const { serverName, request, reply } = vectors.named;
  const masterKey = fromHex(vectors.masterKey);
  const named = await trafficCiphers(masterKey, nodeCrypto, serverName);
  const datagrams = [[named.requests, request.datagram], [named.replies, reply.datagram]] as const;
  for (const [cipher, datagram] of datagrams) {
    const additionalData = cipher === named.requests ? fromHex(vectors.epoch) : NO_ADDITIONAL_DATA;
    assert(cipher.open(fromHex(datagram), additionalData) !== null);
    for (const name of [undefined, "cache-2", "cache-1-"]) {
      const others = await trafficCiphers(masterKey, nodeCrypto, name);
      for (const other of [others.requests, others.replies]) {
        assertEquals(other.open(fromHex(datagram), additionalData), null);
      }
    }
  }
});

test("what may be a server's name", () => {
  for (const name of ["a", "cache-1", "10.0.0.1", "_", "x".repeat(64)]) {
    assertEquals(checkServerName(name), name);
  }
  for (const name of ["", "x".repeat(65), "Cache", "a b", "a=b", "a#1", "é", "a\n"]) {
    assertThrows(() => checkServerName(name), InvalidArgumentError, "not a server's name");
  }
});
