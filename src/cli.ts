#!/usr/bin/env node
/** kg: turns arguments into a command, and an error into one line and an exit status. */

import { type Command, Exit, helpText, type Input, parseInput } from "./commands/command.ts";
import { commandLineOf } from "./commands/command_line.ts";
import { findCommand } from "./commands/commands.ts";
import { exitStatusOf } from "./commands/exit_status.ts";
import { errorFields } from "./commands/json_error.ts";
import { complain, print, printJson } from "./commands/output.ts";

async function main(args: readonly string[]): Promise<number> {
  let who = "kg";
  try {
    const { name, args: rest } = commandLineOf(args);
    who = `kg ${name}`;
    const command = await findCommand(name);
    const input = parseInput(name, command, rest);
    if (input !== null) return await run(command, input);
    print(helpText(name, command));
    return Exit.DONE;
  } catch (error) {
    if (wantsJson(args)) tellInJson(error);
    complain(`${who}: ${error instanceof Error ? error.message : String(error)}`);
    return exitStatusOf(error);
  }
}

async function run(command: Command, input: Input): Promise<number> {
  if (command.takesVariables !== true) return await command.run(input);
  return await (await import("./commands/environment.ts")).runInEnvironment(command, input);
}

/** Also of arguments that can't be parsed. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json");
}

function tellInJson(error: unknown): void {
  try {
    printJson({ error: errorFields(error) });
  } catch {
    // Standard output can't be written, which may be the error itself: it is told on the other.
  }
}

process.exitCode = await main(process.argv.slice(2));
