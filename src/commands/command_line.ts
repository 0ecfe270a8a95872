/** The command in a command line, which may have options before it: `kg --server 10.0.0.1 get k`. */

import { CLIENT_OPTIONS } from "./client_options.ts";
import type { Options } from "./command.ts";
import { ELSEWHERE } from "./elsewhere.ts";
import { nearest } from "../nearest.ts";
import { UsageError } from "./usage_error.ts";

/** Commands that look like options elsewhere. */
const ALIASES: Readonly<Record<string, string>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-v": "version",
  "-V": "version",
};

export interface CommandLine {
  readonly name: string;
  /** All other arguments, as if the options before the command came behind it. */
  readonly args: readonly string[];
}

/** @throws UsageError for an option before the command that clients don't share */
export function commandLineOf(args: readonly string[]): CommandLine {
  let at = 0;
  while (at < args.length && args[at].startsWith("-") && !Object.hasOwn(ALIASES, args[at])) {
    at += argumentsOf(args[at]);
  }
  const before = args.slice(0, at);
  const [name, ...behind] = args.slice(at);
  if (name !== undefined) {
    return {
      name: Object.hasOwn(ALIASES, name) ? ALIASES[name] : name,
      args: [...before, ...behind],
    };
  }
  if (before.length > 0 && !isAtTerminal()) {
    throw new UsageError("there is no command. All commands: kg help");
  }
  return { name: isAtTerminal() ? "shell" : "help", args: before };
}

function isAtTerminal(): boolean {
  return Boolean(process.stdin.isTTY && process.stdout.isTTY);
}

/** How many arguments an option before the command takes, itself included. */
function argumentsOf(arg: string): number {
  const [name] = arg.slice("--".length).split("=", 1);
  const options: Options = CLIENT_OPTIONS;
  if (arg.startsWith("--") && Object.hasOwn(options, name)) {
    return options[name].type === "boolean" || arg.includes("=") ? 1 : 2;
  }
  if (Object.hasOwn(ELSEWHERE, name)) {
    throw new UsageError(`there is no option ${arg}. Type: ${ELSEWHERE[name]}`);
  }
  const names = Object.keys(options);
  const meant = nearest(name, names);
  const hint = meant === undefined
    ? `Before it may be --${names.join(", --")}.`
    : `Did you mean --${meant}?`;
  throw new UsageError(`${arg} goes behind the command. ${hint} All commands: kg help`);
}
