/** The progress of long work, on standard error: a bar if that is a terminal. */

import { complain } from "./output.ts";
import { formatKeys } from "./quantities.ts";

const BAR_WIDTH = 30;
const DEFAULT_COLUMNS = 80;
const GAP = "  ";

/** A bar that is filled to a share from 0 to 1. */
export function bar(share: number): string {
  return "█".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, "░");
}

/** The room of a line on standard error; the terminal's last column stays free. */
export function lineWidth(): number {
  return (process.stderr.columns || DEFAULT_COLUMNS) - 1;
}

/** As many of some parts, in their order, as a line has room for; always the first. */
export function fit([first, ...others]: readonly string[], width: number): string {
  let line = first;
  for (const part of others) {
    if (line.length + GAP.length + part.length > width) break;
    line += GAP + part;
  }
  return line;
}

/** Replaces the terminal's last line with a text, as far as it fits; without a terminal does nothing. */
export function showOnTerminal(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text.slice(0, lineWidth())}`);
}

/** A bar over steps of equal weight, on standard error and only if that is a terminal. */
export class Progress {
  readonly #steps: number;
  #done = 0;

  constructor(steps: number) {
    this.#steps = steps;
  }

  /** @param share of the current step, 0 to 1 */
  show(what: string, share: number): void {
    const filled = bar((this.#done + share) / this.#steps);
    showOnTerminal(`${filled} ${this.#done + 1} of ${this.#steps}: ${what}`);
  }

  finish(): void {
    this.#done++;
  }

  clear(): void {
    showOnTerminal("");
  }
}

/** How often a line is printed without a terminal. */
const LINE_INTERVAL_MS = 5_000;

/** The progress of reading keys from a folder or a file: a bar, or a line now and then. */
export class LoadProgress {
  readonly #what: string;
  readonly total: number;
  /** Keys so far. */
  count = 0;
  readonly #startedAtMs = performance.now();
  #linesAtMs = this.#startedAtMs;

  /** @param what such as «loading DIR» */
  constructor(what: string, total: number) {
    this.#what = what;
    this.total = total;
  }

  show(): void {
    const share = this.total === 0 ? 1 : Math.min(1, this.count / this.total);
    const text = `${this.#what}: ${this.count} of ${formatKeys(this.total)}`;
    showOnTerminal(`${bar(share)} ${text}`);
    if (!process.stderr.isTTY && performance.now() - this.#linesAtMs >= LINE_INTERVAL_MS) {
      this.#linesAtMs = performance.now();
      complain(text);
    }
  }

  /** Seconds since the start, for display. */
  get seconds(): string {
    return ((performance.now() - this.#startedAtMs) / 1_000).toFixed(1);
  }

  clear(): void {
    showOnTerminal("");
  }
}

/** The count is shown each time it grows by this. */
const COUNT_STEP = 1_000;

/** The progress of work of unknown size: a count, if there is a terminal. */
export class CountProgress {
  count = 0;
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  add(): void {
    this.count++;
    if (this.count % COUNT_STEP === 0) showOnTerminal(`${this.#what}: ${this.count} keys`);
  }

  clear(): void {
    showOnTerminal("");
  }
}
