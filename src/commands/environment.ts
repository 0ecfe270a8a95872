/** Options as environment variables: what --max-connections says, KG_MAX_CONNECTIONS says too. */

import type { Command, Input, Option, Options } from "./command.ts";
import { UsageError } from "./usage_error.ts";

/** KG_KEY_FILE has its place among other ways to give a key, and KG_BACKEND may have a password. */
const READ_WHERE_THEY_ARE_USED = ["key-file", "backend"] as const;
const TRUE = ["1", "true"] as const;
const FALSE = ["0", "false"] as const;

export type Environment = Readonly<Record<string, string | undefined>>;

/** What variables give to options that were not typed. */
type Given = ReadonlyMap<string, readonly string[]>;

/**
 * Runs a command with the options that were typed, and for those that were not with the environment's.
 * @returns the exit status
 * @throws what the command throws; if that is about a variable, its message names it
 */
export async function runInEnvironment(
  command: Command,
  typed: Input,
  env: Environment = process.env,
): Promise<number> {
  const given = valuesIn(env, typed, command.options);
  try {
    return await command.run(withValues(typed, given));
  } catch (error) {
    if (error instanceof Error) error.message = naming(error.message, given);
    throw error;
  }
}

export function variableOf(option: string): string {
  return `KG_${option.toUpperCase().replaceAll("-", "_")}`;
}

function valuesIn(env: Environment, typed: Input, options: Options): Given {
  const given = new Map<string, readonly string[]>();
  for (const [name, option] of Object.entries(options)) {
    const text = env[variableOf(name)];
    const isOther = READ_WHERE_THEY_ARE_USED.some((each) => each === name);
    if (!text || isOther || typed.texts(name).length > 0) continue;
    const values = valuesOf(variableOf(name), option, text);
    if (values.length > 0) given.set(name, values);
  }
  return given;
}

/** As on the command line: of an option without a value, "true" or nothing. */
function valuesOf(variable: string, { type, multiple }: Option, text: string): readonly string[] {
  if (type === "boolean") return isTrue(variable, text) ? ["true"] : [];
  if (!multiple) return [text];
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

function isTrue(variable: string, text: string): boolean {
  if (TRUE.some((each) => each === text)) return true;
  if (FALSE.some((each) => each === text)) return false;
  throw new UsageError(`${variable}=${text}: write 1 or true, or 0 or false`);
}

function withValues(typed: Input, given: Given): Input {
  const texts = (option: string) => given.get(option) ?? typed.texts(option);
  return {
    parameters: typed.parameters,
    texts,
    text: (option) => texts(option).at(-1),
    flag: (option) => typed.flag(option) || given.has(option),
  };
}

/** A message with the variables in place of the options, or behind it if it has only a value. */
function naming(message: string, given: Given): string {
  let named = message;
  for (const [option, values] of given) {
    const variable = variableOf(option);
    const withVariable = named.replaceAll(new RegExp(`--${option}(?![\\w-])`, "g"), variable);
    const isAbout = withVariable === named && values.some((value) => mentions(named, value));
    named = isAbout ? `${named} (${variable})` : withVariable;
  }
  return named;
}

/** Whether a message has a value as a word. A number would be in many. */
function mentions(message: string, value: string): boolean {
  if (/^[\d.]+\w*$/.test(value)) return false;
  const at = message.indexOf(value);
  const isPart = (char: string | undefined) => char !== undefined && /[\w./-]/.test(char);
  return at >= 0 && !isPart(message[at - 1]) && !isPart(message[at + value.length]);
}
