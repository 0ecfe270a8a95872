/** Commands whose second word selects what they do. */

import type { Context, Subcommand } from "./context.ts";
import { array, error, simple } from "./forms.ts";

/** How many characters of the client's text an error repeats. */
export const MAX_QUOTED = 128;

/** Whether a request has as many words as an arity requires. */
export function hasWords({ request }: Context, arity: number): boolean {
  return arity > 0 ? request.count === arity : request.count >= -arity;
}

export function refuseWords({ replies }: Context, name: string): void {
  error(replies, wrongWords(name));
}

export const wrongWords = (name: string): string =>
  `ERR wrong number of arguments for '${name}' command`;

/** What is wrong with the second word, or with how many there are; null if nothing is. */
export function subcommandFault(
  context: Context,
  command: string,
  table: ReadonlyMap<string, Subcommand>,
): string | null {
  const word = context.request.latin1(1);
  const name = word.toLowerCase();
  const subcommand = table.get(name);
  if (subcommand === undefined) {
    const help = `${command.toUpperCase()} HELP`;
    return `ERR unknown subcommand '${quoted(word, MAX_QUOTED)}'. Try ${help}.`;
  }
  return hasWords(context, subcommand.arity) ? null : wrongWords(`${command}|${name}`);
}

/** @param table by name, in lower case */
export function performSubcommand(
  context: Context,
  command: string,
  table: ReadonlyMap<string, Subcommand>,
): void {
  const fault = subcommandFault(context, command, table);
  if (fault !== null) {
    error(context.replies, fault);
    return;
  }
  const name = context.request.latin1(1).toLowerCase();
  context.client.lastCommand = `${command}|${name}`;
  table.get(name)?.run(context);
}

/** Lists subcommands, each with a line about it. */
export function tellHelp({ replies }: Context, command: string, lines: readonly string[]): void {
  const all = [
    `${command} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...lines,
    "HELP",
    "    Print this help.",
  ];
  array(replies, all.length);
  for (const line of all) simple(replies, line);
}

/** At most this many characters of a text, and only up to a NUL, as in C. */
export function quoted(text: string, length: number): string {
  return text.split("\0", 1)[0].slice(0, length);
}
