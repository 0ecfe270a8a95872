/** The definition of a command, and the code that all commands share. */

import { parseArgs, styleText } from "node:util";
import { nearest } from "../nearest.ts";
import { UsageError } from "./usage_error.ts";

export interface Option {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  /** The placeholder for the value in the help, such as TIME. */
  readonly value?: string;
  readonly help: string;
}

export type Options = Readonly<Record<string, Option>>;

export interface Command {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** The positional arguments, such as `KEY VALUE`. */
  readonly parameters: string;
  /** How many positional arguments are allowed. */
  readonly arity: readonly [least: number, most: number];
  /** Lines of detail beyond the summary. */
  readonly details?: string;
  readonly options: Options;
  /** Whether variables of the environment may give the options too. */
  readonly takesVariables?: boolean;
  /** Shell command lines, some with a comment. */
  readonly examples: readonly string[];
  /** For arguments that are too many or too few: what was probably meant, as ": …", if that is known. */
  hint?(given: readonly string[]): string | undefined;
  /** @returns the exit status */
  run(input: Input): Promise<number>;
}

/** The typed arguments, checked against the command's options and arity. */
export interface Input {
  readonly parameters: readonly string[];
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  flag(option: string): boolean;
}

/** The chosen value; the first choice is the default. @throws UsageError for any other value */
export function choiceOf<T extends string>(
  input: Input,
  option: string,
  choices: readonly [T, ...T[]],
): T {
  const text = input.text(option) ?? choices[0];
  const choice = choices.find((each) => each === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`--${option} ${text}: choose ${choices.join(" or ")}`);
}

/** Exit statuses. */
export const Exit = {
  DONE: 0,
  NOT_FOUND: 1,
  USAGE: 2,
  NO_ANSWER: 3,
  REFUSED: 4,
  SYSTEM: 5,
} as const;

const HELP: Option = { type: "boolean", help: "show this help" };

/** Parses the arguments after a command's name; null if they ask for its help. */
export function parseInput(name: string, command: Command, args: readonly string[]): Input | null {
  args.forEach(checkText);
  const { values, positionals } = parse(name, command, args);
  if (values.help) return null;
  const [least, most] = command.arity;
  if (positionals.length < least || positionals.length > most) {
    throw new UsageError(
      `takes ${command.parameters || "no arguments"}, and was given ${countText(positionals)}${
        command.hint?.(positionals) ?? ""
      }`,
    );
  }
  const list = (option: string) =>
    ([] as unknown[]).concat(values[option] ?? []).map(String).map(unmark);
  return {
    parameters: positionals.map(unmark),
    text: (option) => list(option).at(-1),
    texts: list,
    flag: (option) => values[option] === true,
  };
}

function countText({ length }: readonly string[]): string {
  if (length === 0) return "nothing";
  return length === 1 ? "an argument" : `${length} arguments`;
}

interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

function parse(name: string, command: Command, args: readonly string[]): Parsed {
  try {
    return parseArgs({
      args: args.map(markNumber),
      options: { ...parseArgsOptions(command.options), help: { type: "boolean", short: "h" } },
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [first] = message.split(/\.?(?:\s*\n|\. |$)/);
    const [, unknown = ""] = /^Unknown option '--([^']*)'/.exec(message) ?? [];
    const meant = meantBy(unknown, Object.keys(command.options));
    const hint = meant === undefined ? "" : ` Did you mean --${meant}?`;
    throw new UsageError(
      `${first[0].toLowerCase()}${first.slice(1)}.${hint} Options: kg ${name} --help`,
    );
  }
}

/** Names of these options in other programs. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...{ port: "listen", host: "listen", bind: "listen", address: "listen", addr: "listen" },
  ...{ maxmemory: "memory", dir: "data-dir", datadir: "data-dir", threads: "readers" },
  ...{ ex: "ttl", px: "ttl", expire: "ttl", expires: "ttl", force: "overwrite", limit: "count" },
};

function meantBy(unknown: string, options: readonly string[]): string | undefined {
  const elsewhere = Object.hasOwn(ELSEWHERE, unknown) ? ELSEWHERE[unknown] : "";
  return options.includes(elsewhere) ? elsewhere : nearest(unknown, options);
}

function parseArgsOptions(options: Options) {
  const entries = Object.entries(options).map(([name, { type, multiple }]) => [
    name,
    { type, multiple: multiple ?? false },
  ]);
  return Object.fromEntries(entries) as Record<
    string,
    { type: "string" | "boolean"; multiple: boolean }
  >;
}

/** No argument contains a NUL, so a leading NUL marks an argument that is not an option. */
const MARK = "\0";

/** A negative number is an argument, not an option: `kg add hits -1`. */
function markNumber(arg: string): string {
  return /^-\d/.test(arg) ? MARK + arg : arg;
}

function unmark(arg: string): string {
  return arg.startsWith(MARK) ? arg.slice(MARK.length) : arg;
}

/** The runtime's replacement for bytes that are not UTF-8: two such keys would become one. */
const REPLACEMENT = "\ufffd";

function checkText(arg: string): void {
  if (!arg.includes(REPLACEMENT)) return;
  throw new UsageError(
    "an argument is not UTF-8; kg set KEY - takes any bytes from standard input",
  );
}

/** The help of one command. */
export function helpText(name: string, command: Command): string {
  const options = { ...command.options, help: HELP };
  const rows = Object.entries(options).map(([option, { value, help }]) => [
    `--${option}${value ? ` ${value}` : ""}`,
    help,
  ]);
  const parts = [
    `${command.summary[0].toUpperCase()}${command.summary.slice(1)}.`,
    `${heading("Usage:")} kg ${name} ${command.parameters}${
      command.parameters ? " " : ""
    }[options]`,
    command.details,
    `${heading("Options:")}\n${columns(rows)}`,
    `${heading("Examples:")}\n${command.examples.map((line) => `  ${line}`).join("\n")}`,
  ];
  return `${parts.filter((part) => part !== undefined).join("\n\n")}\n`;
}

export function heading(text: string): string {
  return process.stdout.isTTY ? styleText("bold", text) : text;
}

/** Columns, each as wide as its widest cell; a row's last cell is as wide as it likes. */
export function columns(rows: readonly (readonly string[])[]): string {
  const lengthOf = (row: readonly string[], i: number) => i < row.length - 1 ? row[i].length : 0;
  const widthOf = (column: number) => Math.max(...rows.map((row) => lengthOf(row, column)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => i === row.length - 1 ? cell : cell.padEnd(widthOf(i))).join("  ");
  return rows.map((row) => `  ${line(row)}`).join("\n");
}
