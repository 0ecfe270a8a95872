/** MULTI and what belongs to it: commands that are carried out in one turn, or not at all. */

import { spanOfName } from "../../store/name.ts";
import { takeKey } from "./arguments.ts";
import { ALL_KEYS, type Command, type Context, NO_KEYS } from "./context.ts";
import { array, error, MAX_REPLY_BYTES, noArray, OK, Refusal, simple } from "./forms.ts";
import { Request } from "./request.ts";
import { MAX_QUEUED, Transaction } from "./transaction.ts";
import { MAX_WATCHED } from "./watches.ts";

/** Most bytes of values that a transaction copies, before what is left of it is refused: some 50 ms. */
const MAX_COPIED_BYTES = 64 * 1024 * 1024;
const TOO_LONG = "ERR not carried out: the transaction has copied 64 MiB of values before";

const NOT_LATER =
  "ERR this server stands before an engine, where each command is by itself: no MULTI, no WATCH";

function multi({ client, keyspace, replies }: Context): void {
  if (keyspace.answersLater) {
    error(replies, NOT_LATER);
    return;
  }
  if (client.transaction !== null) {
    error(replies, "ERR MULTI calls can not be nested");
    return;
  }
  client.transaction = new Transaction();
  simple(replies, OK);
}

/** Queues the request at hand, whose command exists and has as many words as it takes. */
export function queue(
  { client, request, replies }: Context,
  transaction: Transaction,
  weight: number,
): void {
  if (transaction.isAborted || transaction.add(request, weight)) {
    simple(replies, "QUEUED");
    client.lastCommand = "multi";
    return;
  }
  transaction.abort();
  error(replies, `ERR the transaction is too large: ${MAX_QUEUED} commands, 4 MiB`);
}

/** @param run carries out the request at hand */
export function makeTransactionCommands(run: (context: Context) => void): readonly Command[] {
  return [
    { name: "multi", arity: 1, flags: FLAGS, keys: NO_KEYS, isImmediate: true, run: multi },
    {
      name: "exec",
      arity: 1,
      flags: ["noscript", "loading", "stale", "skip_slowlog"],
      keys: NO_KEYS,
      isImmediate: true,
      run: (context) => exec(context, run),
    },
    { name: "discard", arity: 1, flags: FLAGS, keys: NO_KEYS, isImmediate: true, run: discard },
    { name: "watch", arity: -2, flags: FLAGS, keys: ALL_KEYS, isImmediate: true, run: watch },
    { name: "unwatch", arity: 1, flags: FLAGS, keys: NO_KEYS, run: unwatch },
  ];
}

const FLAGS = ["noscript", "loading", "stale", "fast"];

/** An EXEC with a word too many ends the transaction. */
export function refuseExec({ client, door, replies }: Context): void {
  client.transaction = null;
  door.watches.unwatch(client);
  error(
    replies,
    "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
  );
}

function exec(context: Context, run: (context: Context) => void): void {
  const { client, door, replies } = context;
  const { transaction } = client;
  if (transaction === null) {
    error(replies, "ERR EXEC without MULTI");
    return;
  }
  const isChanged = hasWatchedChange(context);
  client.transaction = null;
  door.watches.unwatch(client);
  if (transaction.isAborted) {
    error(replies, "EXECABORT Transaction discarded because of previous errors.");
  } else if (isChanged) noArray(context);
  else carryOut(context, transaction, run);
}

/** A key that expires without anybody looking has changed too. */
function hasWatchedChange({ client, door: { watches }, keyspace }: Context): boolean {
  for (const name of watches.namesOf(client)) {
    Object.assign(keyspace.key, spanOfName(name));
    keyspace.peek();
  }
  const isChanged = watches.isChanged(client);
  // That may be somebody else's change, which is not settled yet.
  if (isChanged) keyspace.dependOnAll();
  return isChanged;
}

function carryOut(
  context: Context,
  { bytes, count }: Transaction,
  run: (context: Context) => void,
): void {
  const { client, keyspace, replies, request: outer } = context;
  const start = replies.length;
  const takenBack = replies.takenBack;
  array(replies, count);
  const request = new Request();
  context.request = request;
  client.isInExec = true;
  try {
    for (let at = 0; at < bytes.length;) {
      const length = request.read(bytes, at, bytes.length);
      const before = replies.length;
      const repliedBytes = before - start + replies.takenBack - takenBack;
      if (repliedBytes + keyspace.copiedBytes > MAX_COPIED_BYTES) error(replies, TOO_LONG);
      else run(context);
      if (replies.length - start > MAX_REPLY_BYTES) {
        // It was carried out all the same.
        replies.takeBack(before);
        error(replies, Refusal.REPLY);
      }
      request.release();
      at += length;
    }
  } finally {
    context.request = outer;
    client.isInExec = false;
  }
}

function discard({ client, door, replies }: Context): void {
  if (client.transaction === null) {
    error(replies, "ERR DISCARD without MULTI");
    return;
  }
  client.transaction = null;
  door.watches.unwatch(client);
  simple(replies, OK);
}

function watch(context: Context): void {
  const { client, door: { watches }, keyspace, request, replies } = context;
  if (keyspace.answersLater) {
    error(replies, NOT_LATER);
    return;
  }
  if (client.transaction !== null) {
    error(replies, "ERR WATCH inside MULTI is not allowed");
    return;
  }
  for (let i = 1; i < request.count; i++) {
    takeKey(context, i);
    // What has expired by now must not count as changing later.
    const isThere = keyspace.peek();
    if (watches.watch(client, keyspace.key, isThere)) continue;
    watches.unwatch(client);
    error(replies, `ERR a connection watches at most ${MAX_WATCHED} keys; now it watches none`);
    return;
  }
  simple(replies, OK);
}

function unwatch({ client, door, replies }: Context): void {
  door.watches.unwatch(client);
  simple(replies, OK);
}
