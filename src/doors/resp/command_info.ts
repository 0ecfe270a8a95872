/** COMMAND: what commands there are. */

import { type Command, type Context, NO_KEYS, type Subcommand } from "./context.ts";
import { array, bulk, integer, none, set, simple } from "./forms.ts";
import { performSubcommand, tellHelp } from "./subcommands.ts";

/** What to look commands up in; the command that is made here is among them. */
export interface Commands {
  all(): readonly Command[];
  find(name: string): Command | undefined;
}

const HELP = [
  "(no subcommand), INFO [<name> ...]",
  "    Describe all commands, or those named.",
  "COUNT, LIST",
  "    How many there are, and their names.",
];

/**
 * There are no DOCS: a redis-cli that gets an error shows the help that it brings itself, which is
 * complete.
 */
export function makeCommandCommand(commands: Commands): Command {
  const table: ReadonlyMap<string, Subcommand> = new Map([
    ["count", { arity: 2, run: ({ replies }: Context) => integer(replies, commands.all().length) }],
    ["list", { arity: 2, run: (context: Context) => tellNames(context, commands) }],
    ["info", { arity: -2, run: (context: Context) => tellOfThese(context, commands) }],
    ["help", { arity: 2, run: (context: Context) => tellHelp(context, "COMMAND", HELP) }],
  ]);
  return {
    name: "command",
    arity: -1,
    flags: ["loading", "stale"],
    keys: NO_KEYS,
    subcommands: table,
    run(context) {
      if (context.request.count === 1) tellOfAll(context, commands);
      else performSubcommand(context, "command", table);
    },
  };
}

function tellNames({ replies }: Context, commands: Commands): void {
  const all = commands.all();
  array(replies, all.length);
  for (const { name } of all) bulk(replies, name);
}

function tellOfAll(context: Context, commands: Commands): void {
  const all = commands.all();
  array(context.replies, all.length);
  for (const command of all) tellOf(command, context);
}

/** Describes the named commands, or all. */
function tellOfThese(context: Context, commands: Commands): void {
  const { request, replies } = context;
  if (request.count === 2) {
    tellOfAll(context, commands);
    return;
  }
  array(replies, request.count - 2);
  for (let i = 2; i < request.count; i++) {
    const command = commands.find(request.latin1(i));
    if (command === undefined) none(context);
    else tellOf(command, context);
  }
}

function tellOf({ name, arity, flags, keys }: Command, context: Context): void {
  const { replies } = context;
  array(replies, 6);
  bulk(replies, name);
  integer(replies, arity);
  set(context, flags.length);
  for (const flag of flags) simple(replies, flag);
  for (const position of keys) integer(replies, position);
}
