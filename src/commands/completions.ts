import { bashCompletions } from "../completions/bash.ts";
import { describe, SHELLS } from "../completions/described.ts";
import { fishCompletions } from "../completions/fish.ts";
import { zshCompletions } from "../completions/zsh.ts";
import { type Command, Exit } from "./command.ts";
import type { Commands } from "./help.ts";
import { print } from "./output.ts";
import { UsageError } from "./usage_error.ts";

const MAKERS = { bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions } as const;

export function makeCompletions(commands: Commands): Command {
  return {
    summary: "print what makes a shell complete commands, options and keys",
    parameters: SHELLS.join("|"),
    arity: [1, 1],
    details:
      "Keys are asked of the server that KG_SERVER names, and not offered where it does not answer\n" +
      "at once. zsh takes this after autoload -U compinit; compinit. Make the folder of the file first\n" +
      "where there is none.",
    options: {},
    examples: [
      "source <(kg completions bash)",
      "kg completions bash > ~/.local/share/bash-completion/completions/kg",
      'kg completions zsh > "${fpath[1]}/_kg"',
      "kg completions fish > ~/.config/fish/completions/kg.fish",
    ],

    async run(input) {
      const [wanted] = input.parameters;
      const shell = SHELLS.find((each) => each === wanted);
      if (shell === undefined) {
        throw new UsageError(`for ${SHELLS.join(", ")}, not for "${wanted}"`);
      }
      const loaded = Object.entries(commands).map(async ([name, load]) =>
        describe(name, await load())
      );
      print(MAKERS[shell](await Promise.all(loaded)));
      return Exit.DONE;
    },
  };
}
