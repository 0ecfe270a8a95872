/** What commands print: a bare value to a pipe, the same and a newline to a terminal, or JSON. */

import { writeSync } from "node:fs";
import { UsageError } from "./usage_error.ts";

const STDOUT = 1;
const STDERR = 2;

/** A value as it is; a terminal gets a newline after it. */
export function printValue(value: Uint8Array): void {
  print(value);
  if (process.stdout.isTTY) print("\n");
}

export function printLine(text: string): void {
  print(`${text}\n`);
}

/**
 * Writes all of it to standard output. A reader that went away, as `head` does, is no failure.
 * @throws {UsageError} when it can't be written, as to a full disk
 */
export function print(output: string | Uint8Array): void {
  const bytes = typeof output === "string" ? new TextEncoder().encode(output) : output;
  try {
    for (let written = 0; written < bytes.length;) written += writeSome(bytes, written);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPIPE") throw new UsageError(`can't write to standard output (${code})`);
  }
}

/** The reader of a pipe may be slower than we are: then nothing is written, for now. */
function writeSome(bytes: Uint8Array, from: number): number {
  try {
    return writeSync(STDOUT, bytes, from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
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

/** One line to standard error, with nothing in it that a terminal obeys; lost if it must be. */
export function complain(line: string): void {
  const isControl = (char: string) => char < " " || (char >= "\x7f" && char <= "\x9f");
  const escape = (char: string) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  const plain = [...line].map((char) => (isControl(char) ? escape(char) : char)).join("");
  try {
    writeSync(STDERR, `${plain}\n`);
  } catch {
    // Nobody reads it: no reason for a server to stop.
  }
}
