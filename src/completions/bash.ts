/** Completion for bash 3.2 and later, which needs no package beside it. */

import { type DescribedCommand, SHELLS } from "./described.ts";

export function bashCompletions(commands: readonly DescribedCommand[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  return `# bash completion for kg. To use it:  source <(kg completions bash)
# or for all shells to come:            kg completions bash > ~/.local/share/bash-completion/completions/kg

# The keys that begin with $1, a line each; none if the server does not answer at once. One that begins
# with a dash would be taken for an option.
_kg_keys() {
  kg keys --count 50 --timeout 300ms -- "$1" 2>/dev/null | grep -v '^-'
}

# Offers the lines of $1 that begin with the current word. Bash breaks words at colons, so what is before
# the last colon is already there.
_kg_offer() {
  local line before=""
  [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && before="\${cur%:*}:"
  COMPREPLY=()
  while IFS= read -r line; do
    [[ -n $line && $line == "$cur"* ]] && COMPREPLY+=("\$(printf %q "\${line#"$before"}")")
  done <<< "$1"
}

_kg() {
  # The word at the cursor, colons included.
  local line="\${COMP_LINE:0:$COMP_POINT}"
  local cur="\${line##* }" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  if [[ $COMP_CWORD -eq 1 ]]; then
    _kg_offer "$(printf '%s\\n' ${names})"
    return
  fi
  local options=() words=() keys=""
  case "$command" in
${commands.map((command) => bashCase(command, names)).join("\n")}
  esac
  if [[ $cur == -* ]]; then
    _kg_offer "$(printf '%s\\n' "\${options[@]}")"
  elif [[ \${#words[@]} -gt 0 ]]; then
    _kg_offer "$(printf '%s\\n' "\${words[@]}")"
  elif [[ -n $keys ]]; then
    _kg_offer "$(_kg_keys "$cur")"
  else
    compopt -o default 2>/dev/null
    COMPREPLY=()
  fi
}

complete -F _kg kg
`;
}

function bashCase({ name, options, takes }: DescribedCommand, names: string): string {
  const all = options.map((option) => `--${option.name}`).join(" ");
  const lines = [`    ${name})`, `      options=(${all})`];
  if (takes === "keys") lines.push("      keys=1");
  if (takes === "shells") lines.push(`      words=(${SHELLS.join(" ")})`);
  const valued = options.filter(({ takesValue, choices }) => takesValue && choices.length === 0);
  const chosen = options.filter(({ choices }) => choices.length > 0);
  if (valued.length + chosen.length > 0) {
    lines.push('      case "$previous" in');
    for (const { name: option, choices } of chosen) {
      lines.push(`        --${option}) words=(${choices.join(" ")}) ;;`);
    }
    if (valued.length > 0) {
      lines.push(`        ${valued.map((each) => `--${each.name}`).join("|")}) keys="" ;;`);
    }
    lines.push("      esac");
  }
  if (takes === "commands") lines.push(`      words=(${names})`);
  return [...lines, "      ;;"].join("\n");
}
