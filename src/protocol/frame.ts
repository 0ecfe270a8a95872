/**
 * The frame: 996 bytes of plaintext at fixed offsets, read and written in place.
 * Source: docs/WIRE.md, section 4.
 */

import { assert } from "../assert.ts";
import { readU32, readU64, writeU32, writeU64 } from "../bytes.ts";
import { FRAME_BYTES, NONCE_BYTES } from "./datagram.ts";
import { EPOCH_BYTES } from "./epoch.ts";

/** Maximum bytes of a key; the minimum is one. */
export const MAX_KEY_BYTES = 128;
/** Maximum bytes of a value without a time to live. */
export const MAX_VALUE_BYTES = 863;
/** Bytes of a time to live, carved from the end of the value field. */
const TTL_BYTES = 8;
/** Maximum bytes of a value with a time to live. */
export const MAX_VALUE_BYTES_WITH_TTL = MAX_VALUE_BYTES - TTL_BYTES;
/** The longest time to live in milliseconds: the largest safe integer. */
export const MAX_TTL_MS = Number.MAX_SAFE_INTEGER;

/** Request: the operation. Reply: the status. */
const CODE_AT = 0;
const FLAGS_AT = 1;
export const KEY_AT = 5;
/** A reply has its meta where a request has its key. */
export const META_AT = KEY_AT;
export const VALUE_AT = KEY_AT + MAX_KEY_BYTES;
export const TTL_AT = FRAME_BYTES - TTL_BYTES;

/** Reply meta: request nonce ‖ epoch ‖ remaining time to live. */
export const META_EPOCH_AT = META_AT + NONCE_BYTES;
const META_TTL_AT = META_EPOCH_AT + EPOCH_BYTES;
export const META_BYTES = NONCE_BYTES + EPOCH_BYTES + TTL_BYTES;

const TOGGLE_BITS = 14;
const KEY_LENGTH_BITS = 8;
const VALUE_LENGTH_SHIFT = TOGGLE_BITS + KEY_LENGTH_BITS;
const TOGGLE_MASK = (1 << TOGGLE_BITS) - 1;
const KEY_LENGTH_MASK = (1 << KEY_LENGTH_BITS) - 1;

assert(VALUE_AT + MAX_VALUE_BYTES === FRAME_BYTES, "5 + 128 + 863 = 996");
assert(MAX_VALUE_BYTES < 1 << (32 - VALUE_LENGTH_SHIFT), "a value length fits its 10 bits");
assert(MAX_KEY_BYTES <= KEY_LENGTH_MASK, "a key length fits its 8 bits");
assert(META_BYTES === 36 && META_BYTES <= MAX_KEY_BYTES, "the reply meta is 36 bytes");

/** With IF_EQUAL, the value field begins with the length of the value that must be there. */
export const EXPECTED_LENGTH_BYTES = 2;
/** A cursor of SCAN; behind it, in a reply, each key has its length before it. */
export const CURSOR_BYTES = 8;
export const SCANNED_LENGTH_BYTES = 2;

/** What a request asks for. */
export const Operation = {
  SET: 0,
  GET: 1,
  DELETE: 2,
  EXISTS: 3,
  ADD: 4,
  TOUCH: 5,
  PING: 6,
  STATS: 7,
  SCAN: 8,
  DROP: 9,
} as const;
export type Operation = (typeof Operation)[keyof typeof Operation];

