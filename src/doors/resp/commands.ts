/** Every RESP command, and COMMAND, which describes them. */

import { type Command, type Context, NO_KEYS } from "./context.ts";
import { isHttpWord } from "../foreign.ts";
import { array, bulk, error, integer, simple } from "./forms.ts";
import { keyCommands } from "./key_commands.ts";
import { numberCommands } from "./numbers.ts";
import { infoCommands } from "./server_info.ts";
import { sessionCommands } from "./session.ts";
import { setCommands } from "./set.ts";
import {
  hasWords,
  MAX_QUOTED,
  performSubcommand,
  quoted,
  refuseWords,
  type Subcommand,
} from "./subcommands.ts";
import { timeCommands } from "./times.ts";
import { valueCommands } from "./values.ts";

const commandCommand: Command = {
  name: "command",
  arity: -1,
  flags: ["loading", "stale"],
  keys: NO_KEYS,
  run: tellOfCommands,
};

const commands: readonly Command[] = [
  ...valueCommands,
  ...setCommands,
  ...numberCommands,
  ...timeCommands,
  ...keyCommands,
  ...sessionCommands,
  ...infoCommands,
  commandCommand,
];

/** By name, in lower case and in upper case. */
const byName: ReadonlyMap<string, Command> = new Map(
  commands.flatMap((command) => [[command.name, command], [command.name.toUpperCase(), command]]),
);

/** Carries out a request that has at least one word. */
export function perform(context: Context): void {
  const { request, replies } = context;
  const name = request.latin1(0);
  const command = byName.get(name) ?? byName.get(name.toLowerCase());
  if (command === undefined && isHttpWord(name)) {
    context.isOver = true;
  } else if (command === undefined) {
    error(replies, unknown(context, name));
  } else if (hasWords(context, command.arity)) {
    command.run(context);
  } else {
    refuseWords(context, command.name);
  }
}

function unknown({ request }: Context, name: string): string {
  let words = "";
  for (let i = 1; i < request.count && words.length < MAX_QUOTED; i++) {
    words += `'${quoted(request.latin1(i), MAX_QUOTED - words.length)}' `;
  }
  return `ERR unknown command '${quoted(name, MAX_QUOTED)}', with args beginning with: ${words}`;
}

const ABOUT_COMMANDS: ReadonlyMap<string, Subcommand> = new Map([
  ["count", { arity: 2, run: ({ replies }) => integer(replies, commands.length) }],
  ["docs", { arity: -2, run: ({ replies }) => array(replies, 0) }],
  ["info", { arity: -2, run: tellOfThese }],
]);

function tellOfCommands(context: Context): void {
  if (context.request.count > 1) {
    performSubcommand(context, "command", ABOUT_COMMANDS);
    return;
  }
  tellOfAll(context);
}

function tellOfAll(context: Context): void {
  array(context.replies, commands.length);
  for (const command of commands) tellOf(command, context);
}

/** Describes the named commands, or all. */
function tellOfThese(context: Context): void {
  const { request, replies } = context;
  if (request.count === 2) {
    tellOfAll(context);
    return;
  }
  array(replies, request.count - 2);
  for (let i = 2; i < request.count; i++) {
    const command = byName.get(request.latin1(i).toLowerCase());
    if (command === undefined) replies.ascii("*-1\r\n");
    else tellOf(command, context);
  }
}

function tellOf({ name, arity, flags, keys }: Command, { replies }: Context): void {
  array(replies, 6);
  bulk(replies, name);
  integer(replies, arity);
  array(replies, flags.length);
  for (const flag of flags) simple(replies, flag);
  for (const position of keys) integer(replies, position);
}
