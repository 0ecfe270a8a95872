import { chooseCrypto, detectRuntime } from "../runtime/detect.ts";
import { VERSION } from "../version.ts";
import { CRYPTO_OPTION, cryptoChoice } from "./client_options.ts";
import { type Command, Exit } from "./command.ts";
import { printJson, printLine } from "./output.ts";

export const command: Command = {
  summary: "print the version, the runtime and the AEAD in use",
  parameters: "",
  arity: [0, 0],
  options: { json: { type: "boolean", help: "print one line of JSON" }, ...CRYPTO_OPTION },
  examples: ["kg version", "kg version --json"],

  async run(input) {
    const runtime = await detectRuntime();
    const aead = (await chooseCrypto(cryptoChoice(input))).name;
    const on = `${runtime.name} ${runtime.version}`;
    if (input.flag("json")) printJson({ version: VERSION, runtime: on, aead });
    else printLine(`kg ${VERSION} (${on}, AES-256-GCM by ${aead})`);
    return Exit.DONE;
  },
};
