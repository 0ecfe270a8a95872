/** Commands about keys, whatever their values. */

import { Result } from "../../store/store.ts";
import { haveKeys, takeKey } from "./arguments.ts";
import { ALL_KEYS, type Command, type Context, NO_KEYS, ONE_KEY } from "./context.ts";
import { integer, simple } from "./forms.ts";

/** DEL and UNLINK. */
function remove(context: Context): void {
  const { store, key, noValue } = context.keyspace;
  count(context, () => store.delete(key, noValue) === Result.DONE);
}

function exists(context: Context): void {
  count(context, () => context.keyspace.exists());
}

/** Of how many keys something is true. */
function count(context: Context, isTrue: () => boolean): void {
  if (!haveKeys(context)) return;
  const { keyspace, request, replies } = context;
  let hits = 0;
  for (let i = 1; i < request.count; i++) {
    request.show(i, keyspace.key);
    if (isTrue()) hits++;
  }
  integer(replies, hits);
}

function type(context: Context): void {
  if (!takeKey(context)) return;
  const { store, key, noValue } = context.keyspace;
  simple(context.replies, store.exists(key, noValue) === Result.DONE ? "string" : "none");
}

const READ = ["readonly", "fast"];

export const keyCommands: readonly Command[] = [
  { name: "del", arity: -2, flags: ["write"], keys: ALL_KEYS, run: remove },
  { name: "unlink", arity: -2, flags: ["write", "fast"], keys: ALL_KEYS, run: remove },
  { name: "exists", arity: -2, flags: READ, keys: ALL_KEYS, run: exists },
  { name: "type", arity: 2, flags: READ, keys: ONE_KEY, run: type },
  {
    name: "dbsize",
    arity: 1,
    flags: READ,
    keys: NO_KEYS,
    run: ({ keyspace, replies }) => integer(replies, keyspace.store.count),
  },
];
