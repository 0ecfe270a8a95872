/** Commands by which tools look at keys, and at the time. */

import { NONE } from "../../store/store.ts";
import { parseNumber } from "../../store/number.ts";
import { takeInteger, takeKey } from "./arguments.ts";
import { type Command, type Context, NO_KEYS, type Subcommand } from "./context.ts";
import { array, bulk, error, integer, none, Refusal } from "./forms.ts";
import { performSubcommand, tellHelp } from "./subcommands.ts";

/** Up to this length Redis keeps a string with its object, which it calls embstr. */
const MAX_EMBEDDED_BYTES = 44;
/** What an item takes besides its key and value: in the log, and in the index. */
const ITEM_BYTES = 8 + 10;

function time({ keyspace, replies }: Context): void {
  const { wallNowMs } = keyspace.clock;
  array(replies, 2);
  bulk(replies, String(Math.floor(wallNowMs / 1_000)));
  bulk(replies, String((wallNowMs % 1_000) * 1_000));
}

/** There are no replicas to wait for. */
function wait(context: Context): void {
  const replicas = takeInteger(context, 1);
  const timeoutMs = replicas === null ? null : takeInteger(context, 2, "timeout");
  if (replicas === null || timeoutMs === null) return;
  if (timeoutMs < 0n) error(context.replies, "ERR timeout is negative");
  else integer(context.replies, 0);
}

/** The name that Redis would have for the value's form. */
function encoding(context: Context): void {
  takeKey(context, 2);
  const { keyspace, replies } = context;
  const { length } = keyspace.copy();
  if (length === NONE) none(context);
  else if (parseNumber(keyspace.scratch, 0, length) !== null) bulk(replies, "int");
  else bulk(replies, length <= MAX_EMBEDDED_BYTES ? "embstr" : "raw");
}

function referenceCount(context: Context): void {
  takeKey(context, 2);
  if (context.keyspace.peek()) integer(context.replies, 1);
  else none(context);
}

function notKept(context: Context): void {
  error(context.replies, "ERR how often and when a key was used is not kept here");
}

const OBJECT: ReadonlyMap<string, Subcommand> = new Map([
  ["encoding", { arity: 3, run: encoding }],
  ["refcount", { arity: 3, run: referenceCount }],
  ["idletime", { arity: 3, run: notKept }],
  ["freq", { arity: 3, run: notKept }],
  ["help", {
    arity: 2,
    run: (context: Context) =>
      tellHelp(context, "OBJECT", ["ENCODING <key>, REFCOUNT <key>", "    About its value."]),
  }],
]);

/** SAMPLES means nothing for a string. */
function usage(context: Context): void {
  const { keyspace, request, replies } = context;
  if (request.count > 3 && !(request.count === 5 && request.is(3, "samples"))) {
    error(replies, Refusal.SYNTAX);
    return;
  }
  takeKey(context, 2);
  if (keyspace.peek()) integer(replies, keyspace.key.length + keyspace.noValue.length + ITEM_BYTES);
  else none(context);
}

const MEMORY: ReadonlyMap<string, Subcommand> = new Map([
  ["usage", { arity: -3, run: usage }],
  ["help", {
    arity: 2,
    run: (context: Context) =>
      tellHelp(context, "MEMORY", ["USAGE <key>", "    Bytes of a key and its value."]),
  }],
]);

const READ = ["readonly"];

export const inspectionCommands: readonly Command[] = [
  {
    name: "cluster",
    arity: -2,
    flags: ["stale"],
    keys: NO_KEYS,
    run: ({ replies }) => error(replies, "ERR This instance has cluster support disabled"),
  },
  { name: "time", arity: 1, flags: ["loading", "stale", "fast"], keys: NO_KEYS, run: time },
  { name: "wait", arity: 3, flags: ["noscript"], keys: NO_KEYS, run: wait },
  {
    name: "object",
    arity: -2,
    flags: READ,
    keys: [2, 2, 1],
    subcommands: OBJECT,
    run: (context) => performSubcommand(context, "object", OBJECT),
  },
  {
    name: "memory",
    arity: -2,
    flags: READ,
    keys: NO_KEYS,
    subcommands: MEMORY,
    run: (context) => performSubcommand(context, "memory", MEMORY),
  },
];
