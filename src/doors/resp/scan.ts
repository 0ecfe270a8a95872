/** Commands about all keys, and those that match a pattern. */

import { Buffer } from "node:buffer";
import { Result, type Span, spanOf } from "../../store/store.ts";
import { takeInteger } from "./arguments.ts";
import { type Command, type Context, NO_KEYS } from "./context.ts";
import {
  array,
  bulk,
  error,
  integer,
  MAX_REPLY_BYTES,
  none,
  OK,
  Refusal,
  simple,
} from "./forms.ts";
import { Glob, literalPrefixOf, MAX_PATTERN_BYTES, PATTERN_TOO_LONG } from "./glob.ts";

const DEFAULT_COUNT = 10;
/** Most comparisons of characters for KEYS: some 50 ms. */
const MAX_LOOKS = 8 * 1024 * 1024;
/** A larger COUNT means no more. */
const MAX_COUNT = 4_096;

/** A page takes 0.5 ms at most, and all pages of KEYS some 50: two of these have room in a transaction. */
const WEIGHT_OF_PAGE = 128;
const WEIGHT_OF_ALL = 8_192;

interface ScanOptions {
  readonly pattern: string;
  readonly count: number;
  /** Whether strings are wanted: there is nothing else here. */
  readonly wantsStrings: boolean;
}

function scan(context: Context): void {
  const { keyspace, request, replies } = context;
  const cursor = request.latin1(1);
  if (!/^\d{1,20}$/.test(cursor)) {
    error(replies, BAD_CURSOR);
    return;
  }
  const options = readOptions(context);
  if (options === null) return;
  const { pattern, count, wantsStrings } = options;
  const from = Number(cursor);
  const isOurs = from <= Number.MAX_SAFE_INTEGER &&
    keyspace.scan(prefixOf(pattern), from, count) === Result.DONE;
  if (!isOurs) {
    error(replies, BAD_CURSOR);
    return;
  }
  const glob = new Glob(pattern);
  const keys = [...keyspace.pageKeys()].filter((key) => wantsStrings && glob.matches(key));
  keyspace.copiedBytes += glob.looks;
  array(replies, 2);
  bulk(replies, String(keyspace.page.cursor));
  array(replies, keys.length);
  for (const key of keys) bulk(replies, key);
}

const BAD_CURSOR = "ERR invalid cursor";

/** @returns null after replying with an error */
function readOptions(context: Context): ScanOptions | null {
  const { request, replies } = context;
  let options: ScanOptions = { pattern: "*", count: DEFAULT_COUNT, wantsStrings: true };
  for (let i = 2; i < request.count; i += 2) {
    if (i + 1 < request.count && request.is(i, "match")) {
      if (request.lengthOf(i + 1) > MAX_PATTERN_BYTES) {
        error(replies, PATTERN_TOO_LONG);
        return null;
      }
      options = { ...options, pattern: request.latin1(i + 1) };
    } else if (i + 1 < request.count && request.is(i, "type")) {
      options = { ...options, wantsStrings: request.is(i + 1, "string") };
    } else if (i + 1 < request.count && request.is(i, "count")) {
      const count = takeInteger(context, i + 1);
      if (count === null) return null;
      if (count < 1n) {
        error(replies, Refusal.SYNTAX);
        return null;
      }
      options = { ...options, count: Number(count < MAX_COUNT ? count : MAX_COUNT) };
    } else {
      error(replies, Refusal.SYNTAX);
      return null;
    }
  }
  return options;
}

/** What the store looks for, before the rest of the pattern is compared. */
function prefixOf(pattern: string): Span {
  return spanOf(Buffer.from(literalPrefixOf(pattern), "latin1"));
}

function keys(context: Context): void {
  const { keyspace, request, replies } = context;
  if (request.lengthOf(1) > MAX_PATTERN_BYTES) {
    error(replies, PATTERN_TOO_LONG);
    return;
  }
  const pattern = request.latin1(1);
  const glob = new Glob(pattern);
  const found: string[] = [];
  let bytes = 0;
  const all = keyspace.scanAll(prefixOf(pattern));
  for (let next = all.next();; next = all.next()) {
    if (next.done === true && next.value) break;
    if (next.done === true || glob.looks > MAX_LOOKS) {
      error(replies, "ERR there are too many keys to look at them all at once: use SCAN");
      return;
    }
    if (!glob.matches(next.value)) continue;
    found.push(next.value);
    bytes += next.value.length;
    if (bytes <= MAX_REPLY_BYTES) continue;
    error(replies, "ERR the reply would be larger than 4 MiB: use SCAN");
    return;
  }
  keyspace.copiedBytes += glob.looks;
  array(replies, found.length);
  for (const key of found) bulk(replies, key);
}

function randomKey(context: Context): void {
  const key = context.keyspace.randomKey();
  if (key === null) none(context);
  else bulk(context.replies, key);
}

/** FLUSHDB and FLUSHALL. A client that asked for another database does not mean this one. */
function flush({ client, keyspace, request, replies }: Context): void {
  const isPlain = request.count === 1 ||
    (request.count === 2 && (request.is(1, "async") || request.is(1, "sync")));
  if (!isPlain) error(replies, Refusal.SYNTAX);
  else if (client.isElsewhere) {
    error(replies, "ERR there is only database 0, and this connection asked for another: SELECT 0");
  } else if (client.isInExec && keyspace.dropsLater) {
    error(replies, "ERR a durable store can't drop its keys within a transaction");
  } else {
    const result = keyspace.drop(EVERYTHING);
    if (result === Result.DONE) simple(replies, OK);
    else error(replies, Refusal.FULL);
  }
}

const EVERYTHING: Span = spanOf(new Uint8Array(0));

const READ = ["readonly"];
const WRITE = ["write"];

export const scanCommands: readonly Command[] = [
  { name: "scan", arity: -2, flags: READ, keys: NO_KEYS, weight: WEIGHT_OF_PAGE, run: scan },
  { name: "keys", arity: 2, flags: READ, keys: NO_KEYS, weight: WEIGHT_OF_ALL, run: keys },
  {
    name: "randomkey",
    arity: 1,
    flags: READ,
    keys: NO_KEYS,
    weight: WEIGHT_OF_PAGE,
    run: randomKey,
  },
  { name: "flushdb", arity: -1, flags: WRITE, keys: NO_KEYS, weight: WEIGHT_OF_PAGE, run: flush },
  { name: "flushall", arity: -1, flags: WRITE, keys: NO_KEYS, weight: WEIGHT_OF_PAGE, run: flush },
  {
    name: "dbsize",
    arity: 1,
    flags: [...READ, "fast"],
    keys: NO_KEYS,
    run: ({ keyspace, replies }) => integer(replies, keyspace.counts.count),
  },
];
