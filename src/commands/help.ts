import { columns, type Command, Exit, heading, helpText } from "./command.ts";
import { COMMANDS, findCommand } from "./commands.ts";
import { print } from "./output.ts";

export const command: Command = {
  summary: "show this list, or the help of one command",
  parameters: "[COMMAND]",
  arity: [0, 1],
  options: {},
  examples: ["kg help", "kg help set"],

  async run(input) {
    const [name] = input.parameters;
    print(name === undefined ? await overview() : helpText(name, await findCommand(name)));
    return Exit.DONE;
  },
};

/** The list of commands, with what all of them have in common. */
export async function overview(): Promise<string> {
  const rows: string[][] = [];
  for (const [name, load] of Object.entries(COMMANDS)) {
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
${
    columns([
      ["KG_SERVER", "the server's host:port"],
      ["KG_KEY_FILE", "a file with the key, readable by its owner alone"],
      ["KG_KEY", "the key itself"],
      ["SKVS_ENCRYPTION_KEY", "the key of the original wire, for --skvs"],
    ])
  }

${
    heading("Exit status:")
  } 0 done, 1 not found or not stored, 2 wrong usage, 3 no answer before the deadline,
4 refused by the server. Options of a command: kg COMMAND --help
`;
}
