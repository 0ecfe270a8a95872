/** Commands about keys, whatever their values. */

import { Result } from "../../store/store.ts";
import { takeKey } from "./arguments.ts";
import { ALL_KEYS, type Command, type Context, ONE_KEY } from "./context.ts";
import { error, integer, Refusal, simple } from "./forms.ts";

/** DEL and UNLINK. */
function remove(context: Context): void {
  const { keyspace, request, replies } = context;
  let removed = 0;
  for (let i = 1; i < request.count; i++) {
    request.show(i, keyspace.key);
    const result = keyspace.delete(keyspace.noValue);
    if (result === Result.FULL) {
      error(replies, Refusal.FULL);
      return;
    }
    if (result === Result.DONE) removed++;
  }
  integer(replies, removed);
}

function exists(context: Context): void {
  const { keyspace, request, replies } = context;
  let hits = 0;
  for (let i = 1; i < request.count; i++) {
    request.show(i, keyspace.key);
    if (keyspace.exists()) hits++;
  }
  integer(replies, hits);
}

function type(context: Context): void {
  takeKey(context);
  simple(context.replies, context.keyspace.peek() ? "string" : "none");
}

const READ = ["readonly", "fast"];

export const keyCommands: readonly Command[] = [
  { name: "del", arity: -2, flags: ["write"], keys: ALL_KEYS, run: remove },
  { name: "unlink", arity: -2, flags: ["write", "fast"], keys: ALL_KEYS, run: remove },
  { name: "exists", arity: -2, flags: READ, keys: ALL_KEYS, run: exists },
  { name: "touch", arity: -2, flags: READ, keys: ALL_KEYS, run: exists },
  { name: "type", arity: 2, flags: READ, keys: ONE_KEY, run: type },
];
