import { encodeKey, generateKey, keyId } from "../protocol/keys.ts";
import { chooseCrypto } from "../runtime/detect.ts";
import { type Command, Exit } from "./command.ts";
import { readKeyFile, writeNewKey } from "./key_source.ts";
import { complain, printJson, printLine } from "./output.ts";
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
    const { key, id } = await make(path);
    if (input.flag("json")) printJson({ key, file: path, id });
    else {
      if (key !== undefined) printLine(key);
      complain(`kg keygen: the id of the key is ${id}; servers and "kg stats keys" show it`);
    }
    return Exit.DONE;
  },
};

async function make(path: string | undefined): Promise<{ key?: string; id: string }> {
  const provider = await chooseCrypto();
  if (path === undefined) {
    const key = generateKey();
    return { key: encodeKey(key), id: await keyId(key, provider) };
  }
  if (!writeNewKey(path)) {
    throw new UsageError(`${path} exists: a key is never overwritten; choose another name`);
  }
  return { id: await keyId(readKeyFile(path).key, provider) };
}
