/** Reads arguments of a command as keys, values and numbers. Invalid arguments are refused. */

import { parseNumber } from "../../store/number.ts";
import type { Found, Result } from "../../store/store.ts";
import type { Context } from "./context.ts";
import { error, Refusal } from "./forms.ts";

/** Takes an argument as the key at hand. One that can't be a key is one that is not there. */
export function takeKey({ keyspace, request }: Context, argument = 1): void {
  request.show(argument, keyspace.key);
}

/** Takes an argument as a key to store; replies with an error if it can't be a key. */
export function takeNewKey(context: Context, argument = 1): boolean {
  takeKey(context, argument);
  if (context.keyspace.hasKey) return true;
  error(context.replies, Refusal.KEY);
  return false;
}

/** Whether every key that a command would store is valid. */
export function areNewKeys(context: Context, step: number): boolean {
  for (let i = 1; i < context.request.count; i += step) {
    if (!takeNewKey(context, i)) return false;
  }
  return true;
}

/** A number of signed 64 bits; null after replying with an error, which names it. */
export function takeInteger(
  { request, replies }: Context,
  argument: number,
  name = "value",
): bigint | null {
  const start = request.startOf(argument);
  const number = parseNumber(request.bytes, start, request.lengthOf(argument));
  if (number === null) error(replies, `ERR ${name} is not an integer or out of range`);
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
