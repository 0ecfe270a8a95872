/**
 * What no client of Kilogram on Node can do without: a datagram of node:dgram each way, those of a turn
 * together, sealed and opened by node:crypto. No deadline; nothing is sent again.
 */

import { createSocket } from "node:dgram";
import { DATAGRAM_BYTES } from "../../src/protocol/datagram.ts";
import { META_AT, Operation, writeRequest } from "../../src/protocol/frame.ts";
import { decodeKey, trafficCiphers } from "../../src/protocol/keys.ts";
import { NonceStream, sequenceOf } from "../../src/protocol/nonces.ts";
import { NO_ADDITIONAL_DATA } from "../../src/protocol/seal.ts";
import { CHANNEL_BUFFER_BYTES } from "../../src/runtime/channels/channel.ts";
import { TurnQueue } from "../../src/runtime/channels/turn_queue.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { type Library, masterKey } from "./library.ts";

export async function openBare(server: string): Promise<Library> {
  const [host, port] = server.split(":");
  const { requests, replies } = await trafficCiphers(decodeKey(masterKey()), nodeCrypto);
  const socket = createSocket({
    type: "udp4",
    recvBufferSize: CHANNEL_BUFFER_BYTES,
    lookup: (host, _, found) => found(null, host, 4),
  });
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  const stream = NonceStream.forQueries(nodeCrypto.fillRandom);
  const waiting = new Map<number, (isAnswered: true) => void>();
  socket.on("message", (datagram) => {
    const frame = replies.open(datagram, NO_ADDITIONAL_DATA) as Uint8Array;
    const sequence = sequenceOf(frame, META_AT);
    waiting.get(sequence)?.(true);
    waiting.delete(sequence);
  });
  const queue = new TurnQueue({
    send: (datagram) => socket.send(datagram, Number(port), host),
    onError: console.error,
    close: () => socket.close(),
  });
  const encoder = new TextEncoder();
  const request = { operation: Operation.GET, toggles: 0, value: new Uint8Array(0), ttlMs: 0 };
  return {
    get: (key) =>
      new Promise<true>((resolve) => {
        const datagram = new Uint8Array(DATAGRAM_BYTES);
        stream.take(datagram);
        writeRequest(requests.frame, { ...request, key: encoder.encode(key) });
        requests.seal(datagram, NO_ADDITIONAL_DATA);
        waiting.set(sequenceOf(datagram), resolve);
        queue.send(datagram);
      }),
    retransmissions: 0,
    close: () => queue.close(),
  };
}
