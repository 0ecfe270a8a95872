/** Tables of numbers, with bars behind them where the terminal has room for bars. */

/** A column of bars. */
export interface Bars {
  readonly head: string;
  /** Of each row, 0 to 1; above 0 it shows. */
  readonly shares: readonly number[];
}

const GAP = "  ";
const LEAST_BAR = 8;
const MOST_BAR = 30;

/** The first column to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]);
  return all.map((row) => (GAP + row.map(cell).join(GAP)).trimEnd()).join("\n");
}

/** A table with bars, or null if they would be too short. @param width of the terminal */
export function tableWithBars(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  bars: readonly Bars[],
  width: number,
): string | null {
  const [headLine, ...lines] = table(head, rows).split("\n");
  const free = Math.floor((width - headLine.length) / bars.length) - GAP.length;
  const room = Math.min(MOST_BAR, free);
  if (room < LEAST_BAR) return null;
  const behind = (line: string, texts: readonly string[]) =>
    [line, ...texts.map((text) => text.padEnd(room))].join(GAP).trimEnd();
  const drawn = lines.map((line, i) =>
    behind(line, bars.map(({ shares }) => "█".repeat(Math.ceil(shares[i] * room))))
  );
  return [behind(headLine, bars.map(({ head }) => head)), ...drawn].join("\n");
}
