/**
 * The manual page kg(1), made from the help of the commands, in the macros of man(7).
 */

import type { Command } from "../commands/command.ts";

export interface ManualFacts {
  readonly version: string;
  readonly commands: ReadonlyMap<string, Command>;
  readonly environment: readonly (readonly [variable: string, meaning: string])[];
  readonly exitStatuses: readonly (readonly [status: number, meaning: string])[];
  readonly files: readonly (readonly [path: string, meaning: string])[];
}

export function manualPage(facts: ManualFacts): string {
  const { version, commands, environment, exitStatuses, files } = facts;
  const parts = [
    `.TH KG 1 "" "kg ${text(version)}" "User Commands"`,
    ".SH NAME\nkg \\- an encrypted in-memory key-value store: server, client and load generator",
    `.SH SYNOPSIS\n.B kg\n.I COMMAND\n.RI [ arguments ]\n.RI [ options ]\n.br\n.B kg`,
    `.SH DESCRIPTION\n${
      paragraph(
        "kg stores small values under short keys in the memory of a server, between machines that " +
          "one owner runs. One UDP datagram of 1,024 bytes, sealed with AES-256-GCM, is one operation. " +
          "kg serve runs a server; the other commands are its clients. Without a command, on a " +
          "terminal, kg takes commands at a prompt.",
      )
    }`,
    ".SH COMMANDS",
    ...[...commands].map(([name, command]) => commandPart(name, command)),
    `.SH ENVIRONMENT\n${list(environment)}`,
    `.SH "EXIT STATUS"\n${
      list(exitStatuses.map(([status, meaning]) => [String(status), meaning]))
    }`,
    `.SH FILES\n${list(files)}`,
  ];
  return `${parts.join("\n")}\n`;
}

function commandPart(name: string, command: Command): string {
  const { summary, parameters, details, options, examples } = command;
  const rows = Object.entries(options).map(([option, { value, help }]): [string, string] => [
    `--${option}${value ? ` ${value}` : ""}`,
    help,
  ]);
  const usage = `kg ${name}${parameters === "" ? "" : ` ${parameters}`}`;
  return [
    `.SS "${text(usage)}"`,
    paragraph(`${summary[0].toUpperCase()}${summary.slice(1)}.`),
    ...details === undefined ? [] : [`.PP\n${paragraph(details.replaceAll("\n", " "))}`],
    list(rows),
    `.PP\n.nf\n${examples.map((line) => `.B "${quoted(line)}"`).join("\n")}\n.fi`,
  ].filter((part) => part !== "").join("\n");
}

function list(rows: readonly (readonly [term: string, meaning: string])[]): string {
  return rows.map(([term, meaning]) => `.TP\n.B "${quoted(term)}"\n${paragraph(meaning)}`).join(
    "\n",
  );
}

/** Text that troff takes for text: a backslash, and a point or an apostrophe at the beginning. */
function text(plain: string): string {
  return plain.replaceAll("\\", "\\e").replaceAll("-", "\\-");
}

const paragraph = (plain: string) => text(plain).replace(/^([.'])/, "\\&$1");
/** Within quotes of a macro. */
const quoted = (plain: string) => text(plain).replaceAll('"', "\\(dq");
