/** Where the value of kg set comes from: an argument, standard input or a file. */

import { createReadStream } from "node:fs";
import { MAX_VALUE_BYTES } from "../protocol/frame.ts";
import type { Input, Options } from "./command.ts";
import { complain } from "./output.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";

export const VALUE_OPTIONS = {
  "value-file": { type: "string", value: "FILE", help: "store what this file has, byte for byte" },
} as const satisfies Options;

/** @param most bytes @throws UsageError, SystemError */
export async function valueOf(input: Input, most = MAX_VALUE_BYTES): Promise<Uint8Array> {
  const [, text] = input.parameters;
  const path = input.text("value-file");
  if (text !== undefined && path !== undefined) {
    throw new UsageError("VALUE and --value-file: choose what to store");
  }
  if (path !== undefined) return await readAll(createReadStream(path), path, most);
  if (text === undefined) {
    throw new UsageError(
      "which value? kg set KEY VALUE, where - means standard input, or kg set KEY --value-file FILE",
    );
  }
  if (text !== "-") return new TextEncoder().encode(text);
  if (process.stdin.isTTY) complain("kg set: type the value; Ctrl-D ends it");
  return await readAll(process.stdin, "standard input", most);
}

/** @param name for errors */
async function readAll(
  stream: AsyncIterable<Uint8Array>,
  name: string,
  most: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > most) break;
    }
  } catch (error) {
    throw new SystemError(`can't read ${name} (${(error as NodeJS.ErrnoException).code})`);
  }
  if (length <= most) return Buffer.concat(chunks);
  const hint = most === MAX_VALUE_BYTES ? "; --large takes up to 1 MiB" : "";
  throw new UsageError(`${name} has more than ${most} bytes, the most that fits${hint}`);
}
