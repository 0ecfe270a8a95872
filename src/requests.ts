/** Requests from arguments, and results from replies. Source: docs/WIRE.md, section 4. */

import {
  expectedOf,
  ifEqualBytes,
  type Key,
  keyBytes,
  ttlOf,
  type Value,
  valueBytes,
} from "./arguments.ts";
import type { AddResult, DeleteOptions, SetOptions, SetResult } from "./call_options.ts";
import { InvalidArgumentError } from "./errors.ts";
import type { Reply } from "./protocol/call.ts";
import { Operation, ReplyToggle, type Request, RequestToggle, Status } from "./protocol/frame.ts";

const NO_BYTES = new Uint8Array(0);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** @throws {InvalidArgumentError} from the arguments' conversions, as do the functions below */
export function requestOf(
  operation: Operation,
  key: Uint8Array,
  value: Uint8Array = NO_BYTES,
  ttlMs = 0,
  toggles = 0,
): Request {
  return { operation, toggles, key, value, ttlMs };
}

export function getRequest(key: Key): Request {
  return requestOf(Operation.GET, keyBytes(key));
}

export function valueOf(reply: Reply): Uint8Array | undefined {
  return reply.status === Status.OK ? reply.value : undefined;
}

export function setRequest(key: Key, value: Value, options: SetOptions | undefined): Request {
  const ttlMs = ttlOf(options);
  const expected = expectedOf(options);
  const toggles = setToggles(options);
  const bytes = expected === undefined
    ? valueBytes(value, ttlMs, key)
    : ifEqualBytes(expected, value, ttlMs, key);
  return requestOf(Operation.SET, keyBytes(key), bytes, ttlMs, toggles);
}

function setToggles(options: SetOptions | undefined): number {
  const { overwrite, old, ifEqual } = options ?? {};
  if (ifEqual !== undefined && (overwrite || old)) {
    throw new InvalidArgumentError("ifEqual goes with neither overwrite nor old.");
  }
  return (overwrite ? RequestToggle.OVERWRITE : 0) | (old ? RequestToggle.OLD : 0) |
    (ifEqual === undefined ? 0 : RequestToggle.IF_EQUAL);
}

export function setResultOf(reply: Reply): SetResult {
  if (reply.isDown) return { stored: false, current: undefined, isDown: true };
  return reply.status === Status.EXISTS || reply.status === Status.NOT_FOUND
    ? { stored: false, current: presentValue(reply) }
    : { stored: true, previous: presentValue(reply) };
}

function presentValue(reply: Reply): Uint8Array | undefined {
  return (reply.toggles & ReplyToggle.PRESENT) === 0 ? undefined : reply.value;
}

export function deleteRequest(key: Key, options: DeleteOptions | undefined): Request {
  const expected = expectedOf(options);
  const bytes = keyBytes(key);
  const value = expected === undefined ? NO_BYTES : ifEqualBytes(expected, NO_BYTES, 0, key);
  const toggles = expected === undefined ? 0 : RequestToggle.IF_EQUAL;
  return requestOf(Operation.DELETE, bytes, value, 0, toggles);
}

export function addResultOf(reply: Reply): AddResult {
  const value = BigInt(decoder.decode(reply.value));
  const number = Number(value);
  return {
    value,
    number: Number.isSafeInteger(number) ? number : undefined,
    ttl: remainingTtl(reply),
  };
}

export function remainingTtl(reply: Reply): number | undefined {
  return reply.remainingTtlMs === 0 ? undefined : reply.remainingTtlMs;
}

/** Parses whole lines of `name value`. @param prefix goes before each name */
export function parseStatistics(text: Uint8Array, prefix = ""): Record<string, string | number> {
  const statistics: Record<string, string | number> = {};
  for (const line of decoder.decode(text).split("\n")) {
    const space = line.indexOf(" ");
    if (space <= 0) continue;
    const value = line.slice(space + 1);
    statistics[prefix + line.slice(0, space)] = /^\d{1,15}$/.test(value) ? Number(value) : value;
  }
  return statistics;
}
