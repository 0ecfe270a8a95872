/** Commands about the connection itself, which clients send when they connect. */

import { VERSION } from "../../version.ts";
import { takeInteger } from "./arguments.ts";
import { type Command, type Context, NO_KEYS } from "./context.ts";
import { array, bulk, error, integer, none, OK, simple } from "./forms.ts";
import {
  MAX_QUOTED,
  performSubcommand,
  quoted,
  refuseWords,
  type Subcommand,
} from "./subcommands.ts";

function ping(context: Context): void {
  const { request, replies } = context;
  if (request.count === 1) simple(replies, "PONG");
  else if (request.count === 2) bulk(replies, request.latin1(1));
  else refuseWords(context, "ping");
}

function select(context: Context): void {
  const index = takeInteger(context, 1);
  if (index === null) return;
  if (index === 0n) simple(context.replies, OK);
  else error(context.replies, "ERR DB index is out of range");
}

function quit(context: Context): void {
  simple(context.replies, OK);
  context.isOver = true;
}

const CLIENT: ReadonlyMap<string, Subcommand> = new Map([
  ["id", { arity: 2, run: ({ id, replies }) => integer(replies, id) }],
  ["getname", { arity: 2, run: getName }],
  ["setname", { arity: 3, run: (context) => setName(context, 2) && simple(context.replies, OK) }],
  ["setinfo", { arity: 4, run: setInfo }],
]);

const MAX_NAME_BYTES = 256;

function getName({ name, replies }: Context): void {
  if (name === "") none(replies);
  else bulk(replies, name);
}

function setName(context: Context, argument: number): boolean {
  if (context.request.lengthOf(argument) > MAX_NAME_BYTES) {
    error(context.replies, `ERR a client name has at most ${MAX_NAME_BYTES} bytes here`);
    return false;
  }
  const name = context.request.latin1(argument);
  if (/^[!-~]*$/.test(name)) {
    context.name = name;
    return true;
  }
  error(
    context.replies,
    "ERR Client names cannot contain spaces, newlines or special characters.",
  );
  return false;
}

/** The client's library is not reported anywhere, so the option is only checked. */
function setInfo({ request, replies }: Context): void {
  if (request.is(2, "lib-name") || request.is(2, "lib-ver")) simple(replies, OK);
  else error(replies, `ERR Unrecognized option '${quoted(request.latin1(2), MAX_QUOTED)}'`);
}

function hello(context: Context): void {
  const { request, replies } = context;
  if (request.count > 1 && !request.is(1, "2")) {
    const isNumber = /^-?\d{1,18}$/.test(request.latin1(1));
    error(
      replies,
      isNumber
        ? "NOPROTO unsupported protocol version"
        : "ERR Protocol version is not an integer or out of range",
    );
    return;
  }
  for (let i = 2; i < request.count; i++) {
    if (request.is(i, "setname") && i + 1 < request.count) {
      if (!setName(context, ++i)) return;
    } else {
      const option = quoted(request.latin1(i), MAX_QUOTED);
      error(replies, `ERR Syntax error in HELLO option '${option}'`);
      return;
    }
  }
  describe(context);
}

function describe({ id, replies }: Context): void {
  array(replies, 14);
  for (const text of ["server", "kilogram", "version", VERSION, "proto"]) bulk(replies, text);
  integer(replies, 2);
  bulk(replies, "id");
  integer(replies, id);
  for (const text of ["mode", "standalone", "role", "master", "modules"]) bulk(replies, text);
  array(replies, 0);
}

const FLAGS = ["noscript", "loading", "stale", "fast"];

export const sessionCommands: readonly Command[] = [
  { name: "ping", arity: -1, flags: ["fast"], keys: NO_KEYS, run: ping },
  {
    name: "echo",
    arity: 2,
    flags: ["fast"],
    keys: NO_KEYS,
    run: ({ request, replies }) => bulk(replies, request.latin1(1)),
  },
  { name: "select", arity: 2, flags: FLAGS, keys: NO_KEYS, run: select },
  {
    name: "client",
    arity: -2,
    flags: FLAGS,
    keys: NO_KEYS,
    run: (context) => performSubcommand(context, "client", CLIENT),
  },
  { name: "hello", arity: -1, flags: FLAGS, keys: NO_KEYS, run: hello },
  { name: "quit", arity: -1, flags: FLAGS, keys: NO_KEYS, run: quit },
];
