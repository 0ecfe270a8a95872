/** The sections of STATS that a server has. Source: docs/WIRE.md, section 4, «STATS». */

import type { Executor } from "./execute/executor.ts";
import type { Line, Section } from "./section.ts";
import { type Counters, datagramLines, operationLines, storeLines } from "./statistics.ts";

export interface SectionSources {
  readonly counters: Counters;
  readonly executor: Executor;
  /** Lines of the section `server`, without the list of all sections. */
  readonly serverLines: Section;
  /** The section `process`: what the server takes of the machine. */
  readonly processLines?: Section;
  /** Lines of the section `datagrams` with the system's counts. */
  readonly systemLines?: Section;
  /** The section `keys`. */
  readonly keyLines?: Section;
  /** The section `connections`, if there are doors for text. */
  readonly connectionLines?: Section;
  /** Threads that answer queries. */
  readonly readers?: { collect(): void; readonly sections: ReadonlyMap<string, Section> };
}

export function makeSections(sources: SectionSources): ReadonlyMap<string, Section> {
  const { counters, executor, serverLines, systemLines, connectionLines, readers } = sources;
  const { keyLines, processLines } = sources;
  const collected = (lines: (counters: Counters) => Line[]) => () => {
    readers?.collect();
    return lines(counters);
  };
  const names = (): Line => ["sections", [...sections.keys()].join(" ")];
  const sections = new Map<string, Section>([
    ["server", () => [...serverLines(), names()]],
    ["operations", collected(operationLines)],
    ["datagrams", collected(() => [...datagramLines(counters), ...(systemLines?.() ?? [])])],
    ["store", () => storeLines(executor.counts)],
  ]);
  // Readers have a part in what samples tell, too.
  for (const [name, lines] of executor.sections) sections.set(name, collected(lines));
  for (const [name, lines] of readers?.sections ?? []) sections.set(name, collected(lines));
  if (processLines !== undefined) sections.set("process", processLines);
  if (keyLines !== undefined) sections.set("keys", collected(keyLines));
  if (connectionLines !== undefined) sections.set("connections", connectionLines);
  return sections;
}
