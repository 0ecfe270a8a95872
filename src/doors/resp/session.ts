/** Commands about the connection itself, which clients send when they connect. */

import { authenticate } from "./authentication.ts";
import { setName } from "./client_commands.ts";
import { takeInteger } from "./arguments.ts";
import type { Protocol } from "./client.ts";
import { type Command, type Context, NO_KEYS } from "./context.ts";
import { array, bulk, error, integer, map, OK, Refusal, simple } from "./forms.ts";
import { REDIS_VERSION } from "./server_info.ts";
import { MAX_QUOTED, quoted, refuseWords } from "./subcommands.ts";

function ping(context: Context): void {
  const { request, replies, keyspace } = context;
  if (request.count <= 2 && keyspace.outage !== null) error(replies, `ERR ${keyspace.outage}`);
  else if (request.count === 1) simple(replies, "PONG");
  else if (request.count === 2) bulk(replies, request.latin1(1));
  else refuseWords(context, "ping");
}

function select(context: Context): void {
  const index = takeInteger(context, 1);
  if (index === null) return;
  context.client.isElsewhere = index !== 0n;
  if (index === 0n) simple(context.replies, OK);
  else error(context.replies, Refusal.DB);
}

function quit(context: Context): void {
  simple(context.replies, OK);
  context.isOver = true;
}

/** As after connecting: version 2, no transaction, no name, and no password given. */
function reset({ client, door, replies }: Context): void {
  client.transaction = null;
  door.watches.unwatch(client);
  client.protocol = 2;
  client.name = "";
  client.isElsewhere = false;
  client.isTrusted = door.password === null;
  simple(replies, "RESET");
}

/** What HELLO asks for. */
interface Greeting {
  protocol: Protocol | null;
  /** The argument that is the user, with the password behind it; 0 if there is none. */
  user: number;
  /** The argument that is the name of the connection; 0 if there is none. */
  name: number;
}

function hello(context: Context): void {
  const greeting = readGreeting(context);
  if (greeting === null) return;
  const { protocol, user, name } = greeting;
  const { client, replies } = context;
  if (user > 0 && !authenticate(context, user, user + 1)) return;
  if (!client.isTrusted) {
    error(
      replies,
      "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO " +
        "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the " +
        "RESP protocol version at the same time",
    );
    return;
  }
  if (name > 0 && !setName(context, name)) return;
  if (protocol !== null) client.protocol = protocol;
  describe(context);
}

/** @returns null after replying with an error */
function readGreeting({ request, replies }: Context): Greeting | null {
  const greeting: Greeting = { protocol: null, user: 0, name: 0 };
  if (request.count === 1) return greeting;
  const version = request.latin1(1);
  if (version !== "2" && version !== "3") {
    const isNumber = /^-?(?:0|[1-9]\d{0,17})$/.test(version);
    error(
      replies,
      isNumber
        ? "NOPROTO unsupported protocol version"
        : "ERR Protocol version is not an integer or out of range",
    );
    return null;
  }
  greeting.protocol = version === "2" ? 2 : 3;
  for (let i = 2; i < request.count; i++) {
    if (request.is(i, "auth") && i + 2 < request.count) {
      greeting.user = i + 1;
      i += 2;
    } else if (request.is(i, "setname") && i + 1 < request.count) greeting.name = ++i;
    else {
      const option = quoted(request.latin1(i), MAX_QUOTED);
      error(replies, `ERR Syntax error in HELLO option '${option}'`);
      return null;
    }
  }
  return greeting;
}

/** It says that it is Redis: libraries decide by these what they may use. */
function describe(context: Context): void {
  const { client, replies } = context;
  map(context, 7);
  for (const text of ["server", "redis", "version", REDIS_VERSION, "proto"]) bulk(replies, text);
  integer(replies, client.protocol);
  bulk(replies, "id");
  integer(replies, client.id);
  for (const text of ["mode", "standalone", "role", "master", "modules"]) bulk(replies, text);
  array(replies, 0);
}

/** Within MULTI too, and without a password. */
const AT_ONCE = { isImmediate: true, isOpen: true };
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
  { name: "hello", arity: -1, flags: FLAGS, keys: NO_KEYS, isOpen: true, run: hello },
  { ...{ name: "quit", arity: -1, flags: FLAGS, keys: NO_KEYS, run: quit }, ...AT_ONCE },
  { ...{ name: "reset", arity: 1, flags: FLAGS, keys: NO_KEYS, run: reset }, ...AT_ONCE },
];
