import { DATA_DIR_OPTION, dataFolderOf } from "./data_folder.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { exportFolder } from "./export_folder.ts";
import { exportServers } from "./export_servers.ts";
import { print } from "./output.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";
import { type Write, writeWholeFile } from "./whole_file.ts";

const { server, spread, "key-file": keyFile, timeout, crypto } = CLIENT_OPTIONS;

export const command: Command = {
  summary: "write all keys of a server, or of a data folder, as lines of JSON",
  parameters: "[FILE]",
  arity: [0, 1],
  details: "Without FILE, or with -, they go to standard output. Lines look like\n" +
    '{"key":"color","value":"blue"}, with keyBase64 and valueBase64 for what is not UTF-8, and\n' +
    "expiresAtMs, since 1970, for a key that expires; of several servers, each has its server.\n" +
    "Of a server, a key that is there throughout is exported once or twice, whatever is written\n" +
    "meanwhile; what a door stored that is too large for a datagram is left out, which the exit\n" +
    "status 4 says. A folder, which a server may be using, is exported as it was when the export\n" +
    "began, with everything in it.",
  options: { ...DATA_DIR_OPTION, server, spread, "key-file": keyFile, timeout, crypto },
  examples: [
    "kg export backup.jsonl",
    "kg export --data-dir /var/lib/kilogram backup.jsonl",
    "kg export | gzip > backup.jsonl.gz",
  ],

  async run(input) {
    const [target = "-"] = input.parameters;
    let left = 0;
    const run = async (write: Write) => {
      left = await exportTo(input, write);
    };
    if (target === "-") await run(printOrThrow);
    else await writeFile(target, run);
    return left > 0 ? Exit.REFUSED : Exit.DONE;
  },
};

/** @returns how many keys had to be left out */
async function exportTo(input: Input, write: Write): Promise<number> {
  const folder = dataFolderOf(input);
  if (folder === undefined) return await exportServers(input, write);
  if (input.text("server") !== undefined) {
    throw new UsageError("--server and --data-dir: choose what to export");
  }
  exportFolder(folder, write);
  return 0;
}

/** If the reader of the pipe went away, the export must not look complete. */
function printOrThrow(text: string): void {
  if (!print(text)) throw new SystemError("standard output was closed before the end");
}

async function writeFile(path: string, run: (write: Write) => Promise<void>): Promise<void> {
  try {
    await writeWholeFile(path, run);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new SystemError(`can't write ${path} (${code})`);
  }
}
