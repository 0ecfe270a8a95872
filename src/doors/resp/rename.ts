/** Commands that give a value another key. */

import { NONE, Result } from "../../store/store.ts";
import { takeKey, takeNewKey } from "./arguments.ts";
import { type Command, type Context, TWO_KEYS } from "./context.ts";
import { error, integer, OK, Refusal, simple } from "./forms.ts";

const [FROM, TO] = [1, 2];

/** RENAME and RENAMENX. @param onlyNew whether a key that exists is left as it is */
function rename(context: Context, onlyNew: boolean): void {
  const { keyspace, replies } = context;
  takeKey(context, FROM);
  // One look only: the key may expire before another.
  const { length, expiresAtMs } = keyspace.copy();
  if (length === NONE) error(replies, Refusal.NO_SUCH_KEY);
  else if (isSameKey(context)) answer(context, onlyNew, false);
  else if (takeNewKey(context, TO)) {
    if (onlyNew && keyspace.peek()) integer(replies, 0);
    else if (keyspace.setScratch(length, expiresAtMs) === Result.FULL) error(replies, Refusal.FULL);
    else {
      takeKey(context, FROM);
      if (keyspace.delete(keyspace.noValue) === Result.FULL) error(replies, Refusal.FULL);
      else answer(context, onlyNew, true);
    }
  }
}

function answer({ replies }: Context, onlyNew: boolean, isDone: boolean): void {
  if (onlyNew) integer(replies, isDone ? 1 : 0);
  else simple(replies, OK);
}

function isSameKey({ request }: Context): boolean {
  return request.latin1(FROM) === request.latin1(TO);
}

function copy(context: Context): void {
  const { keyspace, replies } = context;
  const replaces = readOptions(context);
  if (replaces === null) return;
  if (isSameKey(context)) {
    error(replies, "ERR source and destination objects are the same");
    return;
  }
  takeKey(context, FROM);
  const { length, expiresAtMs } = keyspace.copy();
  if (length === NONE) {
    integer(replies, 0);
    return;
  }
  if (!takeNewKey(context, TO)) return;
  if (!replaces && keyspace.peek()) integer(replies, 0);
  else if (keyspace.setScratch(length, expiresAtMs) === Result.FULL) error(replies, Refusal.FULL);
  else integer(replies, 1);
}

/** @returns whether a key that exists is replaced; null after replying with an error */
function readOptions({ request, replies }: Context): boolean | null {
  let replaces = false;
  for (let i = 3; i < request.count; i++) {
    if (request.is(i, "replace")) replaces = true;
    else if (request.is(i, "db") && i + 1 < request.count) {
      const index = request.latin1(++i);
      if (index === "0") continue;
      error(replies, /^-?\d{1,18}$/.test(index) ? Refusal.DB : Refusal.NOT_AN_INTEGER);
      return null;
    } else {
      error(replies, Refusal.SYNTAX);
      return null;
    }
  }
  return replaces;
}

const FLAGS = ["write"];

export const renameCommands: readonly Command[] = [
  { name: "rename", arity: 3, flags: FLAGS, keys: TWO_KEYS, run: (c) => rename(c, false) },
  {
    name: "renamenx",
    arity: 3,
    flags: [...FLAGS, "fast"],
    keys: TWO_KEYS,
    run: (context) => rename(context, true),
  },
  { name: "copy", arity: -3, flags: [...FLAGS, "denyoom"], keys: TWO_KEYS, run: copy },
];
