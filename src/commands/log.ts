/**
 * What a server says while it runs: a line for each event, with a level. A line never has a key or a
 * value of the store in it.
 */

import { fstatSync } from "node:fs";
import { choiceOf, type Input, type Options } from "./command.ts";
import { complain, complainBy, jsonText } from "./output.ts";

/** Severities of syslog (RFC 5424, section 6.2.1). */
const SEVERITIES = { error: 3, warning: 4, info: 6 } as const;
type Level = keyof typeof SEVERITIES;

/** More about an event, for programs. */
type Fields = Readonly<Record<string, string | number | undefined>>;

interface Event {
  readonly level: Level;
  readonly event: string;
  readonly message: string;
}

type Format = (event: Event, fields: Fields) => string;

export const LOG_OPTIONS = {
  "log-format": {
    type: "string",
    value: "text|logfmt|json",
    help: "how lines of the log are written (default: text)",
  },
  "log-level": {
    type: "string",
    value: "LEVEL",
    help: "the least important to log: info (default), warning or error",
  },
} as const satisfies Options;

const FORMATS: Readonly<Record<"text" | "logfmt" | "json", Format>> = {
  text: ({ level, message }) => {
    const before = isJournal ? `<${SEVERITIES[level]}>` : "";
    return before + (level === "warning" ? `warning: ${message}` : message);
  },
  logfmt: (event, fields) =>
    Object.entries(withTime(event, fields))
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${logfmtValue(String(value))}`)
      .join(" "),
  json: (event, fields) => jsonText(withTime(event, fields)),
};

let format = FORMATS.text;
let most: number = SEVERITIES.info;
let isJournal = false;

/** From now on the log is written as the options say; so are errors that end the program. */
export function beginLog(input: Input): void {
  format = FORMATS[choiceOf(input, "log-format", ["text", "logfmt", "json"])];
  most = SEVERITIES[choiceOf(input, "log-level", ["info", "warning", "error"])];
  isJournal = writesToJournal(process.env.JOURNAL_STREAM);
  complainBy((message) => format({ level: "error", event: "failed", message }, {}));
}

const tell = (level: Level) => (event: string, message: string, fields: Fields = {}): void => {
  if (SEVERITIES[level] > most) return;
  complain(message, (text) => format({ level, event, message: text }, fields));
};

/** @param event a word or two for programs, such as "listening" */
export const log = { info: tell("info"), warning: tell("warning"), error: tell("error") } as const;

function withTime(event: Event, fields: Fields) {
  return { time: new Date().toISOString(), ...event, ...fields };
}

function logfmtValue(text: string): string {
  return /^[^\s"=\\\p{Cc}]+$/u.test(text) ? text : jsonText(text);
}

/**
 * Whether standard error is the journal of systemd, which takes a severity before a line (sd-daemon(3)).
 * @param stream the device and inode that systemd connected (systemd.exec(5), JOURNAL_STREAM)
 */
function writesToJournal(stream: string | undefined): boolean {
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(2);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
