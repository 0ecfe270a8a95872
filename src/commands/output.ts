/** What commands print: a bare value to a pipe, the same and a newline to a terminal, or JSON. */

import { writeSync } from "node:fs";

const STDERR = 2;

/** A value as it is; a terminal gets a newline after it. */
export function printValue(value: Uint8Array): void {
  process.stdout.write(value);
  if (process.stdout.isTTY) process.stdout.write("\n");
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line of JSON; a bigint is written as the number that it is. */
export function printJson(fields: Readonly<Record<string, unknown>>): void {
  const members = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}:${jsonOf(value)}`);
  printLine(`{${members.join(",")}}`);
}

function jsonOf(value: unknown): string {
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

/**
 * A value as members of an object: `value` where it is text, else `valueBase64`.
 * @param name what stands for `value`
 */
export function valueFields(
  value: Uint8Array | undefined,
  name = "value",
): Record<string, string | undefined> {
  if (value === undefined) return {};
  try {
    return { [name]: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value) };
  } catch {
    return { [`${name}Base64`]: Buffer.from(value).toString("base64") };
  }
}

/** The key is not there: what a person may want to know of it. */
export function complainMissing(command: string, key: string): void {
  complain(`kg ${command}: there is no key "${key}" (never stored, deleted, expired or evicted)`);
}

/** One line to standard error. */
export function complain(line: string): void {
  writeSync(STDERR, `${line}\n`);
}
