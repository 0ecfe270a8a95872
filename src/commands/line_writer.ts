/** Writes the lines of an export, many at a time, and shows the progress. */

import type { StoredItem } from "../journal/journal_executor.ts";
import { lineOf } from "./item_line.ts";
import type { LoadProgress } from "./progress.ts";
import type { Write } from "./whole_file.ts";

/** Lines are written once they have at least this many characters. */
const WRITE_CHARACTERS = 64 * 1024;

export class LineWriter {
  readonly #write: Write;
  readonly #progress: LoadProgress;
  #lines = "";

  constructor(write: Write, progress: LoadProgress) {
    this.#write = write;
    this.#progress = progress;
  }

  /** @param server which of several the item is from */
  add(item: StoredItem, server?: string): void {
    this.#lines += lineOf(item, server);
    this.#progress.count++;
    if (this.#lines.length < WRITE_CHARACTERS) return;
    this.#write(this.#lines);
    this.#lines = "";
    this.#progress.show();
  }

  /** Writes the rest. @returns the number of lines */
  end(): number {
    this.#write(this.#lines);
    this.#progress.clear();
    return this.#progress.count;
  }
}
