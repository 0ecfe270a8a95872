/** The reports of the benchmarks: medians, and tables in Markdown. */

/** The medians, field by field, of several rounds: objects of one shape, at least one. */
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

/** Rows of cells as a table in Markdown; the first row is its head. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.slice(1).map(line)].join("\n");
}

/** The least and the greatest of at least one number. */
export function spread(numbers: readonly number[]): [least: number, most: number] {
  return [Math.min(...numbers), Math.max(...numbers)];
}
