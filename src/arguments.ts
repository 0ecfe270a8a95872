/** Arguments of calls: which are valid, and their form on the wire. */

import { copyBytes, writeU16 } from "./bytes.ts";
import { InvalidArgumentError, NotJsonError } from "./errors.ts";
import { keyText } from "./key_text.ts";
import {
  EXPECTED_LENGTH_BYTES,
  MAX_KEY_BYTES,
  MAX_TTL_MS,
  MAX_VALUE_BYTES,
  MAX_VALUE_BYTES_WITH_TTL,
} from "./protocol/frame.ts";

/** A key: 1…128 bytes, text as UTF-8. */
export type Key = string | Uint8Array;
/** A value: 0…863 bytes (855 with a time to live), text as UTF-8. */
export type Value = string | Uint8Array;

/** How to seal: the fastest way available, with node:crypto, or with Web Crypto alone. */
export type CryptoChoice = "native" | "node" | "web";

/** A time to live in milliseconds, a whole number of 1…2^53 − 1; without one, for ever. */
export interface TimeToLive {
  readonly ttl?: number;
}

const encoder = new TextEncoder();
/** Where text is encoded first: on Node and Deno that is much faster than a new array each time. */
const scratch = new Uint8Array(1_024);
const MAX_BYTES_A_CODE_UNIT = 3;

function encode(text: string): Uint8Array {
  if (text.length * MAX_BYTES_A_CODE_UNIT > scratch.length) return encoder.encode(text);
  return copyBytes(scratch, 0, encoder.encodeInto(text, scratch).written);
}

/**
 * A copy, since the caller's array may change while the call waits.
 * @param of the key whose value it is, for the error
 */
export function ownBytes(what: string, given: unknown, of?: Key): Uint8Array {
  if (typeof given === "string") return encode(given);
  if (given instanceof Uint8Array) return copyBytes(given);
  const type = given === null ? "null" : typeof given;
  throw new InvalidArgumentError(
    `The ${what}${ofKey(of)} must be a string or a Uint8Array, not ${type}.`,
  );
}

function ofKey(key: unknown): string {
  const isKey = typeof key === "string" || key instanceof Uint8Array;
  return isKey ? ` of "${keyText(key)}"` : "";
}

export function keyBytes(given: Key): Uint8Array {
  const key = ownBytes("key", given);
  if (key.length === 0) {
    throw new InvalidArgumentError(`The key is empty; a key has 1 to ${MAX_KEY_BYTES} bytes.`);
  }
  if (key.length > MAX_KEY_BYTES) throw sizeError("key", key.length, MAX_KEY_BYTES);
  return key;
}

/** A prefix of keys may be empty. */
export function prefixBytes(given: Key): Uint8Array {
  const prefix = ownBytes("prefix", given);
  if (prefix.length > MAX_KEY_BYTES) throw sizeError("prefix", prefix.length, MAX_KEY_BYTES);
  return prefix;
}

/** @param key the key that is to have it, for the error */
export function valueBytes(given: Value, ttlMs: number, key?: Key): Uint8Array {
  const value = ownBytes("value", given, key);
  const limit = ttlMs > 0 ? MAX_VALUE_BYTES_WITH_TTL : MAX_VALUE_BYTES;
  if (value.length <= limit) return value;
  const timed = ttlMs > 0 ? ", with a time to live," : "";
  throw sizeError(`value${ofKey(key)}${timed}`, value.length, limit);
}

/** The expected value; undefined if any value will do, which a value that is missing must not mean. */
export function expectedOf(options: { readonly ifEqual?: Value } | undefined): Value | undefined {
  if (!options || !Object.hasOwn(options, "ifEqual")) return undefined;
  if (options.ifEqual !== undefined) return options.ifEqual;
  throw new InvalidArgumentError("ifEqual is undefined: give the expected value, or leave it out.");
}

/** The value field of a request with IF_EQUAL (docs/WIRE.md, section 4). */
export function ifEqualBytes(expected: Value, given: Value, ttlMs: number, key?: Key): Uint8Array {
  const before = ownBytes("expected value", expected, key);
  const after = ownBytes("value", given, key);
  const length = before.length + after.length;
  const limit = (ttlMs > 0 ? MAX_VALUE_BYTES_WITH_TTL : MAX_VALUE_BYTES) - EXPECTED_LENGTH_BYTES;
  if (length > limit) {
    throw sizeError(`expected value${ofKey(key)}, with the value,`, length, limit);
  }
  const bytes = new Uint8Array(EXPECTED_LENGTH_BYTES + length);
  writeU16(bytes, 0, before.length);
  bytes.set(before, EXPECTED_LENGTH_BYTES);
  bytes.set(after, EXPECTED_LENGTH_BYTES + before.length);
  return bytes;
}

export function jsonText(key: Key, value: unknown): string {
  const text = jsonOf(key, value);
  if (text !== undefined) return text;
  throw new InvalidArgumentError(
    `${typeof value} has no JSON form: "${keyText(key)}" can't have it as its value.`,
  );
}

/** @throws {InvalidArgumentError} without the runtime's words, which may have names from the value */
function jsonOf(key: Key, value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new InvalidArgumentError(
      `The value of "${keyText(key)}" has no JSON form: it has a bigint, or itself, in it.`,
    );
  }
}

/** @throws {NotJsonError} without the parser's words, which have some of the text */
export function parseJson(operation: string, key: Key, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NotJsonError({ operation, key: keyBytes(key) });
  }
}

export function deltaBytes(delta: number | bigint): Uint8Array {
  if (typeof delta !== "bigint" && !Number.isSafeInteger(delta)) {
    throw new InvalidArgumentError(
      `${String(delta)} can't be added: pass a safe integer or a bigint.`,
    );
  }
  if (BigInt.asIntN(64, BigInt(delta)) !== BigInt(delta)) {
    throw new InvalidArgumentError(`${delta} does not fit signed 64 bits.`);
  }
  return encoder.encode(String(delta));
}

export function ttlOf(options: TimeToLive | undefined): number {
  return options?.ttl === undefined ? 0 : lifeOf("ttl", options.ttl);
}

export function lifeOf(what: string, ms: number): number {
  if (Number.isSafeInteger(ms) && ms >= 1) return ms;
  throw new InvalidArgumentError(
    `${what} is ${String(ms)}; it must be a whole number of milliseconds, 1 to ${MAX_TTL_MS}.`,
  );
}

export function positiveTimeout(timeoutMs: number): number {
  if (finite("timeout", timeoutMs) > 0) return timeoutMs;
  throw new InvalidArgumentError(`timeout is ${timeoutMs} ms; it must be above 0.`);
}

export function finite(what: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw new InvalidArgumentError(
    `${what} is ${String(value)}; it must be a number of milliseconds.`,
  );
}

export function sizeError(what: string, length: number, limit: number): InvalidArgumentError {
  return new InvalidArgumentError(
    `The ${what} has ${length} bytes; at most ${limit} fit in a datagram.`,
  );
}
