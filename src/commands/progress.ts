/** How far long work is: a bar on standard error, where that is a terminal. */

const BAR_WIDTH = 30;

/** A bar that is filled up to a share of 0 to 1. */
export function bar(share: number): string {
  return "█".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, "░");
}

/** A bar over steps of equal weight, on standard error and only where that is a terminal. */
export class Progress {
  readonly #steps: number;
  #done = 0;

  constructor(steps: number) {
    this.#steps = steps;
  }

  /** @param share of the step at hand, 0 to 1 */
  show(what: string, share: number): void {
    if (!process.stderr.isTTY) return;
    const filled = bar((this.#done + share) / this.#steps);
    process.stderr.write(`\r\x1b[K${filled} ${this.#done + 1} of ${this.#steps}: ${what}`);
  }

  finish(): void {
    this.#done++;
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}
