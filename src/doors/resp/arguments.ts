/** Reads arguments of a command as keys, values and numbers. Invalid arguments are refused. */

import { parseNumber } from "../../store/number.ts";
import type { Found, Result } from "../../store/store.ts";
import type { Context } from "./context.ts";
import { error, Refusal } from "./forms.ts";

/** Takes an argument as the key at hand; replies with an error if it can't be a key. */
export function takeKey({ keyspace, request, replies }: Context, argument = 1): boolean {
  request.show(argument, keyspace.key);
  if (keyspace.hasKey) return true;
  error(replies, Refusal.KEY);
  return false;
}

/** Whether every key of a command is valid. */
export function haveKeys(context: Context, step = 1): boolean {
  for (let i = 1; i < context.request.count; i += step) {
    if (!takeKey(context, i)) return false;
  }
  return true;
}

/** A number of signed 64 bits; null after replying with an error. */
export function takeInteger({ request, replies }: Context, argument: number): bigint | null {
  const start = request.startOf(argument);
  const number = parseNumber(request.bytes, start, request.lengthOf(argument));
  if (number === null) error(replies, Refusal.NOT_AN_INTEGER);
  return number;
}

/** Stores an argument as the value of the key at hand. */
export function put(
  { keyspace, request }: Context,
  value: number,
  expiresAtMs: number,
  overwrite: boolean,
  found: Found,
): Result {
  request.show(value, keyspace.value);
  return keyspace.set(expiresAtMs, overwrite, found);
}
