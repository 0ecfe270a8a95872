/** What the Tab key offers: commands, options, and keys of the server. */

import type { Command } from "../commands/command.ts";
import { quoted, wordsOf } from "./words.ts";

export interface CompleterPorts {
  /** The names of all commands. */
  readonly names: readonly string[];
  /** The command of a name; null if there is none. */
  readonly find: (name: string) => Promise<Command | null>;
  /** Some keys that begin with a prefix; none where the server does not answer soon. */
  readonly keys: (prefix: string) => Promise<readonly string[]>;
}

/** The possible words, and the part of the line that they replace. */
export type Completion = [words: string[], part: string];

export async function complete(line: string, ports: CompleterPorts): Promise<Completion> {
  const { words, lastAt, open } = wordsOf(line);
  const part = line.slice(lastAt);
  const isNew = part === "";
  const word = isNew ? "" : words[words.length - 1];
  const before = isNew ? words : words.slice(0, -1);
  if (open === '"') return [[], part];
  const offers = await offersFor(before, word, ports);
  return [
    offers.filter((offer) => offer.startsWith(word)).map(quoted).map((each) => `${each} `),
    part,
  ];
}

async function offersFor(
  before: readonly string[],
  word: string,
  { names, find, keys }: CompleterPorts,
): Promise<readonly string[]> {
  const [name, ...rest] = before[0] === "kg" ? before.slice(1) : before;
  if (name === undefined || name === "help") return names;
  const command = await find(name);
  if (command === null) return [];
  const last = rest.at(-1);
  if (last?.startsWith("--") && takesValue(command, last)) return choicesOf(command, last);
  if (word.startsWith("-")) {
    return [...Object.keys(command.options), "help"].map((option) => `--${option}`);
  }
  const given = rest.filter((each) => !each.startsWith("--")).length;
  // A key that begins with a dash would be taken for an option.
  return takesKey(command, given) ? (await keys(word)).filter((key) => !key.startsWith("-")) : [];
}

function takesValue({ options }: Command, option: string): boolean {
  const name = option.slice(2);
  return Object.hasOwn(options, name) && options[name].type === "string";
}

/** The choices of an option, such as `evict|refuse`. */
function choicesOf({ options }: Command, option: string): readonly string[] {
  const { value = "" } = options[option.slice(2)];
  return value.includes("|") ? value.split("|") : [];
}

/** @param place of the argument among those that are no options, as far as that is known */
function takesKey({ parameters }: Command, place: number): boolean {
  const names = parameters.replaceAll(/[[\]]/g, "").split(" ").filter((name) => name !== "");
  const last = names.at(-1) ?? "";
  const name = names[place] ?? (last.endsWith("...") ? last : "");
  return /^(KEY|PREFIX)/.test(name);
}
