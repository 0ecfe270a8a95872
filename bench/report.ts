/** How the benchmarks tell what they found: medians, tables in Markdown, a progress bar. */

const BAR_WIDTH = 30;

/** Number by number, the medians of what several rounds gave: objects of one shape, at least one. */
export function medians<T extends object>(rounds: readonly T[]): T {
  const merge = (values: readonly unknown[]): unknown => {
    const [first] = values;
    if (typeof first === "number") return median(values as number[]);
    const names = Object.keys(first as object);
    const of = (name: string) => values.map((value) => (value as Record<string, unknown>)[name]);
    return Object.fromEntries(names.map((name) => [name, merge(of(name))]));
  };
  return merge(rounds) as T;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Rows of cells as a table in Markdown, the first row its head. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.slice(1).map(line)].join("\n");
}

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
