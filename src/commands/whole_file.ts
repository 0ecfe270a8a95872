/**
 * Files that appear whole or not at all: written beside their target under an unguessable name, and
 * then moved there. Only their owner can read them.
 */

import { randomBytes } from "node:crypto";
import {
  closeSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";

const OWNER_ONLY = 0o600;
const NAME_BYTES = 8;

export type Write = (text: string) => void;

/** A temporary name beside a path. Open it exclusively. */
export function draftOf(path: string): string {
  return `${path}.${randomBytes(NAME_BYTES).toString("hex")}.partial`;
}

/**
 * Writes a file, which replaces an older one only when it is complete. A path that is not a regular
 * file, such as a pipe or /dev/full, is written to directly.
 * @throws any error of `run` or the system; a regular file has not changed then
 */
export async function writeWholeFile(
  path: string,
  run: (write: Write) => void | Promise<void>,
): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    await writeInto(path, "w", run);
    return;
  }
  // The target of a link, not the link itself.
  const target = resolved(path);
  const draft = draftOf(target);
  try {
    await writeInto(draft, "wx", run);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

async function writeInto(
  path: string,
  flags: "w" | "wx",
  run: (write: Write) => void | Promise<void>,
): Promise<void> {
  const file = openSync(path, flags, OWNER_ONLY);
  try {
    await run((text) => {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    });
  } finally {
    closeSync(file);
  }
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
