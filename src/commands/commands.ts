/** The commands by name, each loaded when it is needed. */

import type { Command } from "./command.ts";
import { ELSEWHERE } from "./elsewhere.ts";
import type { Commands } from "./help.ts";
import { nearest } from "../nearest.ts";
import { UsageError } from "./usage_error.ts";

export const COMMANDS: Commands = {
  serve: async () => (await import("./serve.ts")).command,
  get: async () => (await import("./get.ts")).command,
  set: async () => (await import("./set.ts")).command,
  delete: async () => (await import("./delete.ts")).command,
  exists: async () => (await import("./exists.ts")).command,
  add: async () => (await import("./add.ts")).command,
  touch: async () => (await import("./touch.ts")).command,
  keys: async () => (await import("./keys.ts")).command,
  drop: async () => (await import("./drop.ts")).command,
  ping: async () => (await import("./ping.ts")).command,
  stats: async () => (await import("./stats.ts")).command,
  top: async () => (await import("./top.ts")).command,
  watch: async () => (await import("./watch.ts")).command,
  bench: async () => (await import("./bench.ts")).command,
  where: async () => (await import("./where.ts")).command,
  fleet: async () => (await import("./fleet.ts")).command,
  move: async () => (await import("./move.ts")).command,
  export: async () => (await import("./export.ts")).command,
  import: async () => (await import("./import.ts")).command,
  keygen: async () => (await import("./keygen.ts")).command,
  shell: async () => (await import("./shell.ts")).makeShell(COMMANDS, findCommand),
  completions: async () => (await import("./completions.ts")).makeCompletions(COMMANDS),
  man: async () => (await import("./man.ts")).makeMan(COMMANDS),
  help: async () => (await import("./help.ts")).makeHelp(COMMANDS, findCommand),
  version: async () => (await import("./version.ts")).command,
};

/** @throws {UsageError} that says what was probably meant */
export function findCommand(name: string): Promise<Command> {
  if (Object.hasOwn(COMMANDS, name)) return COMMANDS[name]();
  throw new UsageError(
    `there is no command "${name}".${hintOf(name.toLowerCase())} All commands: kg help`,
  );
}

function hintOf(name: string): string {
  if (Object.hasOwn(ELSEWHERE, name)) {
    return ` Type: ${ELSEWHERE[name]} (see kg ${ELSEWHERE[name].split(" ")[1]} --help).`;
  }
  const meant = nearest(name, Object.keys(COMMANDS));
  return meant === undefined ? "" : ` Did you mean "${meant}"?`;
}
