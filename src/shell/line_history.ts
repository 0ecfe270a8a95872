/** The lines that were typed before, kept in a file of the user's own, the newest last. */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { draftOf } from "../commands/whole_file.ts";

export const MAX_LINES = 1_000;
const OWNER_ONLY = 0o600;

/** XDG Base Directory Specification: what a program keeps between its runs. */
export function historyPath(env = process.env): string {
  if (process.platform === "win32") {
    return join(env.LOCALAPPDATA || join(homedir(), "AppData/Local"), "kilogram", "history");
  }
  return join(env.XDG_STATE_HOME || join(homedir(), ".local/state"), "kilogram", "history");
}

export class LineHistory {
  readonly #path: string;
  #lines: string[];

  constructor(path: string) {
    this.#path = path;
    this.#lines = read(path);
  }

  /** The newest first, as node:readline has them. */
  get newestFirst(): string[] {
    return this.#lines.toReversed();
  }

  /**
   * Keeps a line, unless it begins with a space or is that before it.
   * @returns false if it could not be written
   */
  add(line: string): boolean {
    if (/^\s|^$/.test(line) || line === this.#lines.at(-1)) return true;
    // Other shells may have added lines meanwhile.
    this.#lines = [...read(this.#path), line].slice(-MAX_LINES);
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      // A new file in place of the old one: whole, and readable by its owner alone from the first moment.
      const draft = draftOf(this.#path);
      writeFileSync(draft, `${this.#lines.join("\n")}\n`, { mode: OWNER_ONLY, flag: "wx" });
      renameSync(draft, this.#path);
      return true;
    } catch {
      return false;
    }
  }
}

function read(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter((line) => line !== "").slice(-MAX_LINES);
  } catch {
    return [];
  }
}
