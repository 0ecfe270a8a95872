/** CLIENT: what the server knows of its connections. */

import type { Client } from "./client.ts";
import { type Command, type Context, NO_KEYS, type Subcommand } from "./context.ts";
import { bulk, error, integer, none, OK, Refusal, simple, verbatim } from "./forms.ts";
import { MAX_QUOTED, performSubcommand, quoted, tellHelp } from "./subcommands.ts";

const MAX_NAME_BYTES = 256;
const NAME = /^[!-~]*$/;

function getName(context: Context): void {
  const { name } = context.client;
  if (name === "") none(context);
  else bulk(context.replies, name);
}

/** @returns false after replying with an error */
export function setName(context: Context, argument: number): boolean {
  const name = takeName(context, argument, "Client names");
  if (name !== null) context.client.name = name;
  return name !== null;
}

function takeName({ request, replies }: Context, argument: number, what: string): string | null {
  if (request.lengthOf(argument) > MAX_NAME_BYTES) {
    error(replies, `ERR a client name has at most ${MAX_NAME_BYTES} bytes here`);
    return null;
  }
  const name = request.latin1(argument);
  if (NAME.test(name)) return name;
  error(replies, `ERR ${what} cannot contain spaces, newlines or special characters.`);
  return null;
}

function setInfo(context: Context): void {
  const { client, request, replies } = context;
  const option = request.latin1(2);
  const isName = request.is(2, "lib-name");
  if (!isName && !request.is(2, "lib-ver")) {
    error(replies, `ERR Unrecognized option '${quoted(option, MAX_QUOTED)}'`);
    return;
  }
  const text = takeName(context, 3, option);
  if (text === null) return;
  if (isName) client.libraryName = text;
  else client.libraryVersion = text;
  simple(replies, OK);
}

/** What Redis tells of a connection besides, and libraries read, although it is nothing here. */
const ZEROS = [
  ...["db", "sub", "psub", "ssub", "qbuf", "qbuf-free", "argv-mem", "rbs", "rbp", "obl", "oll"],
  "omem",
];

/** One line about a connection, in the form of Redis. */
function lineOf(client: Client, nowMs: number): string {
  const seconds = (sinceMs: number) => Math.floor((nowMs - sinceMs) / 1_000);
  const { transaction } = client;
  const fields: [string, string | number][] = [
    ["id", client.id],
    ["addr", client.address],
    ["name", client.name],
    ["age", seconds(client.connectedAtMs)],
    ["idle", seconds(client.lastAtMs)],
    ["flags", transaction === null ? "N" : "x"],
    ...ZEROS.map((name): [string, number] => [name, 0]),
    ["multi", transaction?.count ?? -1],
    ["multi-mem", transaction?.heldBytes ?? 0],
    ["tot-mem", transaction?.heldBytes ?? 0],
    ["events", "r"],
    ["cmd", client.lastCommand],
    ["user", "default"],
    ["resp", client.protocol],
    ["lib-name", client.libraryName],
    ["lib-ver", client.libraryVersion],
  ];
  return `${fields.map(([name, value]) => `${name}=${value}`).join(" ")}\n`;
}

function info(context: Context): void {
  verbatim(context, lineOf(context.client, context.connections.now()));
}

function list(context: Context): void {
  const wanted = readFilter(context);
  if (wanted === null) return;
  const nowMs = context.connections.now();
  const lines = [...context.door.clients].filter(wanted).map((client) => lineOf(client, nowMs));
  verbatim(context, lines.join(""));
}

/** TYPE and ID of CLIENT LIST; null after replying with an error. */
function readFilter({ request, replies }: Context): ((client: Client) => boolean) | null {
  if (request.count === 2) return () => true;
  if (request.count === 4 && request.is(2, "type")) {
    const type = request.latin1(3);
    if (/^normal$/i.test(type)) return () => true;
    if (/^(?:master|replica|slave|pubsub)$/i.test(type)) return () => false;
    error(replies, `ERR Unknown client type '${quoted(type, MAX_QUOTED)}'`);
    return null;
  }
  const ids = new Set<number>();
  for (let i = 3; i < request.count; i++) ids.add(Number(request.latin1(i)));
  if (!request.is(2, "id") || request.count === 3) error(replies, Refusal.SYNTAX);
  else if ([...ids].every((id) => id >= 1)) return ({ id }) => ids.has(id);
  else error(replies, "ERR Invalid client ID");
  return null;
}

/** Accepted, and without an effect: no connection is cut off for its memory before others. */
function noEvict({ request, replies }: Context): void {
  if (request.is(2, "on") || request.is(2, "off")) simple(replies, OK);
  else error(replies, Refusal.SYNTAX);
}

const HELP = [
  "GETNAME, SETNAME <name>, ID, INFO, SETINFO <LIB-NAME|LIB-VER> <value>",
  "    About this connection.",
  "LIST [TYPE <normal>] [ID <id> ...]",
  "    About all connections through this door.",
  "NO-EVICT (ON|OFF)",
  "    Without an effect.",
];

const CLIENT: ReadonlyMap<string, Subcommand> = new Map([
  ["id", { arity: 2, run: ({ client, replies }: Context) => integer(replies, client.id) }],
  ["info", { arity: 2, run: info }],
  ["list", { arity: -2, run: list }],
  ["getname", { arity: 2, run: getName }],
  ["setname", {
    arity: 3,
    run: (context: Context) => setName(context, 2) && simple(context.replies, OK),
  }],
  ["setinfo", { arity: 4, run: setInfo }],
  ["no-evict", { arity: 3, run: noEvict }],
  ["help", { arity: 2, run: (context: Context) => tellHelp(context, "CLIENT", HELP) }],
]);

export const clientCommands: readonly Command[] = [
  {
    name: "client",
    arity: -2,
    flags: ["noscript", "loading", "stale"],
    keys: NO_KEYS,
    subcommands: CLIENT,
    run: (context) => performSubcommand(context, "client", CLIENT),
  },
];
