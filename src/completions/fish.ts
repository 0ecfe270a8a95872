/** Completion for fish. */

import { type DescribedCommand, type DescribedOption, SHELLS } from "./described.ts";

export function fishCompletions(commands: readonly DescribedCommand[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  return `# fish completion for kg. To use it:  kg completions fish | source
# or for all shells to come:         kg completions fish > ~/.config/fish/completions/kg.fish

function __kg_keys
  # One that begins with a dash would be taken for an option.
  kg keys --count 50 --timeout 300ms -- (commandline -ct) 2>/dev/null | string match -v -- '-*'
end

complete -c kg -f
${
    commands.map(({ name, summary }) =>
      `complete -c kg -n "not __fish_seen_subcommand_from ${names}" -a ${name} -d ${text(summary)}`
    ).join("\n")
  }
${commands.map((command) => linesOf(command, names)).join("\n")}
`;
}

function linesOf({ name, options, takes }: DescribedCommand, names: string): string {
  const lines = options.map((option) => optionLine(name, option));
  const when = `complete -c kg -n "__fish_seen_subcommand_from ${name}"`;
  if (takes === "keys") lines.push(`${when} -a "(__kg_keys)"`);
  if (takes === "files") lines.push(`${when} -F`);
  if (takes === "commands") lines.push(`${when} -a "${names}"`);
  if (takes === "shells") lines.push(`${when} -a "${SHELLS.join(" ")}"`);
  return lines.join("\n");
}

function optionLine(command: string, option: DescribedOption): string {
  const { name, takesValue, choices, isPath, help } = option;
  const value = !takesValue
    ? ""
    : choices.length > 0
    ? ` -x -a "${choices.join(" ")}"`
    : isPath
    ? " -r -F"
    : " -x";
  const when = `-n "__fish_seen_subcommand_from ${command}"`;
  return `complete -c kg ${when} -l ${name}${value} -d ${text(help)}`;
}

const text = (value: string) => `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
