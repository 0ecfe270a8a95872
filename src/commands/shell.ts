import type { Client } from "../client.ts";
import { connect } from "../connect.ts";
import { parseServerList } from "../server_list.ts";
import { complete } from "../shell/completer.ts";
import { historyPath, LineHistory } from "../shell/line_history.ts";
import { someKeys } from "../shell/keys_of.ts";
import { ownProgram } from "../shell/own_program.ts";
import { runShell } from "../shell/shell.ts";
import { VERSION } from "../version.ts";
import { CLIENT_OPTIONS, isAny, serversOf, spreadOf } from "./client_options.ts";
import type { Command, Input } from "./command.ts";
import type { Commands } from "./help.ts";
import { findKey } from "./key_source.ts";
import { complain } from "./output.ts";

/** How long the greeting waits to learn whether the server is there. */
const GREETING_MS = 300;
const NO_KEY = "There is no key yet: kg serve, in another terminal, makes one.";
const SILENT = "does not answer: is kg serve running there, with the same key?";

const { server, spread, "key-file": keyFile } = CLIENT_OPTIONS;

/** @param findCommand finds a command by its name, or throws with a hint */
export function makeShell(
  commands: Commands,
  findCommand: (name: string) => Promise<Command>,
): Command {
  const names = [...Object.keys(commands).filter((name) => name !== "shell"), "exit"];
  return {
    summary: "take commands at a prompt; kg alone does the same on a terminal",
    parameters: "",
    arity: [0, 0],
    details:
      "The commands are those of the command line, with or without kg before them, quoted as in a\n" +
      "shell. Tab completes commands, options and keys. Ctrl-C ends a command, Ctrl-D or exit the\n" +
      "shell. What you type is kept for the next time in ~/.local/state/kilogram/history, which only\n" +
      "you can read; a line that begins with a space is not. Without a terminal it carries out the\n" +
      "lines of standard input, which are no command's own input, and ends with the status of the last.",
    options: { server, spread, "key-file": keyFile },
    examples: ["kg", "kg shell --server 10.0.0.1", "kg shell < commands.txt"],

    async run(input) {
      // Otherwise the prompt would show what is not an address, and may be a password.
      parseServerList(serversOf(input), isAny(input) ? "any" : "keys");
      const env = environmentOf(input);
      const client = lazyClient(input);
      const find = (name: string) => findCommand(name).catch(() => null);
      const keys = (prefix: string) => someKeys(client, prefix);
      if (process.stdin.isTTY) await greet(input, client);
      try {
        return await runShell({
          prompt: `kg ${serversOf(input)}> `,
          history: new LineHistory(historyPath()),
          complete: (line) => complete(line, { names, find, keys }),
          program: ownProgram(),
          ...{ env, complain },
        });
      } finally {
        (await client())?.close();
      }
    },
  };
}

/** The shell's options hold for its commands. */
function environmentOf(input: Input): NodeJS.ProcessEnv {
  const given = {
    KG_SERVER: input.text("server"),
    KG_SPREAD: input.text("spread"),
    KG_KEY_FILE: input.text("key-file"),
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const env: NodeJS.ProcessEnv = { ...process.env, ...Object.fromEntries(set) };
  // As on the command line, a file that was named wins over a key in the environment.
  if (given.KG_KEY_FILE !== undefined) delete env.KG_KEY;
  return env;
}

/** A client for the shell itself, made once; null without a key or a server that has an address. */
function lazyClient(input: Input): () => Promise<Client | null> {
  let made: Promise<Client | null> | undefined;
  const make = async () => {
    const found = findKey(input.text("key-file"));
    if (found === null) return null;
    return await connect(serversOf(input), { key: found.key, spread: spreadOf(input) });
  };
  return () => made ??= make().catch(() => null);
}

async function greet(input: Input, client: () => Promise<Client | null>): Promise<void> {
  const open = await client();
  const isThere = await open?.ping({ timeout: GREETING_MS }).then(() => true, () => false);
  const state = isThere ? "" : ` ${keyProblem(input) ?? `${serversOf(input)} ${SILENT}`}`;
  complain(`kg ${VERSION}. help lists the commands, Tab completes, Ctrl-D ends.${state}`);
}

function keyProblem(input: Input): string | null {
  try {
    return findKey(input.text("key-file")) === null ? NO_KEY : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
