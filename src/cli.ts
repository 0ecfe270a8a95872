#!/usr/bin/env node
/** kg: turns arguments into a command, and an error into one line and an exit status. */

import { Exit, helpText, parseInput } from "./commands/command.ts";
import { findCommand } from "./commands/commands.ts";
import { exitStatusOf } from "./commands/exit_status.ts";
import { complain, print } from "./commands/output.ts";

/** Commands that look like options elsewhere. */
const ALIASES: Readonly<Record<string, string>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-v": "version",
};

async function main(args: readonly string[]): Promise<number> {
  const [typed = isAtTerminal() ? "shell" : "help", ...rest] = args;
  const name = Object.hasOwn(ALIASES, typed) ? ALIASES[typed] : typed;
  try {
    const command = await findCommand(name);
    const input = parseInput(name, command, rest);
    if (input !== null) return await command.run(input);
    print(helpText(name, command));
    return Exit.DONE;
  } catch (error) {
    complain(`kg ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return exitStatusOf(error);
  }
}

function isAtTerminal(): boolean {
  return Boolean(process.stdin.isTTY && process.stdout.isTTY);
}

process.exitCode = await main(process.argv.slice(2));
