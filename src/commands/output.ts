/** Output of commands: a bare value to a pipe, the value and a newline to a terminal, or JSON. */

import { writeSync } from "node:fs";
import { SystemError } from "./system_error.ts";

const STDOUT = 1;
const STDERR = 2;

/** Prints a value unchanged; a terminal gets what it can show, and a newline after it. */
export function printValue(value: Uint8Array): void {
  print(process.stdout.isTTY ? `${shownValue(value)}\n` : value);
}

/**
 * A value as a terminal shows it: its lines and tabs are kept, and all other control characters become
 * \x1b and the like, since they could paint the screen; so do the bytes of what is not UTF-8.
 */
export function shownValue(value: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
    return text.replace(/[^\n\t]+/g, escapeControls);
  } catch {
    const text = Buffer.from(value).toString("latin1");
    return text.replace(/[^\n\t\x20-\x7e]/g, escapeCharacter);
  }
}

/** @returns false if the reader went away, as below */
export function printLine(text: string): boolean {
  return print(`${text}\n`);
}

/**
 * Writes the whole output to standard output.
 * @returns false if the reader went away, as `head` does, which is no failure for most commands
 * @throws {SystemError} if it can't be written, for example to a full disk
 */
export function print(output: string | Uint8Array): boolean {
  const bytes = typeof output === "string" ? new TextEncoder().encode(output) : output;
  try {
    for (let written = 0; written < bytes.length;) written += writeSome(bytes, written);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EPIPE") return false;
    throw new SystemError(`can't write to standard output (${code})`);
  }
}

/** If the reader of a pipe is slower than this process, nothing is written for now. */
function writeSome(bytes: Uint8Array, from: number): number {
  try {
    return writeSync(STDOUT, bytes, from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
}

/**
 * One line of JSON. A bigint beyond 2^53 is written as text: most readers would round the number.
 * @returns false if the reader went away, as above
 */
export function printJson(fields: Readonly<Record<string, unknown>>): boolean {
  const members = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}:${jsonOf(value)}`);
  return printLine(`{${members.join(",")}}`);
}

function jsonOf(value: unknown): string {
  if (typeof value !== "bigint") return jsonText(value);
  return Number.isSafeInteger(Number(value)) ? String(value) : `"${value}"`;
}

/** As JSON that a terminal can show: JSON itself escapes only the control characters of ASCII below a space. */
export function jsonText(value: unknown): string {
  const escape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/\p{Cc}/gu, escape);
}

/**
 * A value as members of an object: `value` if it is text, otherwise `valueBase64`.
 * @param name replaces `value` in both names
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

/** As shownValue, in one line: the ends of lines become \x0a. */
export function shownLine(value: Uint8Array): string {
  return escapeControls(shownValue(value));
}

/** Reports that a key is missing, with the possible reasons. */
export function complainMissing(command: string, key: string): void {
  complain(`kg ${command}: there is no key "${key}" (never stored, deleted, expired or evicted)`);
}

/** A text that a terminal shows as one line: control characters become \x1b and the like. */
export function escapeControls(text: string): string {
  const isControl = (char: string) => char < " " || (char >= "\x7f" && char <= "\x9f");
  return [...text].map((char) => (isControl(char) ? escapeCharacter(char) : char)).join("");
}

/** @param char of one byte in Latin-1 */
function escapeCharacter(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

let written = (line: string): string => line;

/** From now on lines to standard error are written in another form. */
export function complainBy(form: (line: string) => string): void {
  written = form;
}

/** Writes a line to standard error, control characters escaped. Write errors are ignored. */
export function complain(line: string, form = written): void {
  try {
    writeSync(STDERR, `${form(escapeControls(line))}\n`);
  } catch {
    // Nobody reads standard error: no reason for a server to stop.
  }
}
