import { manualPage } from "../manual/page.ts";
import { VERSION } from "../version.ts";
import { type Command, Exit } from "./command.ts";
import type { Commands } from "./help.ts";
import { print } from "./output.ts";
import { ENVIRONMENT, EXIT_STATUSES } from "./reference.ts";

const FILES = [
  ["~/.config/kilogram/key", "the key of this user's own servers and clients, made by kg serve"],
  ["~/.local/state/kilogram/history", "what was typed in kg shell"],
] as const;

export function makeMan(commands: Commands): Command {
  return {
    summary: "print the manual page, for man",
    parameters: "",
    arity: [0, 0],
    options: {},
    examples: [
      "kg man | man -l -",
      "kg man | sudo tee /usr/local/share/man/man1/kg.1 > /dev/null",
    ],

    async run() {
      const loaded = Object.entries(commands).map(async ([name, load]) =>
        [name, await load()] as const
      );
      print(manualPage({
        version: VERSION,
        commands: new Map(await Promise.all(loaded)),
        environment: ENVIRONMENT,
        exitStatuses: EXIT_STATUSES,
        files: FILES,
      }));
      return Exit.DONE;
    },
  };
}
