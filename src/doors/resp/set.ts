/** SET and its options, and the commands that have an option in their name. */

import { type Found, Result, type Span } from "../../store/store.ts";
import { put, takeKey, takeNewKey } from "./arguments.ts";
import { type Command, type Context, ONE_KEY } from "./context.ts";
import { bulkFound, error, integer, intoReply, none, OK, Refusal, simple } from "./forms.ts";
import { expiryOf, MILLISECONDS, SECONDS, type Unit, UNITS } from "./times.ts";

interface SetOptions {
  onlyNew: boolean;
  onlyPresent: boolean;
  get: boolean;
  keepTtl: boolean;
  unit: Unit | null;
  /** The argument that is the time. */
  time: number;
  /** The argument that is the value to be replaced; 0 for any. */
  expected: number;
}

const NO_OPTIONS: Readonly<SetOptions> = {
  onlyNew: false,
  onlyPresent: false,
  get: false,
  keepTtl: false,
  unit: null,
  time: 0,
  expected: 0,
};

function set(context: Context): void {
  const options = context.request.count === 3 ? NO_OPTIONS : readSetOptions(context);
  if (options === null || !takeNewKey(context)) return;
  const { keyspace, replies } = context;
  const { unit, time, onlyNew, onlyPresent, keepTtl } = options;
  let expiresAtMs = unit === null ? 0 : expiryOf(context, time, unit, "set");
  if (expiresAtMs === null) return;
  if (onlyPresent || keepTtl) {
    const isThere = keyspace.peek();
    if (onlyPresent && !isThere) {
      none(context);
      return;
    }
    if (keepTtl) expiresAtMs = keyspace.noValue.expiresAtMs;
  }
  const found = options.get ? intoReply(replies, keyspace.found) : keyspace.noValue;
  const result = options.expected === 0
    ? put(context, 2, expiresAtMs, !onlyNew, found)
    : putIfEqual(context, options.expected, expiresAtMs, found);
  if (result === Result.FULL) error(replies, Refusal.FULL);
  else if (options.get) bulkFound(context, found);
  else if (result === Result.DONE) simple(replies, OK);
  else none(context);
}

/** IFEQ, as in Valkey 8.1: only a value that is equal is replaced. */
function putIfEqual(
  { keyspace, request }: Context,
  expected: number,
  expiresAtMs: number,
  found: Found,
): Result {
  request.show(2, keyspace.value);
  return keyspace.setIfEqual(request.show(expected, EXPECTED), expiresAtMs, found);
}

const EXPECTED: Span = { bytes: new Uint8Array(0), start: 0, length: 0 };

/** DELIFEQ, as in Valkey 9: removes a key whose value is equal. */
function deleteIfEqual(context: Context): void {
  takeKey(context);
  const { keyspace, request, replies } = context;
  const result = keyspace.deleteIfEqual(request.show(2, EXPECTED));
  if (result === Result.FULL) error(replies, Refusal.FULL);
  else integer(replies, result === Result.DONE ? 1 : 0);
}

/** @returns null after replying with an error */
function readSetOptions({ request, replies }: Context): SetOptions | null {
  const options = { ...NO_OPTIONS };
  for (let i = 3; i < request.count; i++) {
    const word = request.latin1(i).toLowerCase();
    const unit = UNITS.get(word);
    const { onlyNew, onlyPresent, expected } = options;
    if (word === "nx" && !onlyPresent && expected === 0) options.onlyNew = true;
    else if (word === "xx" && !onlyNew && expected === 0) options.onlyPresent = true;
    else if (word === "ifeq" && !onlyNew && !onlyPresent && i + 1 < request.count) {
      options.expected = ++i;
    } else if (word === "get") options.get = true;
    else if (word === "keepttl" && options.unit === null) options.keepTtl = true;
    else if (unit !== undefined && admits(options, unit) && i + 1 < request.count) {
      options.unit = unit;
      options.time = ++i;
    } else {
      error(replies, Refusal.SYNTAX);
      return null;
    }
  }
  return options;
}

/** The same option may come twice; the last one counts. */
function admits(options: SetOptions, unit: Unit): boolean {
  return !options.keepTtl && (options.unit === null || options.unit === unit);
}

function setnx(context: Context): void {
  if (!takeNewKey(context)) return;
  const { keyspace, replies } = context;
  const result = put(context, 2, 0, false, keyspace.noValue);
  if (result === Result.FULL) error(replies, Refusal.FULL);
  else integer(replies, result === Result.DONE ? 1 : 0);
}

/** SETEX and PSETEX. */
function setWithExpiry(context: Context, command: string, unit: Unit): void {
  if (!takeNewKey(context)) return;
  const expiresAtMs = expiryOf(context, 2, unit, command);
  if (expiresAtMs === null) return;
  answerPut(context, put(context, 3, expiresAtMs, true, context.keyspace.noValue));
}

function answerPut({ replies }: Context, result: Result): void {
  if (result === Result.FULL) error(replies, Refusal.FULL);
  else simple(replies, OK);
}

const FLAGS = ["write", "denyoom"];

export const setCommands: readonly Command[] = [
  { name: "set", arity: -3, flags: FLAGS, keys: ONE_KEY, run: set },
  { name: "delifeq", arity: 3, flags: ["write", "fast"], keys: ONE_KEY, run: deleteIfEqual },
  { name: "setnx", arity: 3, flags: [...FLAGS, "fast"], keys: ONE_KEY, run: setnx },
  {
    name: "setex",
    arity: 4,
    flags: FLAGS,
    keys: ONE_KEY,
    run: (context) => setWithExpiry(context, "setex", SECONDS),
  },
  {
    name: "psetex",
    arity: 4,
    flags: FLAGS,
    keys: ONE_KEY,
    run: (context) => setWithExpiry(context, "psetex", MILLISECONDS),
  },
];
