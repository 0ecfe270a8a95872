/** Commands on parts of values. */

import { MAX_STORED_BYTES, NONE, Result } from "../../store/store.ts";
import { takeInteger, takeKey, takeNewKey } from "./arguments.ts";
import { type Command, type Context, ONE_KEY } from "./context.ts";
import { bulk, error, integer, Refusal } from "./forms.ts";

function append(context: Context): void {
  if (!takeNewKey(context)) return;
  const { keyspace, request } = context;
  const { length, expiresAtMs } = keyspace.copy();
  const at = Math.max(0, length);
  writeAt(context, at, 2, { length: at + request.lengthOf(2), expiresAtMs });
}

function setRange(context: Context): void {
  const { keyspace, request, replies } = context;
  const offset = takeInteger(context, 2);
  if (offset === null || !takeNewKey(context)) return;
  if (offset < 0n) {
    error(replies, "ERR offset is out of range");
    return;
  }
  const { length, expiresAtMs } = keyspace.copy();
  const end = offset + BigInt(request.lengthOf(3));
  if (request.lengthOf(3) === 0) integer(replies, Math.max(0, length));
  else if (end > MAX_STORED_BYTES) error(replies, Refusal.STRING_SIZE);
  else {
    const at = Number(offset);
    // What lies between the old value and the new part is NULs.
    keyspace.scratch.fill(0, Math.max(0, length), Math.max(at, length, 0));
    writeAt(context, at, 3, { length: Math.max(length, Number(end)), expiresAtMs });
  }
}

/** Puts an argument into the value that is in the scratch, and stores that. */
function writeAt(
  { keyspace, request, replies }: Context,
  at: number,
  argument: number,
  { length, expiresAtMs }: { readonly length: number; readonly expiresAtMs: number },
): void {
  if (length > MAX_STORED_BYTES) {
    error(replies, Refusal.STRING_SIZE);
    return;
  }
  const start = request.startOf(argument);
  request.bytes.copy(keyspace.scratch, at, start, start + request.lengthOf(argument));
  if (keyspace.setScratch(length, expiresAtMs) === Result.FULL) error(replies, Refusal.FULL);
  else integer(replies, length);
}

/** GETRANGE, and its old name SUBSTR. Negative places count from the end. */
function getRange(context: Context): void {
  const first = takeInteger(context, 2);
  const last = first === null ? null : takeInteger(context, 3);
  if (first === null || last === null) return;
  takeKey(context);
  const { keyspace, replies } = context;
  const { length } = keyspace.getCopy();
  const place = (given: bigint) => {
    const clamped = Number(BigInt.asIntN(64, given));
    return clamped < 0 ? Math.max(0, length + clamped) : clamped;
  };
  const isReversed = first < 0n && last < 0n && first > last;
  const [from, to] = [place(first), Math.min(place(last), length - 1)];
  if (length === NONE || isReversed || from > to) bulk(replies, "");
  else bulk(replies, keyspace.scratch.toString("latin1", from, to + 1));
}

const READ = ["readonly"];
const WRITE = ["write", "denyoom"];

export const stringCommands: readonly Command[] = [
  { name: "append", arity: 3, flags: [...WRITE, "fast"], keys: ONE_KEY, run: append },
  { name: "setrange", arity: 4, flags: WRITE, keys: ONE_KEY, run: setRange },
  { name: "getrange", arity: 4, flags: READ, keys: ONE_KEY, run: getRange },
  { name: "substr", arity: 4, flags: READ, keys: ONE_KEY, run: getRange },
];
