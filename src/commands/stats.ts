import type { Calls } from "../client.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { columns, type Command, Exit, heading } from "./command.ts";
import { printJson, printLine } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { withClient } from "./with_client.ts";

type Section = Record<string, string | number>;

export const command: Command = {
  summary: "print the server's statistics",
  parameters: "[SECTION]",
  arity: [0, 1],
  details:
    "Without SECTION, prints all sections. The line `sections` names those that the server has.",
  options: CLIENT_OPTIONS,
  examples: ["kg stats", "kg stats store --json"],

  async run(input) {
    const [only] = input.parameters;
    const sections = await withClient(input, (kv) => readSections(kv, only));
    if (input.flag("json")) printJson(Object.fromEntries(sections));
    else for (const [name, section] of sections) printLine(sectionText(name, section));
    return Exit.DONE;
  },
};

async function readSections(
  kv: Calls<true>,
  only: string | undefined,
): Promise<Map<string, Section>> {
  const server = (await kv.stats()) ?? {};
  const names = String(server.sections).split(" ");
  if (only !== undefined && !names.includes(only)) {
    throw new UsageError(`there is no section "${only}": choose from ${names.join(", ")}`);
  }
  const sections = new Map<string, Section>();
  for (const name of only === undefined ? names : [only]) {
    sections.set(name, (await kv.stats({ section: name })) ?? {});
  }
  return sections;
}

function sectionText(name: string, section: Section): string {
  return `${heading(name)}\n${
    columns(Object.entries(section).map(([key, value]) => [key, String(value)]))
  }`;
}
