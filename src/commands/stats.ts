import type { Calls } from "../client.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { columns, type Command, heading } from "./command.ts";
import { atEachServer, reportErrors, serverNames } from "./each_server.ts";
import { printJson, printLine } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { withClient } from "./with_client.ts";

type Section = Record<string, string | number>;

export const command: Command = {
  summary: "print the server's statistics",
  parameters: "[SECTION]",
  arity: [0, 1],
  details:
    "Without SECTION, prints all sections. The line `sections` names those that the server has.\n" +
    "Of several servers, each section has the server's name before its own. In JSON used_bytes is\n" +
    "usedBytes, as names are in all JSON of kg.",
  options: CLIENT_OPTIONS,
  examples: ["kg stats", "kg stats store --json"],

  async run(input) {
    const [only] = input.parameters;
    return await withClient(input, async (kv) => {
      const isOne = serverNames(kv).length === 1;
      const { results, errors } = await atEachServer(
        kv,
        (one) => readSections(one, only, input.flag("json")),
      );
      if (input.flag("json")) {
        const all = [...results].map(([name, sections]) => [name, Object.fromEntries(sections)]);
        if (!isOne) printJson(Object.fromEntries(all));
        else for (const [, sections] of all) printJson(sections as Record<string, Section>);
      } else {
        for (const [server, sections] of results) {
          printSections(isOne ? "" : `${server} `, sections);
        }
      }
      return reportErrors("stats", kv, errors, input.flag("json"));
    });
  },
};

function printSections(before: string, sections: ReadonlyMap<string, Section>): void {
  for (const [name, section] of sections) printLine(sectionText(before + name, section));
}

async function readSections(
  kv: Calls<true>,
  only: string | undefined,
  isJson: boolean,
): Promise<Map<string, Section>> {
  const server = (await kv.stats()) ?? {};
  const names = String(server.sections).split(" ");
  if (only !== undefined && !names.includes(only)) {
    throw new UsageError(`there is no section "${only}": choose from ${names.join(", ")}`);
  }
  const sections = new Map<string, Section>();
  for (const name of only === undefined ? names : [only]) {
    const section = (await kv.stats({ section: name })) ?? {};
    sections.set(name, isJson ? camelCased(section) : section);
  }
  return sections;
}

/** The wire has used_bytes, and JSON has usedBytes as everywhere. */
function camelCased(section: Section): Section {
  const camelCase = (name: string) =>
    // Not the name of a node, which is an address.
    /^\w+$/.test(name) ? name.replace(/_(\w)/g, (_, char) => char.toUpperCase()) : name;
  return Object.fromEntries(
    Object.entries(section).map(([name, value]) => [camelCase(name), value]),
  );
}

function sectionText(name: string, section: Section): string {
  return `${heading(name)}\n${
    columns(Object.entries(section).map(([key, value]) => [key, String(value)]))
  }`;
}
