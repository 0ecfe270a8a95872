import { columns, type Command, Exit, heading, helpText } from "./command.ts";
import { print } from "./output.ts";
import { ENVIRONMENT, EXIT_STATUSES } from "./reference.ts";

/** The commands by name, each loaded when it is needed. */
export type Commands = Readonly<Record<string, () => Promise<Command>>>;

/** @param findCommand finds a command by its name, or throws with a hint */
export function makeHelp(
  commands: Commands,
  findCommand: (name: string) => Promise<Command>,
): Command {
  return {
    summary: "show this list, or the help of one command",
    parameters: "[COMMAND]",
    arity: [0, 1],
    options: {},
    examples: ["kg help", "kg help set"],

    async run(input) {
      const [name] = input.parameters;
      const text = name === undefined
        ? await overview(commands)
        : helpText(name, await findCommand(name));
      print(text);
      return Exit.DONE;
    },
  };
}

/** The list of commands, and what all commands have in common. */
export async function overview(commands: Commands): Promise<string> {
  const rows: string[][] = [];
  for (const [name, load] of Object.entries(commands)) {
    const { parameters, summary } = await load();
    rows.push([`${name} ${parameters}`.trim(), summary]);
  }
  return `kg: an encrypted in-memory key-value store. One datagram is one operation.

${heading("Commands:")}
${columns(rows)}

${heading("To begin:")}
  kg serve                    # in one terminal
  kg set greeting hello       # in another
  kg get greeting

${heading("Environment:")}
${columns(ENVIRONMENT)}

${heading("Exit status:")}
${columns(EXIT_STATUSES.map(([status, meaning]) => [String(status), meaning]))}

With --json an error is a line of JSON as well:
{"error":{"code":"FULL","message":"...","effect":"none"}}. Options of a command: kg COMMAND --help
`;
}
