/**
 * Files that appear whole or not at all: written beside their target under an unguessable name, and
 * then moved there. Only their owner can read them, unless they are meant for others.
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
/** As the umask allows. */
export const FOR_ALL = 0o666;
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
  mode = OWNER_ONLY,
): Promise<void> {
  if (isSpecial(path)) {
    await writeInto(path, "w", mode, run);
    return;
  }
  // The target of a link, not the link itself.
  const target = resolved(path);
  const draft = draftOf(target);
  try {
    await writeInto(draft, "wx", mode, run);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/**
 * Finds out whether a file could be written, without changing anything that is there.
 * @throws the error of the system
 */
export function checkWritable(path: string): void {
  if (isSpecial(path)) return closeSync(openSync(path, "r+"));
  const draft = draftOf(resolved(path));
  closeSync(openSync(draft, "wx", OWNER_ONLY));
  rmSync(draft);
}

/** Whether a path leads to something that is not a regular file. */
function isSpecial(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === false;
}

async function writeInto(
  path: string,
  flags: "w" | "wx",
  mode: number,
  run: (write: Write) => void | Promise<void>,
): Promise<void> {
  const file = openSync(path, flags, mode);
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
