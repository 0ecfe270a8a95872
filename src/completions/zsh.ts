/** Completion for zsh, by its function _arguments. */

import { type DescribedCommand, type DescribedOption, SHELLS } from "./described.ts";

export function zshCompletions(commands: readonly DescribedCommand[]): string {
  return `#compdef kg
# zsh completion for kg. To use it:  source <(kg completions zsh)
# or for all shells to come:        kg completions zsh > "\${fpath[1]}/_kg"

_kg_keys() {
  local -a keys
  keys=("\${(@f)$(kg keys --count 50 --timeout 300ms -- "$PREFIX" 2>/dev/null)}")
  # One that begins with a dash would be taken for an option.
  keys=("\${(@)keys:#-*}")
  compadd -a keys
}

_kg_commands() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${text(`${name}:${summary}`)}`).join("\n")}
  )
  _describe command commands
}

_kg() {
  if (( CURRENT == 2 )); then
    _kg_commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${commands.map(zshCase).join("\n")}
  esac
}

if [[ $funcstack[1] == _kg ]]; then
  _kg "$@"
else
  compdef _kg kg
fi
`;
}

function zshCase({ name, options, takes }: DescribedCommand): string {
  const specs = options.map(spec);
  if (takes === "keys") specs.push("'*:key:_kg_keys'");
  if (takes === "files") specs.push("'*:file:_files'");
  if (takes === "commands") specs.push("'*:command:_kg_commands'");
  if (takes === "shells") specs.push(`'1:shell:(${SHELLS.join(" ")})'`);
  return `    ${name})\n      _arguments \\\n        ${specs.join(" \\\n        ")}\n      ;;`;
}

function spec({ name, takesValue, choices, isPath, help }: DescribedOption): string {
  const told = help.replaceAll(/[[\]:\\]/g, "\\$&");
  if (!takesValue) return text(`--${name}[${told}]`);
  const action = choices.length > 0 ? `(${choices.join(" ")})` : isPath ? "_files" : " ";
  return text(`--${name}[${told}]:value:${action}`);
}

const text = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
