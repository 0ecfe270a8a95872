/** A file that has a key, for a client. Who else may read it is for those to decide who put it there. */

import { open } from "node:fs/promises";
import { InvalidArgumentError } from "../errors.ts";

/** Room for a key in any of its forms, and a line or two around it. */
const MAX_BYTES = 4_096;

/** Its text. @throws {InvalidArgumentError} when it can't be read, or is too large */
export async function readKeyText(path: string): Promise<string> {
  const bytes = new Uint8Array(MAX_BYTES + 1);
  let length = 0;
  try {
    const file = await open(path);
    try {
      length = (await file.read(bytes)).bytesRead;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new InvalidArgumentError(
      `The key file "${path}" can't be read: ${error instanceof Error ? error.message : error}.`,
    );
  }
  if (length <= MAX_BYTES) return new TextDecoder().decode(bytes.subarray(0, length));
  throw new InvalidArgumentError(`"${path}" is too large for a key file.`);
}
