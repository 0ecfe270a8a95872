/**
 * A call on the original wire: one datagram out, one back. That wire has no request ids, so
 * every call has its own socket, which awaits no other reply.
 * Source: docs/WIRE.md, section 7.
 */

import { DeadlineExceededError, RequestError } from "../errors.ts";
import { copyBytes, equalBytes } from "../bytes.ts";
import { DATAGRAM_BYTES, NONCE_BYTES } from "./datagram.ts";
import { type Cipher, NO_ADDITIONAL_DATA } from "./seal.ts";
import {
  MAX_SKVS_REPLY_VALUE_BYTES,
  SKVS_REPLY_VALUE_AT,
  SkvsCommand,
  skvsLengthOf,
  type SkvsRequest,
  SkvsStatus,
  writeSkvsRequest,
} from "./skvs.ts";
import type { FillRandom } from "./nonces.ts";
import type { Alarm } from "./wake_timer.ts";

export interface SkvsPorts {
  /** Under the key of the original wire, for both directions. */
  readonly cipher: Cipher;
  readonly fillRandom: FillRandom;
  readonly makeAlarm: (ring: () => void) => Alarm;
  /** Opens a socket for this call alone, and passes each datagram received to `onDatagram`. */
  readonly dial: (onDatagram: (datagram: Uint8Array) => void) => Promise<SkvsSocket>;
}

export interface SkvsSocket {
  send(datagram: Uint8Array): void;
  close(): void;
}

/**
 * The value of the reply; undefined for NOT_FOUND.
 * @throws {DeadlineExceededError | RequestError}
 */
export async function skvsCall(
  request: SkvsRequest,
  timeoutMs: number,
  ports: SkvsPorts,
): Promise<Uint8Array | undefined> {
  const { cipher, fillRandom } = ports;
  const operation = nameOf(request.command);
  const datagram = new Uint8Array(DATAGRAM_BYTES);
  fillRandom(datagram.subarray(0, NONCE_BYTES));
  writeSkvsRequest(cipher.frame, request);
  await cipher.seal(datagram, NO_ADDITIONAL_DATA);
  const reply = await exchangeOnce(datagram, timeoutMs, ports);
  if (reply === null) {
    const isQuery = request.command === SkvsCommand.GET || request.command === SkvsCommand.EXISTS;
    throw new DeadlineExceededError({ operation }, timeoutMs, isQuery ? null : "unknown", "");
  }
  const length = skvsLengthOf(reply, SKVS_REPLY_VALUE_AT, MAX_SKVS_REPLY_VALUE_BYTES);
  if (reply[0] === SkvsStatus.NOT_FOUND) return undefined;
  if (reply[0] !== SkvsStatus.OK) throw new RequestError({ operation }, "it gave no reason");
  return copyBytes(reply, SKVS_REPLY_VALUE_AT, SKVS_REPLY_VALUE_AT + length);
}

/** The first frame that authenticates and is not our own request sent back; null for none. */
async function exchangeOnce(
  datagram: Uint8Array,
  timeoutMs: number,
  { cipher, dial, makeAlarm }: SkvsPorts,
): Promise<Uint8Array | null> {
  let answer: (frame: Uint8Array | null) => void = () => {};
  const answered = new Promise<Uint8Array | null>((resolve) => {
    answer = resolve;
  });
  // Opening the next datagram may overwrite the frame, so the frame is copied first.
  const accept = (frame: Uint8Array | null) => frame !== null && answer(copyBytes(frame));
  const socket = await dial((received) => {
    if (received.length !== DATAGRAM_BYTES) return;
    if (equalBytes(received, 0, datagram, 0, NONCE_BYTES)) return;
    const opened = cipher.open(received, NO_ADDITIONAL_DATA);
    if (opened instanceof Promise) void opened.then(accept);
    else accept(opened);
  });
  const alarm = makeAlarm(() => answer(null));
  alarm.set(timeoutMs);
  try {
    socket.send(datagram);
    return await answered;
  } finally {
    alarm.clear();
    socket.close();
  }
}

function nameOf(command: SkvsCommand): string {
  const names = Object.entries(SkvsCommand) as [string, number][];
  return names.find(([, code]) => code === command)?.[0] ?? "";
}
