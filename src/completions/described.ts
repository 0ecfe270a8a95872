/** The commands as a completion script needs them. */

import type { Command } from "../commands/command.ts";

export interface DescribedOption {
  /** Without the dashes. */
  readonly name: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  /** Whether its value is a file or a folder. */
  readonly isPath: boolean;
  readonly help: string;
}

export interface DescribedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly DescribedOption[];
  /** What its arguments are. */
  readonly takes: "keys" | "files" | "commands" | "shells" | "nothing";
}

export const SHELLS = ["bash", "zsh", "fish"] as const;

export function describe(
  name: string,
  { summary, parameters, options }: Command,
): DescribedCommand {
  const described = Object.entries(options).map(([option, { type, value = "", help }]) => ({
    ...{ name: option, takesValue: type === "string", help },
    choices: value.includes("|") ? value.split("|") : [],
    isPath: /^(FILE|DIR)/.test(value),
  }));
  const help = {
    name: "help",
    takesValue: false,
    choices: [],
    isPath: false,
    help: "show the help",
  };
  return { name, summary, options: [...described, help], takes: takenBy(name, parameters) };
}

function takenBy(name: string, parameters: string): DescribedCommand["takes"] {
  if (name === "help") return "commands";
  if (name === "completions") return "shells";
  if (/^\[?(KEY|PREFIX)/.test(parameters)) return "keys";
  return /^\[?FILE/.test(parameters) ? "files" : "nothing";
}
