import type { Calls } from "../client.ts";
import { type Meaning, meaningOf } from "../figures/glossary.ts";
import type { Section } from "../figures/snapshot.ts";
import { spelled, spelledShare } from "../figures/spelled.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { columns, type Command, heading } from "./command.ts";
import { cut } from "./cut.ts";
import { atEachServer, reportErrors, serverNames } from "./each_server.ts";
import { escapeControls, printJson, printLine } from "./output.ts";
import { readSections, type Sections } from "./sections_of.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "print the server's statistics",
  parameters: "[SECTION]",
  arity: [0, 1],
  details:
    "Without SECTION, prints all sections. The line `sections` names those that the server has.\n" +
    "Of several servers, each section has the server's name before its own. On a terminal each line\n" +
    "has its unit, or how many a second there were since the server started, and what it means;\n" +
    "to a pipe go name and value. kg top shows what happens now. In JSON used_bytes is usedBytes, as\n" +
    "names are in all JSON of kg.",
  options: {
    explain: { type: "boolean", help: "units, rates and meanings to a pipe, too" },
    ...CLIENT_OPTIONS,
  },
  examples: ["kg stats", "kg stats store --json", "kg stats operations --explain"],

  async run(input) {
    const [only] = input.parameters;
    return await withClient(input, async (kv) => {
      const isOne = serverNames(kv).length === 1;
      const { results, errors } = await atEachServer(kv, (one) => readAll(one, only));
      if (input.flag("json")) printAllJson(results, isOne, only);
      else {
        const explains = input.flag("explain") || Boolean(process.stdout.isTTY);
        for (const [server, sections] of results) {
          printSections(isOne ? "" : `${server} `, sections, only, explains);
        }
      }
      return reportErrors("stats", kv, errors, input.flag("json"));
    });
  },
};

/** The section that is wanted, with that of the server, which has its age; or all. */
async function readAll(kv: Calls<true>, only: string | undefined): Promise<Sections> {
  return await readSections(kv, only === undefined ? undefined : [only]);
}

function printAllJson(
  results: ReadonlyMap<string, Sections>,
  isOne: boolean,
  only: string | undefined,
): void {
  const all = [...results].map(([name, sections]) => {
    const wanted = [...sections].filter(([section]) => only === undefined || section === only);
    const named = wanted.map(([section, lines]) =>
      [camelCase(section), camelCased(lines)] as const
    );
    return [name, Object.fromEntries(named)] as const;
  });
  if (!isOne) printJson(Object.fromEntries(all));
  else for (const [, sections] of all) printJson(sections);
}

/** The wire has used_bytes, and JSON has usedBytes as everywhere. A node's name is an address. */
function camelCase(name: string): string {
  return /^\w+$/.test(name) ? name.replace(/_(\w)/g, (_, char) => char.toUpperCase()) : name;
}

function camelCased(section: Section): Section {
  return Object.fromEntries(
    Object.entries(section).map(([name, value]) => [camelCase(name), value]),
  );
}

function printSections(
  before: string,
  sections: Sections,
  only: string | undefined,
  explains: boolean,
): void {
  const uptimeMs = Number(sections.get("server")?.uptime_ms);
  for (const [name, section] of sections) {
    if (only !== undefined && name !== only) continue;
    const lines = Object.entries(section);
    const rows = explains
      ? lines.flatMap(([line, value]) => explain(name, line, value, uptimeMs))
      : lines.map(([line, value]) => [line, escapeControls(String(value))]);
    if (explains && name === "operations") rows.push(hitRatioRow(section));
    printLine(`${heading(before + name)}\n${fitted(columns(rows))}`);
  }
}

/** A line as people read it; none for what only programs read. */
function explain(section: string, name: string, value: string | number, uptimeMs: number) {
  const meaning = meaningOf(section, name);
  if (name === "buckets") return [];
  const text = escapeControls(String(value));
  if (meaning === undefined || meaning.kind === "fact") return [[name, text]];
  return [[name, text, spellingOf(Number(value), meaning, uptimeMs), meaning.text]];
}

/** With its unit; a count without one as so many a second. */
function spellingOf(value: number, { unit, kind }: Meaning, uptimeMs: number): string {
  if (unit !== "") return spelled(value, unit);
  const isRate = kind === "count" && value > 0 && uptimeMs > 0;
  return isRate ? `${spelled(value / uptimeMs * 1_000, "")}/s` : "";
}

function hitRatioRow({ hits, misses }: Readonly<Record<string, string | number>>): string[] {
  const share = Number(hits) / (Number(hits) + Number(misses));
  return ["hit_ratio", spelledShare(share), "", "hits of all reads, since the start"];
}

/** Lines no wider than the terminal. */
function fitted(text: string): string {
  const { columns: width } = process.stdout;
  if (!process.stdout.isTTY || !width) return text;
  return text.split("\n").map((line) => cut(line, width)).join("\n");
}
