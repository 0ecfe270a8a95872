/**
 * The frames of the original wire: that of the four-command server this design grew out of.
 * Source: docs/WIRE.md, section 7.
 */

import { assert } from "../assert.ts";
import { FRAME_BYTES } from "./datagram.ts";
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from "./frame.ts";
import { STREAM_ID_BYTES } from "./nonces.ts";

/** The four commands have the codes of SET, GET, DELETE and EXISTS. */
export const SkvsCommand = { SET: 0, GET: 1, DELETE: 2, EXISTS: 3 } as const;
export type SkvsCommand = (typeof SkvsCommand)[keyof typeof SkvsCommand];

export const SkvsStatus = { OK: 0, NOT_FOUND: 1, ERROR: 2 } as const;

export const SkvsFlag = { OVERWRITE: 1, OLD: 2 } as const;

const FLAGS_AT = 1;
/** Request: command ‖ flags ‖ key ‖ value. */
export const SKVS_KEY_AT = 5;
export const MAX_SKVS_KEY_BYTES = MAX_KEY_BYTES;
export const SKVS_VALUE_AT = SKVS_KEY_AT + MAX_SKVS_KEY_BYTES;
export const MAX_SKVS_VALUE_BYTES = FRAME_BYTES - SKVS_VALUE_AT;
/** Reply: status ‖ value. */
export const SKVS_REPLY_VALUE_AT = 1;
export const MAX_SKVS_REPLY_VALUE_BYTES = FRAME_BYTES - SKVS_REPLY_VALUE_AT;

/**
 * The nonce of a reply begins with bytes derived from the key, with this info for HKDF. One key
 * seals both directions, so a recorded reply would otherwise be taken for a request.
 */
export const SKVS_REPLY_INFO = "kilogram/skvs reply";
export const SKVS_REPLY_TAG_BYTES = 4;

assert(SKVS_REPLY_TAG_BYTES < STREAM_ID_BYTES, "the tag leaves the nonces of a boot their own id");
assert(MAX_SKVS_VALUE_BYTES === MAX_VALUE_BYTES, "the original value field has 863 bytes");
assert(MAX_SKVS_REPLY_VALUE_BYTES === 995, "the original reply value has 995 bytes");

export function skvsFlagsOf(frame: Uint8Array): number {
  return frame[FLAGS_AT];
}

/** The length of a field without its trailing NULs. */
export function skvsLengthOf(frame: Uint8Array, at: number, fieldBytes: number): number {
  let length = fieldBytes;
  while (length > 0 && frame[at + length - 1] === 0) length--;
  return length;
}

/** A request of the original wire. */
export interface SkvsRequest {
  readonly command: SkvsCommand;
  /** The sum of SkvsFlag values. */
  readonly flags: number;
  /** 1…128 bytes that do not end in NUL. */
  readonly key: Uint8Array;
  /** 0…863 bytes; trailing NULs are lost. */
  readonly value: Uint8Array;
}

/** Writes a whole request into a frame, including the zeros after its key and value. */
export function writeSkvsRequest(frame: Uint8Array, request: SkvsRequest): void {
  frame.fill(0);
  frame[0] = request.command;
  frame[FLAGS_AT] = request.flags;
  frame.set(request.key, SKVS_KEY_AT);
  frame.set(request.value, SKVS_VALUE_AT);
}