/** The outcome of a request. */
export const Status = {
  OK: 0,
  NOT_FOUND: 1,
  ERROR: 2,
  EXISTS: 3,
  FENCED: 4,
  DUPLICATE: 5,
  FULL: 6,
  TOO_LARGE: 7,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

/** Toggles of a request. */
export const RequestToggle = { OVERWRITE: 1, OLD: 2, TTL: 4, IF_EQUAL: 8 } as const;
/** Toggles of a reply. */
export const ReplyToggle = { PRESENT: 1, FRESH: 2 } as const;

/** The operation of a request or the status of a reply, 0…255, as sent. */
export function codeOf(frame: Uint8Array): number {
  return frame[CODE_AT];
}

export function togglesOf(frame: Uint8Array): number {
  return flagsOf(frame) & TOGGLE_MASK;
}

/** The claimed length of the key or the meta, 0…255: check it before use. */
export function keyLengthOf(frame: Uint8Array): number {
  return (flagsOf(frame) >>> TOGGLE_BITS) & KEY_LENGTH_MASK;
}

/** The claimed length of the value, 0…1,023: check it before use. */
export function valueLengthOf(frame: Uint8Array): number {
  return flagsOf(frame) >>> VALUE_LENGTH_SHIFT;
}

function flagsOf(frame: Uint8Array): number {
  return readU32(frame, FLAGS_AT);
}

/** Writes code, toggles and lengths: the first five bytes. */
export function writeHead(
  frame: Uint8Array,
  code: number,
  toggles: number,
  keyLength: number,
  valueLength: number,
): void {
  frame[CODE_AT] = code;
  const lengths = (keyLength << TOGGLE_BITS) | (valueLength << VALUE_LENGTH_SHIFT);
  writeU32(frame, FLAGS_AT, toggles | lengths);
}

/** The time to live that a request carries, in milliseconds; NaN if it is above 2^53 − 1. */
export function requestTtlOf(frame: Uint8Array): number {
  return readU64(frame, TTL_AT);
}

/** The remaining time to live that a reply carries, in milliseconds; 0 for none. */
export function remainingTtlOf(frame: Uint8Array): number {
  return readU64(frame, META_TTL_AT);
}

/** A request as its caller gave it, before it becomes a frame. */
export interface Request {
  readonly operation: Operation;
  /** The sum of RequestToggle values except TTL, which follows from `ttlMs`. */
  readonly toggles: number;
  /** 0…128 bytes. */
  readonly key: Uint8Array;
  /** 0…863 bytes; 855 with a time to live. */
  readonly value: Uint8Array;
  /** 1…2^53 − 1 milliseconds; 0 for none. */
  readonly ttlMs: number;
}

/** Writes a whole request into a frame, including the zeros after its key and value. */
export function writeRequest(frame: Uint8Array, request: Request): void {
  const { operation, key, value, ttlMs } = request;
  const toggles = ttlMs > 0 ? request.toggles | RequestToggle.TTL : request.toggles;
  frame.fill(0);
  writeHead(frame, operation, toggles, key.length, value.length);
  frame.set(key, KEY_AT);
  frame.set(value, VALUE_AT);
  if (ttlMs > 0) writeU64(frame, TTL_AT, ttlMs);
}

/** A server's answer, without its recipient; its value is already in the frame, at VALUE_AT. */
export interface Outcome {
  status: number;
  /** The sum of the ReplyToggle values that belong to the outcome. */
  toggles: number;
  /** When the key expires, in ms on the server's clock; 0 for never or not reported. */
  expiresAtMs: number;
  /** Bytes of the value. */
  length: number;
}

/**
 * Writes a whole reply for an outcome, including the zeros after its value.
 * @param serverToggles the ReplyToggle values that every reply of this server has
 * @param request the datagram to answer, whose nonce is echoed
 * @param epoch the server's epoch, 16 bytes
 */
export function writeReply(
  frame: Uint8Array,
  outcome: Outcome,
  serverToggles: number,
  request: Uint8Array,
  epoch: Uint8Array,
  nowMs: number,
): void {
  const { status, toggles, expiresAtMs, length } = outcome;
  writeHead(frame, status, toggles | serverToggles, META_BYTES, length);
  for (let i = 0; i < NONCE_BYTES; i++) frame[META_AT + i] = request[i];
  frame.set(epoch, META_EPOCH_AT);
  const remainingMs = expiresAtMs === 0 ? 0 : Math.max(1, Math.ceil(expiresAtMs - nowMs));
  writeU64(frame, META_TTL_AT, remainingMs);
  frame.fill(0, META_AT + META_BYTES, VALUE_AT);
  frame.fill(0, VALUE_AT + length);
}
