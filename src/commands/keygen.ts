import { encodeKey, generateKey } from "../protocol/keys.ts";
import { type Command, Exit } from "./command.ts";
import { writeNewKey } from "./key_source.ts";
import { printJson, printLine } from "./output.ts";

import { UsageError } from "./usage_error.ts";

export const command: Command = {
  summary: "make a new key",
  parameters: "",
  arity: [0, 0],
  details:
    "Prints it as 44 characters of base64, or writes it to a file that only its owner can read.\n" +
    "A server and its clients share one key; anyone who has it can read and change everything.",
  options: {
    out: { type: "string", value: "FILE", help: "write the key to this file, and print nothing" },
    json: { type: "boolean", help: "print one line of JSON" },
  },
  examples: ["kg keygen --out ./kg.key", "export KG_KEY=$(kg keygen)"],

  async run(input) {
    const path = input.text("out");
    if (path !== undefined && !writeNewKey(path)) {
      throw new UsageError(`${path} exists: a key is never overwritten; choose another name`);
    }
    const key = path === undefined ? encodeKey(generateKey()) : undefined;
    if (input.flag("json")) printJson({ key, file: path });
    else if (key !== undefined) printLine(key);
    return Exit.DONE;
  },
};
