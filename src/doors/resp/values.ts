/** Commands that read values, and commands that write them unchanged. */

import { Result } from "../../store/store.ts";
import { areNewKeys, put, takeKey, takeNewKey } from "./arguments.ts";
import { ALL_KEYS, type Command, type Context, EVERY_OTHER, ONE_KEY } from "./context.ts";
import {
  array,
  bulkFound,
  error,
  integer,
  intoReply,
  MAX_REPLY_BYTES,
  OK,
  Refusal,
  simple,
} from "./forms.ts";
import { refuseWords } from "./subcommands.ts";

function get(context: Context): void {
  takeKey(context);
  const { keyspace, replies } = context;
  keyspace.get(intoReply(replies, keyspace.found));
  bulkFound(context, keyspace.found);
}

function strlen(context: Context): void {
  takeKey(context);
  const { keyspace, replies } = context;
  integer(replies, keyspace.get(keyspace.noValue) ? keyspace.noValue.length : 0);
}

function mget(context: Context): void {
  const { keyspace, request, replies } = context;
  const start = replies.length;
  array(replies, request.count - 1);
  for (let i = 1; i < request.count; i++) {
    request.show(i, keyspace.key);
    keyspace.get(intoReply(replies, keyspace.found));
    bulkFound(context, keyspace.found);
    if (replies.length - start <= MAX_REPLY_BYTES) continue;
    replies.takeBack(start);
    error(replies, Refusal.REPLY);
    return;
  }
}

function mset(context: Context): void {
  const { request, replies } = context;
  if (request.count % 2 === 0) {
    refuseWords(context, "mset");
    return;
  }
  if (!areNewKeys(context, 2)) return;
  if (putAll(context)) simple(replies, OK);
  else error(replies, Refusal.FULL);
}

/** Stores all or, if one of the keys is there, none. */
function msetnx(context: Context): void {
  const { keyspace, request, replies } = context;
  if (request.count % 2 === 0) {
    refuseWords(context, "msetnx");
    return;
  }
  if (!areNewKeys(context, 2)) return;
  for (let i = 1; i < request.count; i += 2) {
    takeKey(context, i);
    if (!keyspace.peek()) continue;
    integer(replies, 0);
    return;
  }
  if (putAll(context)) integer(replies, 1);
  else error(replies, Refusal.FULL);
}

/** @returns false if there is no room for some */
function putAll(context: Context): boolean {
  const { keyspace, request } = context;
  for (let i = 1; i < request.count; i += 2) {
    takeKey(context, i);
    if (put(context, i + 1, 0, true, keyspace.noValue) === Result.FULL) return false;
  }
  return true;
}

function getdel(context: Context): void {
  takeKey(context);
  const { keyspace, replies } = context;
  const result = keyspace.delete(intoReply(replies, keyspace.found));
  if (result === Result.FULL) error(replies, Refusal.FULL);
  else bulkFound(context, keyspace.found);
}

function getset(context: Context): void {
  if (!takeNewKey(context)) return;
  const { keyspace, replies } = context;
  const result = put(context, 2, 0, true, intoReply(replies, keyspace.found));
  if (result === Result.FULL) error(replies, Refusal.FULL);
  else bulkFound(context, keyspace.found);
}

const READ = ["readonly", "fast"];

export const valueCommands: readonly Command[] = [
  { name: "get", arity: 2, flags: READ, keys: ONE_KEY, run: get },
  { name: "strlen", arity: 2, flags: READ, keys: ONE_KEY, run: strlen },
  { name: "mget", arity: -2, flags: READ, keys: ALL_KEYS, run: mget },
  { name: "mset", arity: -3, flags: ["write", "denyoom"], keys: EVERY_OTHER, run: mset },
  { name: "msetnx", arity: -3, flags: ["write", "denyoom"], keys: EVERY_OTHER, run: msetnx },
  {
    name: "getset",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: ONE_KEY,
    run: getset,
  },
  { name: "getdel", arity: 2, flags: ["write", "fast"], keys: ONE_KEY, run: getdel },
];
