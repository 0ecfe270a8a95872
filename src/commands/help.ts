import { columns, type Command, Exit, heading, helpText } from "./command.ts";
import { print } from "./output.ts";

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
${
    columns([
      ["KG_SERVER", "the server, HOST:PORT, or servers, NAME=HOST:PORT,..."],
      ["KG_SPREAD", "any, if any of these servers has all keys"],
      ["KG_BACKEND", "the URL of serve's --backend, which may have a password in it"],
      ["KG_KEY_FILE", "a file with the key, which not everybody may read"],
      ["KG_KEY", "the key itself"],
      ["KG_MEMORY and so on", "the options of kg serve: see kg serve --help"],
      ["SKVS_ENCRYPTION_KEY", "the key of the original wire, for --skvs"],
    ])
  }

${
    heading("Exit status:")
  } 0 done, 1 not found or not stored, 2 wrong usage, 3 no answer before the deadline,
4 refused by the server, 5 refused by this machine: a port or a folder in use, a file that can't
be read or written, a full disk, a host without an address. With --json an error is also a line
{"error":{"code":"FULL","message":"...","effect":"none"}}. Options of a command: kg COMMAND --help
`;
}
