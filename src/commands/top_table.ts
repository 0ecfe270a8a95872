/** Figures as lines: what `kg top` prints to a pipe, and of several servers to a terminal. */

import type { Figures } from "../figures/snapshot.ts";
import { spelledBytes, spelledNumber, spelledShare, spelledUs } from "../figures/spelled.ts";

interface Column {
  readonly name: string;
  readonly width: number;
  readonly cell: (figures: Figures) => string;
}

const COLUMNS: readonly Column[] = [
  { name: "ops/s", width: 9, cell: (each) => spelledNumber(each.operationsPerSecond) },
  { name: "reads/s", width: 9, cell: (each) => spelledNumber(each.readsPerSecond) },
  { name: "writes/s", width: 9, cell: (each) => spelledNumber(each.writesPerSecond) },
  { name: "hits", width: 7, cell: (each) => spelledShare(each.hitRatio) },
  { name: "read p99", width: 8, cell: (each) => spelledUs(each.reads.p99Us) },
  { name: "write p99", width: 9, cell: (each) => spelledUs(each.writes.p99Us) },
  { name: "keys", width: 11, cell: (each) => spelledNumber(each.keys) },
  { name: "memory", width: 8, cell: (each) => spelledBytes(each.usedBytes) },
  { name: "evicted/s", width: 9, cell: (each) => spelledNumber(each.evictionsPerSecond) },
  { name: "errors/s", width: 8, cell: (each) => spelledNumber(each.errorsPerSecond) },
  { name: "drops/s", width: 7, cell: (each) => spelledNumber(each.dropsPerSecond) },
];

export const tableHead: string = COLUMNS.map(({ name, width }) => name.padStart(width)).join(" ");

/** @param figures null for a server that does not answer */
export function tableRow(figures: Figures | null): string {
  if (figures === null) return "no answer".padStart(COLUMNS[0].width);
  return COLUMNS.map(({ width, cell }) => cell(figures).padStart(width)).join(" ");
}
